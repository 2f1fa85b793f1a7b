"""One Kafka process: broker and controller in one, with its files in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from streams.kafka.embedded_broker import answers, leashed
from tests.kafka.jars import BROKER, STORAGE, java

START_S = 60.0
STOP_S = 30.0

LOG = """
status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
"""


class NodeError(RuntimeError):
    """A node did not start; the message ends with what it printed."""


@dataclass(slots=True)
class Node:
    """A node: its configuration, and the process while one runs.

    `internal_port` answers without TLS, which is how readiness is seen.
    """

    number: int
    folder: Path
    properties: Mapping[str, str]
    internal_port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = None

    def format(self, cluster_id: str, extra: Sequence[str] = ()) -> None:
        """Write the configuration and an empty store. Raises NodeError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure(self.properties)
        self._log_settings.write_text(LOG)
        identity = f"--cluster-id={cluster_id}"  # in one word, as it may begin with a dash
        done = subprocess.run(
            java(STORAGE, "format", identity, "-c", str(self._settings), *extra),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NodeError(f"node {self.number} cannot be formatted: {done.stderr[-2000:]}")

    def configure(self, properties: Mapping[str, str]) -> None:
        """Write the configuration that it starts with from now on."""
        self.properties = properties
        lines = [f"{name}={value}\n" for name, value in properties.items()]
        self._settings.write_text("".join(lines))

    def start(self) -> None:
        """Begin to start; `wait_until_ready` tells when it answers."""
        if self.running:
            raise NodeError(f"node {self.number} runs already")
        self._pid_file.unlink(missing_ok=True)
        self._output = self.log_file.open("ab")
        # The shell notes the process id and becomes Java: signals must not stop at the leash.
        noting = ["/bin/sh", "-c", 'echo $$ > "$0"; exec "$@"', str(self._pid_file)]
        command = java(BROKER, str(self._settings), log=self._log_settings)
        self._process = leashed(
            [*noting, *command], self._output, {**os.environ, **self.environment}
        )

    def wait_until_ready(self, seconds: float = START_S) -> None:
        """Return when it answers. Raises NodeError with the end of its log."""
        deadline = time.monotonic() + seconds
        while not answers(self.internal_port):
            if not self.running or time.monotonic() > deadline:
                how = "does not answer" if self.running else "ended"
                self.kill()
                raise NodeError(f"node {self.number} {how}; its log ends:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would: kill -9, no good-bye, nothing flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order: leaders move away first, files are closed."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it hang: it holds its connections and answers nobody until `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The Java process."""
        return int(self._pid_file.read_text())

    @property
    def log_file(self) -> Path:
        """Where it logs, over all its lives."""
        return self.folder / "kafka.log"

    def log(self) -> str:
        """What it has logged."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
                os.kill(self.pid, how)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(STOP_S)
            if process.stdin is not None:
                process.stdin.close()
        if self._output is not None:
            self._output.close()
            self._output = None

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log_settings(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"
