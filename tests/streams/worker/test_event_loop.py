"""The worker's event loop waits for nobody's good-bye."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from pathlib import Path

from streams.worker.event_loop import Loop
from tests.kafka.certificates import Authority

LONG_S = 15.0  # half of what uvloop waits by itself


class Closed(asyncio.Protocol):
    """Knows when its connection has ended."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has."""
        self.lost.set()


def test_a_tls_connection_closes_though_the_other_side_says_nothing(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(authority.server_store())
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with ours.wrap_socket(accepted, server_side=True):
                release.wait()  # it neither reads nor closes

        thread = threading.Thread(target=serve)
        thread.start()

        async def connect_and_close() -> None:
            theirs = ssl.create_default_context(cafile=authority.certificate)
            transport, protocol = await asyncio.get_running_loop().create_connection(
                Closed, *server.getsockname(), ssl=theirs
            )
            transport.close()
            await asyncio.wait_for(protocol.lost.wait(), LONG_S)

        try:
            with asyncio.Runner(loop_factory=Loop) as runner:
                runner.run(connect_and_close())
        finally:
            release.set()
            thread.join()
