"""The intake's HTTP server: uvicorn on a socket of ours, with TLS and client certificates if asked for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import uvicorn

from detectors.errors import ConfigError
from streams.settings.settings import Settings

# How long answers that are under way are waited for at a stop: longer than one may wait for the broker.
DRAIN_S = 20
KEEP_ALIVE_S = (
    75  # longer than load balancers keep an idle connection: they must not find it closed
)
CONNECTIONS_MOST = 2000


def listening(settings: Settings) -> socket.socket:
    """The socket it listens on. ConfigError if the address is taken or not this machine's."""
    host, port = settings.intake_host, settings.intake_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"HYDRAWATCH_INTAKE_HOST:PORT = {host}:{port}: cannot listen there ({error}); stop the other "
            "process, choose another port, or 0 for any free"
        ) from error


def url(settings: Settings, listener: socket.socket) -> str:
    """Where it answers."""
    host = f"[{settings.intake_host}]" if ":" in settings.intake_host else settings.intake_host
    scheme = "https" if settings.intake_tls_cert else "http"
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def server(settings: Settings, app: Any) -> uvicorn.Server:
    """A server for the application, not started. ConfigError if a file of TLS is not what it should be."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        # Who sends is who is connected: a header of that name is anybody's to write.
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MOST,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        **_tls(settings),
    )
    try:
        config.load()
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigError(
            "HYDRAWATCH_INTAKE_TLS_CERT, _TLS_KEY or _TLS_CLIENT_CA is no PEM file of its kind, or the key "
            f"is not the certificate's: {error}"
        ) from error
    return uvicorn.Server(config)


async def serve(made: uvicorn.Server, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer until `stop`; then take no more connections and finish what is under way."""

    async def watch() -> None:
        await stop.wait()
        made.should_exit = True

    watching = asyncio.create_task(watch())
    try:
        await made.serve(sockets=[listener])
    finally:
        watching.cancel()


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.intake_tls_cert:
        return {}
    options: dict[str, Any] = {
        "ssl_certfile": str(settings.intake_tls_cert),
        "ssl_keyfile": str(settings.intake_tls_key),
    }
    if settings.intake_tls_client_ca:
        options["ssl_ca_certs"] = str(settings.intake_tls_client_ca)
        options["ssl_cert_reqs"] = ssl.CERT_REQUIRED
    return options
