"""A token endpoint for tests: client credentials in, an unsigned token out."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs


def unsigned_token(user: str, life_s: float = 3600) -> str:
    """A token as Kafka takes it where no key server is configured: a claim, and nobody's word."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": int(now), "exp": int(now + life_s)})
    return ".".join(_base64(json.dumps(part).encode()) for part in parts) + "."


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Endpoint:
    """What an endpoint answers, and what it was asked."""

    secret: str
    life_s: float | None = 3600
    redirect: str = ""
    url: str = ""
    asked: list[dict[str, list[str]]] = field(default_factory=list)


@contextmanager
def token_endpoint(secret: str, life_s: float | None = 3600) -> Iterator[Endpoint]:
    """An endpoint on loopback for clients that know the secret; the client's id is the user."""
    endpoint = Endpoint(secret, life_s)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            endpoint.asked.append(form)
            pair = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            user, _, given = pair.partition(":")
            if endpoint.redirect:
                self.send_response(302)
                self.send_header("Location", endpoint.redirect)
                self.end_headers()
            elif given != endpoint.secret:
                self.answer(401, {"error": "invalid_client", "error_description": pair})
            else:
                token = unsigned_token(user, endpoint.life_s or 3600)
                answer: dict[str, object] = {"access_token": token, "token_type": "Bearer"}
                if endpoint.life_s is not None:
                    answer["expires_in"] = endpoint.life_s
                self.answer(200, answer)

        def answer(self, status: int, body: object) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/token"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
