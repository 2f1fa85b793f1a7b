#!/bin/sh
# A real LiteLLM proxy with a mocked model that posts to an intake, all on loopback: what arrives, and what it becomes.
#
#   LITELLM=/somewhere/venv/bin/litellm INTAKE=http://127.0.0.1:9465 TOKEN=... deploy/gateways/try_litellm.sh
#
# LiteLLM lives in an environment of its own, never in hydrawatch's: `python -m venv V; V/bin/pip install
# 'litellm[proxy]'` (its releases were tampered with before: pin what you install, with hashes). A small server in
# between keeps the bodies that it posts, to be looked at with `hydrawatch intake check`, and passes them on. Two
# users ask, one of them streaming, one request fails.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${LITELLM:=litellm}" "${PORT:=18090}" "${BETWEEN_PORT:=18091}" "${KEEP:=}"
: "${HYDRAWATCH:=$root/.venv/bin/hydrawatch}" "${PYTHON:=$root/.venv/bin/python}"
command -v "$LITELLM" >/dev/null || { echo "there is no litellm; name it in LITELLM" >&2; exit 1; }

folder=$(mktemp -d)
trap 'kill $between $proxy 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
between='' proxy=''

cat >"$folder/between.py" <<'PY'
"""Keeps what is posted, line by line, and passes it on if there is an intake."""
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer


class Between(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "ab") as kept:
            kept.write(body + b"\n")
        status, said = 200, b"{}"
        if intake := os.environ.get("INTAKE"):
            headers = {"Authorization": self.headers.get("Authorization", "")}
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(intake + self.path, body, headers)
                ) as answer:
                    status, said = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, said = error.code, error.read()
            except OSError as error:
                status, said = 503, str(error).encode()
            print("the intake:", status, said.decode(), flush=True)
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Between).serve_forever()
PY

# Who a key belongs to: LiteLLM knows that of its database, which is not needed to try it.
cat >"$folder/keys.py" <<'PY'
from litellm.proxy._types import UserAPIKeyAuth


async def whose(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=api_key.removeprefix("sk-"), org_id="acme")
PY

{
  sed -e "s#http://hydrawatch-intake:9465#http://127.0.0.1:$BETWEEN_PORT#" -e "s/TOKEN/${TOKEN:-none}/" "$here/litellm.yaml"
  cat <<CONF
model_list:
  - model_name: large-5
    litellm_params: {model: openai/large-5, api_key: none, mock_response: "an answer that nobody may see"}
  - model_name: broken
    litellm_params: {model: openai/broken, api_key: none, mock_response: "litellm.RateLimitError"}
general_settings:
  master_key: sk-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  custom_auth: keys.whose
CONF
} >"$folder/config.yaml"

"$PYTHON" "$folder/between.py" "$BETWEEN_PORT" "$folder/bodies.jsonl" &
between=$!
(cd "$folder" && LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_TELEMETRY=False DEFAULT_FLUSH_INTERVAL_SECONDS=1 \
  exec "$LITELLM" --config config.yaml --host 127.0.0.1 --port "$PORT" >"$folder/litellm.log" 2>&1) &
proxy=$!
url=http://127.0.0.1:$PORT
until curl -sf --noproxy '*' "$url/health/liveliness" >/dev/null; do
  kill -0 "$proxy" 2>/dev/null || { tail -30 "$folder/litellm.log" >&2; exit 1; }
  sleep 1
done

ask() {
  curl -sS --noproxy '*' "$url/v1/chat/completions" -H "Authorization: Bearer sk-$1" -H 'Content-Type: application/json' \
    -d "{\"model\":\"$2\",\"stream\":$3,\"temperature\":0.7,\"max_tokens\":50,\"user\":\"end-$1\",\"messages\":[{\"role\":\"user\",\"content\":\"a prompt that nobody may see\"}]}" >/dev/null
}
ask alice large-5 false
ask alice large-5 false
ask bob large-5 true
ask bob broken false
lines=0
for _ in $(seq 60); do
  [ -f "$folder/bodies.jsonl" ] && lines=$(grep -c . "$folder/bodies.jsonl" || true)
  [ "$lines" -ge 4 ] && break
  sleep 1
done
echo "--- LiteLLM posted $lines records; the first:"
head -1 "$folder/bodies.jsonl" | cut -c1-3000
if grep -q "nobody may see" "$folder/bodies.jsonl"; then echo "NOTE: content is in what LiteLLM posts"; fi
echo "--- of which hydrawatch makes"
"$HYDRAWATCH" intake check "$folder/bodies.jsonl" --format litellm || true
[ -z "$KEEP" ] || cp "$folder/bodies.jsonl" "$KEEP"
