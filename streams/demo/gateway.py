"""The demo's gateway: a world told as LiteLLM's records, posted to an intake that runs as a child process."""

from __future__ import annotations

import http.client
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from detectors.errors import HydrawatchError
from hydrawatch.fingerprints import Keys
from streams.demo.traffic import PacedTraffic
from streams.demo.worker import HYDRAWATCH, ChildDiedError, environment, last_words
from streams.kafka.embedded_broker import free_port, leashed
from streams.settings.settings import Settings, variable
from worlds import litellm
from worlds.world import World

KEY = "the demo's own key, and nobody else's"
TOKEN = "the-demo-and-nobody-else"
RECORDS = 250  # in a body, as LiteLLM's callback queues them
TOLD_BY = 5  # events of an account that tell what the directory has of it
START_S, STOP_S, ANSWER_S = 60.0, 5.0, 60.0
COME_AGAIN = frozenset({429, 503})


class DemoIntake:
    """`hydrawatch intake serve` as a child process with a directory; it ends with the demo."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings = settings
        self._folder = directory
        self.port = free_port()
        self.metrics_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, world: World) -> None:
        """Write what is known of the world's accounts and start; returns when it takes records."""
        accounts = self._folder / "accounts.jsonl"
        accounts.write_bytes(
            b"".join(orjson.dumps(one) + b"\n" for one in directory_of(world).records())
        )
        own = {
            "intake_key": KEY,
            "intake_token": TOKEN,
            "intake_host": "127.0.0.1",
            "intake_port": str(self.port),
            "metrics_port": str(self.metrics_port),
        }
        env = environment(self._settings) | {variable(name): text for name, text in own.items()}
        command = [*HYDRAWATCH, "intake", "serve", "--directory", str(accounts), "--digest-ids"]
        with self._log.open("wb") as log:
            self._process = leashed(command, log, env)
        until = time.monotonic() + START_S
        while not self._ready():
            if time.monotonic() > until:
                raise ChildDiedError(f"the intake is not ready after {START_S:.0f} s")
            time.sleep(0.2)

    def post(self, records: Sequence[bytes], going_on: Callable[[], bool]) -> Mapping[str, Any]:
        """Give it a body of records, as often as it says to come again; what it answered."""
        body = b"\n".join(records)
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/x-ndjson",
        }
        while going_on():
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
            try:
                link.request("POST", "/v1/ingest/litellm", body, headers)
                answer = link.getresponse()
                said: Mapping[str, Any] = orjson.loads(answer.read())
            except OSError as error:
                self.check()
                raise HydrawatchError(f"the intake does not answer: {error}") from error
            finally:
                link.close()
            if answer.status == http.HTTPStatus.OK:
                return said
            if answer.status not in COME_AGAIN:
                raise HydrawatchError(f"the intake answered {answer.status}: {said}")
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        return {}

    def stop(self) -> None:
        """Kill the process if there is one and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()  # its leash
            process.wait(STOP_S)

    def check(self) -> None:
        """Raise ChildDiedError if the process has ended."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise ChildDiedError(f"the intake ended with status {code}; {last_words(self._log)}")

    @property
    def _log(self) -> Path:
        return self._folder / "intake.log"

    def _ready(self) -> bool:
        self.check()
        link = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=2)
        try:
            link.request("GET", "/readyz")
            return link.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            link.close()


@dataclass(slots=True)
class GatewayTraffic(PacedTraffic):
    """The world as a gateway tells it. `names`: an account's raw id by the digest that alerts name."""

    intake: DemoIntake | None = None
    names: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Records to be sent."""
        return self.world.events

    def send(self, settings: Settings) -> None:
        """Post everything, or until `stopped`; blocks. Raises HydrawatchError."""
        assert self.intake is not None
        keys = Keys(KEY.encode(), settings.intake_epoch)
        for records in self.paced(self.world.chunks(RECORDS)):
            self.seen.take(records.values, records.keys, records.guilty)
            for key in set(records.keys):
                raw = key.decode()
                self.names.setdefault(keys.digest("account", raw), raw)
            told = [orjson.dumps(litellm.record(orjson.loads(value))) for value in records.values]
            said = self.intake.post(told, lambda: not self.stopped.is_set())
            self.refused.update(said.get("refused", {}))
            self.sent += said.get("accepted", 0)
        self.done = not self.stopped.is_set()

    def named(self, alerts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The alerts with the world's own names of accounts, to be held against what it knows."""
        return [
            {**alert, "account_id": self.names.get(alert["account_id"], alert["account_id"])}
            if alert.get("account_id")
            else dict(alert)
            for alert in alerts
        ]


def directory_of(world: World) -> litellm.Directory:
    """What the platform knows of the accounts of a world."""
    directory = litellm.Directory()
    seen: Counter[bytes] = Counter()
    for key, value in _events(world):
        if seen[key] < TOLD_BY:
            seen[key] += 1
            directory.take(orjson.loads(value))
    return directory


def _events(world: World) -> Iterator[tuple[bytes, bytes]]:
    for records in world.chunks():
        yield from zip(records.keys, records.values, strict=True)
