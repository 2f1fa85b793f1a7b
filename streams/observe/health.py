"""/metrics, /livez and /readyz, served from a thread of their own, so a stalled loop is seen."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from detectors.errors import ConfigError
from streams.terminal import json_text

# Longer than a full garbage collection or a numba compilation, shorter than an operator's patience.
STALLED_S = 30.0
BEAT_S = 1.0


class Heartbeat:
    """When the event loop last had a turn. Beaten by the loop, read by the server's thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """The loop is alive now."""
        self._last = self._clock()

    def age_s(self) -> float:
        """Seconds since the last beat (or since the heartbeat was made)."""
        return self._clock() - self._last

    async def run(self) -> None:
        """Beat until cancelled; start it as a task of the loop to be watched."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_S)


class Readiness:
    """Named reasons why this process is not ready; with none left it is.

    A name says which part speaks ("topics", "assignment", "recovery"), the reason what it
    waits for. Notes say what is wrong though it is ready.
    """

    def __init__(self, **reasons: str) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = dict(reasons)
        self._notes: dict[str, str] = {}

    def wait_for(self, name: str, reason: str) -> None:
        """Not ready, because of `reason`; replaces what `name` said before."""
        with self._lock:
            self._reasons[name] = reason

    def done(self, name: str) -> None:
        """`name` has no reason any more."""
        with self._lock:
            self._reasons.pop(name, None)

    def reasons(self) -> dict[str, str]:
        """What is missing, by name; empty when ready."""
        with self._lock:
            return dict(self._reasons)

    def note(self, notes: Mapping[str, str]) -> None:
        """What is wrong, by the part that speaks; replaces all that was said before."""
        with self._lock:
            self._notes = dict(notes)

    def notes(self) -> dict[str, str]:
        """What is wrong and no reason not to be ready; mostly empty."""
        with self._lock:
            return dict(self._notes)


@dataclass(frozen=True, slots=True)
class Health:
    """What one process says of itself. `dead`, asked from other threads, names what only a restart mends."""

    registry: Collector
    readiness: Readiness
    heartbeat: Heartbeat
    stalled_s: float = STALLED_S
    dead: Callable[[], dict[str, str]] = dict

    def answer(self, path: str, accept: str | None = None) -> tuple[int, str, bytes]:
        """Status, content type and body for a path; unknown ones are 404."""
        if path == "/metrics":
            encode, content_type = choose_encoder(accept or "")
            return 200, content_type, encode(self.registry)
        if path == "/livez":
            age = self.heartbeat.age_s()
            stalled = {"event_loop": f"has had no turn for {age:.0f} s"}
            return _state((stalled if age > self.stalled_s else {}) | self.dead())
        if path == "/readyz":
            return _state(self.readiness.reasons(), self.readiness.notes())
        return 404, "text/plain; charset=utf-8", b"/metrics, /livez and /readyz are here\n"


class HealthServer:
    """The HTTP server of one process. `start`, `stop`; or use it as a context manager."""

    def __init__(self, health: Health, *, host: str = "127.0.0.1", port: int = 9464) -> None:
        self._health = health
        self._host = host
        self._wanted_port = port
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port it listens on: the free one found, if 0 was asked for."""
        return self._wanted_port if self._server is None else int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Listen. ConfigError if the address is taken or not this machine's."""
        kind = _Server6 if ":" in self._host else _Server
        try:
            self._server = kind((self._host, self._wanted_port), self._handler())
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"HYDRAWATCH_METRICS_HOST:PORT = {self._host}:{self._wanted_port}: cannot listen "
                f"there ({error}); stop the other process, choose another port, or 0 for any free"
            ) from error
        thread = threading.Thread(
            target=self._server.serve_forever, name="hydrawatch-health", daemon=True
        )
        thread.start()

    def stop(self) -> None:
        """Stop listening; harmless if it never started."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> HealthServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        health = self._health

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # a client that sends nothing must not hold a thread

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def __getattr__(self, name: str) -> Callable[[], None]:
                if name.startswith("do_"):  # any other method
                    return self._refuse
                raise AttributeError(name)

            def _refuse(self) -> None:
                body = b"only GET and HEAD are answered here\n"
                self._send(405, "text/plain; charset=utf-8", body, allow="GET, HEAD")

            def _answer(self, *, with_body: bool) -> None:
                path = self.path.split("?", 1)[0]
                status, kind, body = health.answer(path, self.headers.get("Accept"))
                self._send(status, kind, body, with_body=with_body)

            def _send(
                self,
                status: int,
                kind: str,
                body: bytes,
                *,
                allow: str = "",
                with_body: bool = True,
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                if allow:
                    self.send_header("Allow", allow)
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Silent: a scrape every few seconds is no news."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """Silent: a scraper that hangs up is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _state(reasons: dict[str, str], notes: dict[str, str] | None = None) -> tuple[int, str, bytes]:
    body: dict[str, Any] = {"status": "unavailable" if reasons else "ok", "reasons": reasons}
    if notes:
        body["notes"] = notes
    return (
        503 if reasons else 200,
        "application/json",
        json_text(orjson.dumps(body)).encode() + b"\n",
    )
