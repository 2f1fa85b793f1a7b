"""Checks that every detector must pass, ours and yours: `check_detector(detector, scenarios)`.

Each check is a function from detector and scenarios to the complaints it has; `CHECKS` names them.
Redelivered, late and disordered events never reach a detector (windows close once, in order), so
they are the engine's to test. Purity is checked by making clock, chance and environment raise;
names bound before (`from time import time`) escape that, which is why determinism is checked too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from detectors.interface.detector import SURPRISE_CAP, Context, Detector, Window
from detectors.interface.family import Family
from detectors.testing.sandbox import ForbiddenError, world_forbidden
from detectors.testing.scenarios import Outcome, Scenario, part, run, steps, without

__all__ = ["CHECKS", "Check", "Outcome", "Scenario", "check_detector", "run"]

_SECRET = "verbatim-input-7f3a"
_WILD = (0.0, -1.0, 1e-300, 1.0, 1e6, 1e18, 1e300, -1e300, math.inf, -math.inf, math.nan)
_BROKEN_DUMPS: tuple[Any, ...] = (None, "", 7, [], {}, [0], [-1, 0.0], [10**6, 1, 2, 3], {"v": 0})


Check = Callable[[Detector[Any], Sequence[Scenario]], list[str]]


def check_detector(detector: Detector[Any], scenarios: Sequence[Scenario]) -> None:
    """Run every check; raises AssertionError that lists all complaints, by check."""
    complaints = [
        f"{name}: {complaint}"
        for name, check in CHECKS.items()
        for complaint in _complaints(check, detector, scenarios)
    ]
    if complaints:
        raise AssertionError("\n".join([f"{type(detector).__name__} fails:", *complaints]))


def deterministic(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """The same windows give the same evidence."""
    return [s.name for s in scenarios if run(detector, s) != run(detector, s)]


def causal(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Evidence, once given, does not change with what follows."""
    found = []
    for s in scenarios:
        memory, said, then = detector.fresh(), [], []
        for window, context in steps(s):
            said.append(detector.observe(memory, window, context))
            then.append(msgspec.json.encode(said[-1]))
        if [msgspec.json.encode(outcome) for outcome in said] != then:
            found.append(f"{s.name}: evidence changed after it was given")
        half = len(s.windows) // 2
        if run(detector, part(s, half)) != said[:half]:
            found.append(f"{s.name}: its first half alone gives other evidence")
    return found


