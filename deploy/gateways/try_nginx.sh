#!/bin/sh
# A real nginx with nginx.conf's log_format before a mocked model, on loopback: what its log becomes.
#
#   deploy/gateways/try_nginx.sh            # wants nginx (Debian: apt-get install nginx, or NGINX_BIN=path)
#
# Asks as two accounts, as nobody, and with a GET, and shows with `hydrawatch intake check` what each line is. With
# INTAKE=http://127.0.0.1:9465 and TOKEN it posts the log there as well.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${NGINX_BIN:=nginx}" "${PORT:=18080}" "${MODEL_PORT:=18081}"
: "${HYDRAWATCH:=$root/.venv/bin/hydrawatch}" "${PYTHON:=$root/.venv/bin/python}"
command -v "$NGINX_BIN" >/dev/null || { echo "there is no nginx; install it, or set NGINX_BIN" >&2; exit 1; }

folder=$(mktemp -d)
trap 'kill "$model" 2>/dev/null || true; [ -f "$folder/nginx.pid" ] && kill "$(cat "$folder/nginx.pid")" || true; sleep 1; rm -rf "$folder"' EXIT

# The service behind it, which knows what model answered and with how many tokens.
cat >"$folder/model.py" <<'PY'
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Model(BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.send_response(429 if "busy" in self.path else 200)
        self.send_header("x-model", "large-5")
        self.send_header("x-input-tokens", "12")
        self.send_header("x-output-tokens", "34")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Model).serve_forever()
PY
"$PYTHON" "$folder/model.py" "$MODEL_PORT" &
model=$!

mkdir "$folder/body" "$folder/logs"
cat >"$folder/nginx.conf" <<CONF
worker_processes 1;
user $(id -un);
daemon on;
pid $folder/nginx.pid;
error_log $folder/error.log;
events { worker_connections 64; }
http {
  include $here/nginx.conf;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/f;
  uwsgi_temp_path $folder/u; scgi_temp_path $folder/s;
  server {
    listen 127.0.0.1:$PORT;
    access_log $folder/logs/hydrawatch.log hydrawatch;
    location / { proxy_pass http://127.0.0.1:$MODEL_PORT; }
  }
}
CONF
"$NGINX_BIN" -e "$folder/error.log" -p "$folder" -c "$folder/nginx.conf"

until curl -s --noproxy '*' "http://127.0.0.1:$MODEL_PORT" >/dev/null; do sleep 0.2; done
ask() {
  curl -sS --noproxy '*' "$@" -H 'Content-Type: application/json' \
    -d '{"model":"large-5","messages":[{"role":"user","content":"a prompt that nobody may see"}]}' >/dev/null
}
url=http://127.0.0.1:$PORT
ask "$url/v1/chat/completions" -H 'x-account-id: u-1' -A 'OpenAI/Python 1.2.3'
ask "$url/v1/chat/completions?key=secret" -H 'x-account-id: u-2' -H 'x-forwarded-for: 203.0.113.9'
ask "$url/v1/chat/completions" # nobody
ask "$url/busy" -H 'x-account-id: u-1'
curl -sS --noproxy '*' "$url/healthz" -H 'x-account-id: u-1' >/dev/null
# nginx writes a line once its request has ended.
while [ "$(wc -l <"$folder/logs/hydrawatch.log")" -lt 5 ]; do sleep 0.2; done

echo "--- nginx wrote"
cat "$folder/logs/hydrawatch.log"
if grep -q "nobody may see\|key=secret" "$folder/logs/hydrawatch.log"; then echo "a secret is in the log" >&2; exit 1; fi
echo "--- of which hydrawatch makes"
"$HYDRAWATCH" intake check "$folder/logs/hydrawatch.log" --format nginx || true
if [ -n "${INTAKE:-}" ]; then
  echo "--- and the intake says"
  curl -s --data-binary "@$folder/logs/hydrawatch.log" -H "Authorization: Bearer ${TOKEN:-}" "$INTAKE/v1/ingest/nginx"
fi
