"""Addresses in front of a broker: some that nobody answers at, one that passes on to whom a test says."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

SILENT, UNREACHABLE, RUDE, OTHER = KINDS = ("silent", "unreachable", "rude", "other")
PRODUCE, FETCH, NUMBERS = 0, 1, 22  # keys of requests; numbers for a producer's records


@contextmanager
def nobody(kind: str) -> Iterator[str]:
    """An address without a broker behind it.

    "silent" accepts and never says a word, "unreachable" drops what would open a connection, "rude"
    accepts and hangs up, "other" speaks another protocol.
    """
    with contextlib.ExitStack() as open_ones:
        door = open_ones.enter_context(socket.socket())
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        if kind == UNREACHABLE:
            door.listen(0)  # Linux drops what comes to a queue that is full
            for _ in range(3):
                caller = open_ones.enter_context(socket.socket())
                caller.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    caller.connect(("127.0.0.1", port))
        else:
            door.listen(100)
        if kind in {RUDE, OTHER}:
            said = b"" if kind == RUDE else b"HTTP/1.1 400 Bad Request\r\n\r\n"
            threading.Thread(target=_hang_up, args=(door, said), daemon=True).start()
        yield f"127.0.0.1:{port}"


def _hang_up(door: socket.socket, said: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = door.accept()
            with caller:
                caller.sendall(said)


class Door:
    """A port that passes on to `target`, as a load balancer does, but for requests that `mute` names.

    `mute` is asked with a request's key and its client's id; what it names is taken and never answered.
    """

    def __init__(self, target: int = 0, port: int = 0) -> None:
        self.target = target
        self.mute: Callable[[int, str], bool] = lambda _key, _client: False
        self.muted = 0
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._links: set[socket.socket] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """The same, with its host."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._socket.listen(100)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _close(self._socket)
        self.hang_up()

    def hang_up(self) -> None:
        """End all connections through it."""
        for link in list(self._links):
            _close(link)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    caller.close()
                    continue
                broker.settimeout(None)
                self._links |= {caller, broker}
                for way in (self._requests, self._answers):
                    threading.Thread(target=way, args=(caller, broker), daemon=True).start()

    def _requests(self, caller: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while head := _exactly(caller, 4):
                request = _exactly(caller, struct.unpack(">i", head)[0])
                key, _, _, length = struct.unpack(">hhih", request[:10])
                client = request[10 : 10 + max(0, length)].decode()
                if self.mute(key, client):
                    self.muted += 1
                else:
                    broker.sendall(head + request)
        self._end(caller, broker)

    def _answers(self, caller: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := broker.recv(1 << 16):
                caller.sendall(data)
        self._end(caller, broker)

    def _end(self, *links: socket.socket) -> None:
        for link in links:
            _close(link)
            self._links.discard(link)


def _exactly(link: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        data = link.recv(size - len(found))
        if not data:
            return b""
        found += data
    return bytes(found)


def _close(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
    link.close()
