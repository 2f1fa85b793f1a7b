"""Who is judged: hydrawatch, and the baselines with the thresholds that tuning gave them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import orjson

from benchmarks.baselines.chance import Coin, Never
from benchmarks.baselines.components import USUAL, Components
from benchmarks.baselines.event import Baseline, Reader
from benchmarks.baselines.prefixes import AccountsPerPrefix
from benchmarks.baselines.trees import AccountTrees
from benchmarks.baselines.volume import OwnPast, RateLimit
from detectors.config import load_config
from detectors.contract.alert import Alert
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.engine import Engine
from streams.worker.warm_up import warm_up

HYDRAWATCH = "hydrawatch"
HASH_KEY = bytes(16)


class Tuned(NamedTuple):
    """A baseline, the threshold that tuning chose, and those it chose from."""

    make: Callable[[Any], Baseline]
    chosen: Any
    among: tuple[Any, ...]


# `chosen` by benchmarks/tune.py: the best F1 over accounts on `standard`, tuning seeds, held-out
# scenarios left out. Never and Coin have nothing to tune; capped union-find has (size, cap, fields).
BASELINES: Mapping[str, Tuned] = {
    "never": Tuned(lambda _: Never(), None, ()),
    "coin": Tuned(Coin, 0.01, ()),
    "rate limit": Tuned(RateLimit, 20, (10, 20, 30, 50, 100, 200)),
    "own z-score": Tuned(OwnPast, 1.0, (1.0, 1.5, 2.0, 3.0, 4.0)),
    "accounts per prefix": Tuned(AccountsPerPrefix, 15, (10, 15, 20, 30, 50)),
    "union-find": Tuned(Components, 200, (5, 10, 20, 50, 200)),
    "capped union-find": Tuned(
        lambda chosen: Components(*chosen),
        (20, 6, "card, system prompt"),
        tuple(
            (size, cap, on)
            for on, sizes in (
                (USUAL, (20, 50)),
                ("card, device", (3, 6, 20)),
                ("card, system prompt", (10, 20, 50)),
            )
            for size in sizes
            for cap in (6, 8)
        ),
    ),
    "half-space trees": Tuned(AccountTrees, 0.5, (0.5, 0.6, 0.7, 0.8, 0.9)),
}
NAMES = (HYDRAWATCH, *BASELINES)


class Slice(Protocol):
    """A slice of a stream: values, and when (ms) each arrived."""

    @property
    def values(self) -> list[bytes]:
        """The records' values."""
        ...

    @property
    def timestamps(self) -> np.ndarray:
        """When each was appended."""
        ...


class Contender(Protocol):
    """Takes slices of a stream and gives alert records; `seconds` is the CPU time it took."""

    seconds: float

    def take(self, records: Slice) -> list[dict[str, Any]]:
        """Hear a slice."""
        ...


class Hydrawatch:
    """The engine, as `hydrawatch replay` runs it."""

    def __init__(self, config: Path | None, controls: Iterable[Mapping[str, Any]]) -> None:
        loaded = load_config(config.read_text(), str(config)) if config else load_config()
        warm_up()  # kernels load or compile outside the measured time
        self._engine = Engine(loaded, HASH_KEY)
        for control in controls:
            self._engine.control(_control(control))
        self.seconds = 0.0

    def take(self, records: Slice) -> list[dict[str, Any]]:
        """Decode and feed a slice."""
        began = time.process_time()
        decoded = self._engine.decode(records.values, records.timestamps)
        alerts = self._engine.feed(decoded)
        self.seconds += time.process_time() - began
        return [_as_mapping(alert) for alert in alerts]


class Judged:
    """A baseline behind a reader of its own."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self._reader = Reader()
        self.seconds = 0.0

    def take(self, records: Slice) -> list[dict[str, Any]]:
        """Decode a slice and let the baseline hear it."""
        began = time.process_time()
        alerts = self._baseline.observe(self._reader.read(records.values))
        self.seconds += time.process_time() - began
        return alerts


def contender(
    name: str, config: Path | None = None, controls: Iterable[Mapping[str, Any]] = ()
) -> Contender:
    """Make a contender afresh; `name@n` takes the nth of a baseline's thresholds.

    `controls` are the platform's control events (releases, allowances); only hydrawatch hears them.
    """
    if name == HYDRAWATCH:
        return Hydrawatch(config, controls)
    title, _, which = name.partition("@")
    tuned = BASELINES[title]
    threshold = tuned.among[int(which)] if which else tuned.chosen
    return Judged(tuned.make(threshold))


def thresholds(names: Sequence[str]) -> dict[str, Any]:
    """The threshold of each baseline among the names."""
    return {name: BASELINES[name].chosen for name in names if name in BASELINES}


def _control(control: Mapping[str, Any]) -> ControlEvent:
    event = decode_control(orjson.dumps(dict(control)), None)
    if not isinstance(event, ControlEvent):
        raise TypeError(f"the world's control event cannot be read: {event.message}")
    return event


def _as_mapping(alert: Alert) -> dict[str, Any]:
    """What a scorer and an attacker can use of an alert; its texts would only fill memory."""
    found = {
        "alert_id": alert.alert_id,
        "revision": alert.revision,
        "kind": alert.kind,
        "account_id": alert.account_id,
        "campaign_id": alert.campaign_id,
        "state": alert.state,
        "as_of": alert.as_of,
        "severity": alert.severity,
        "action": alert.action,
    }
    if isinstance(alert.merged_into, str):
        found["merged_into"] = alert.merged_into
    return found