def restorable(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Dumping and restoring the memory at any cut changes nothing, and a dump is plain data."""
    found = []
    for s in scenarios:
        memory, said = detector.fresh(), []
        for window, context in steps(s):
            plain = detector.dump(memory)
            if not _is_plain(plain):
                return [f"{s.name}: a dump holds more than numbers, strings, lists and dicts"]
            wire = msgspec.msgpack.encode(plain)
            restored = detector.restore(msgspec.msgpack.decode(wire))
            memory = detector.fresh() if restored is None else restored
            said.append(detector.observe(memory, window, context))
        if said != run(detector, s):
            found.append(f"{s.name}: evidence differs when memory is dumped and restored")
    return found


def isolated(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Entities do not see each other, and the detector itself does not change."""
    before = repr(detector)
    alone = [run(detector, s) for s in scenarios]
    memories = [detector.fresh() for _ in scenarios]
    together: list[list[Outcome]] = [[] for _ in scenarios]
    for at in range(max(len(s.windows) for s in scenarios)):
        for i, s in enumerate(scenarios):
            if at < len(s.windows):
                together[i].append(detector.observe(memories[i], s.windows[at], s.contexts[at]))
    found = [s.name for s, a, t in zip(scenarios, alone, together, strict=True) if a != t]
    return found + (["the detector itself changed"] if repr(detector) != before else [])


def bounded_memory(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Under hostile values memory stays within the card's budget and evidence stays well formed."""
    found = []
    for s in scenarios:
        memory = detector.fresh()
        for at, (window, context) in enumerate(steps(s)):
            names = {*window.values, *detector.card.reads}
            wild = {n: _WILD[(at + i) % len(_WILD)] for i, n in enumerate(sorted(names))}
            said = detector.observe(memory, msgspec.structs.replace(window, values=wild), context)
            found += _malformed(detector, said, window)
        size = len(msgspec.msgpack.encode(detector.dump(memory)))
        if size > detector.card.max_bytes:
            found.append(f"{s.name}: {size} bytes; the card allows {detector.card.max_bytes}")
    return found


def pure(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """No clock, no chance, no environment, no files."""
    found = []
    for s in scenarios:
        run(detector, s)  # compiles what is to be compiled, which may look at files
        with world_forbidden():
            try:
                run(detector, s)
            except ForbiddenError as error:
                found.append(f"{s.name}: uses {error}")
    return found


def tolerant(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Values and facts that are not known never raise."""
    found = []
    for s in scenarios:
        names = sorted({*detector.card.reads, *(n for c in s.contexts for n in c.facts)})
        for gone in [{n} for n in names] + [set(names)]:
            try:
                run(detector, without(s, gone))
            except Exception as error:
                found.append(f"{s.name}: without {', '.join(sorted(gone))}: {error!r}")
    return found


def honest_warm_up(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Without help from others, the first `min_windows` windows are answered by None."""
    found = []
    for s in scenarios:
        early = min(detector.card.min_windows, len(s.windows))
        said = run(detector, msgspec.structs.replace(s, contexts=(Context(),) * len(s.windows)))
        if any(outcome is not None for outcome in said[:early]):
            found.append(f"{s.name}: an answer before {early} windows")
    return found


def unlearned_outage(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Incomplete windows are never learned: evidence on all others stays the same."""
    found = []
    for s in scenarios:
        memory, said = detector.fresh(), []
        for window, context in steps(s):
            holed = dict.fromkeys(window.values, 1.0)
            hole = msgspec.structs.replace(window, values=holed, complete=False)
            detector.observe(memory, hole, context)
            said.append(detector.observe(memory, window, context))
        if said != run(detector, s):
            found.append(s.name)
    return found


def useful(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Beats Quiet (never speaks) and Coin (speaks as often, at random); silent on benign ones."""
    hits: list[bool] = []
    false: list[bool] = []
    found = []
    for s in scenarios:
        said = [bool(outcome) for outcome in run(detector, s)]
        hits += [spoke for spoke, label in zip(said, s.labels, strict=True) if label]
        false += [spoke for spoke, label in zip(said, s.labels, strict=True) if not label]
        if not any(s.labels) and sum(said) > 0.01 * len(said):
            found.append(f"{s.name}: speaks in {sum(said)} of {len(said)} benign windows")
    if not hits or not false:
        return [*found, "needs labelled windows, attacks and benign"]
    rate, recall = sum(false) / len(false), sum(hits) / len(hits)
    if recall == 0.0:
        found.append("no better than Quiet: no attack found")
    elif recall <= rate + 2.0 * math.sqrt(rate * (1.0 - rate) / len(hits)):
        found.append(f"no better than Coin: recall {recall:.2f} at {rate:.2f} false alarms")
    return found


def discreet(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """No text that came in goes out with the evidence."""
    found = []
    for s in scenarios:
        memory = detector.fresh()
        for window, context in steps(s):
            more: dict[str, Any] = {**window.values, _SECRET: 1.0, "prompt": _SECRET}
            marked = msgspec.structs.replace(window, values=more)
            if _SECRET in repr(detector.observe(memory, marked, context)):
                found.append(s.name)
                break
    return found


def upgradable(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Dumps of other versions and broken ones start fresh or give a memory that works."""
    found = []
    for s in scenarios[:1]:
        memory = detector.fresh()
        for window, context in steps(s):
            detector.observe(memory, window, context)
        plain = detector.dump(memory)
        cuts = [plain[:i] for i in range(len(plain))] if isinstance(plain, list) else []
        for broken in [*_BROKEN_DUMPS, *cuts]:
            try:
                restored = detector.restore(broken)
                memory = detector.fresh() if restored is None else restored
                detector.observe(memory, s.windows[-1], s.contexts[-1])
            except Exception as error:
                found.append(f"{broken!r}: {error!r}")
    return found


def documented(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """The docstring says what it reads and keeps, when it fails, and its source; the card cites."""
    text = (type(detector).__doc__ or "").lower()
    said = ("reads", "keeps", "fails", "source")
    found = [f"the docstring does not say: {word}" for word in said if word not in text]
    return found + ([] if detector.card.references else ["the card cites nothing"])


def well_formed(detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    """Evidence is finite, within [0, cap], of a known family and of the past."""
    return [
        f"{s.name}: {complaint}"
        for s in scenarios
        for outcome, window in zip(run(detector, s), s.windows, strict=True)
        for complaint in _malformed(detector, outcome, window)
    ]


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        deterministic, causal, restorable, isolated, bounded_memory, pure, tolerant,
        honest_warm_up, unlearned_outage, useful, discreet, upgradable, documented, well_formed,
    )
}  # fmt: skip


def _complaints(check: Check, detector: Detector[Any], scenarios: Sequence[Scenario]) -> list[str]:
    try:
        return check(detector, scenarios)
    except Exception as error:
        return [f"raised {error!r}"]


def _malformed(detector: Detector[Any], outcome: Outcome, window: Window) -> list[str]:
    found = []
    for e in outcome or ():
        numbers = (e.observed, e.expected, e.surprise)
        if not all(map(math.isfinite, numbers)) or not 0.0 <= e.surprise <= SURPRISE_CAP:
            found.append(f"observed, expected, surprise = {numbers}")
        if e.family != (detector.card.family or e.family) or e.family not in get_args(Family):
            found.append(f"family {e.family!r}")
        if not e.window_start < e.window_end <= window.end:
            found.append(f"its window ends at {e.window_end}, the one it saw at {window.end}")
        if not (e.detector.startswith(detector.card.name) and e.parameter and e.unit):
            found.append("detector, parameter or unit not named")
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or type(value) in (bool, int, float, str)
