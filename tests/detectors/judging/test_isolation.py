"""One entity that makes a detector raise costs that detector's word on that entity, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from msgspec.structs import replace as replace_struct

from detectors.config import Loaded, load_config
from detectors.contract.alert import body
from detectors.engine import Engine
from detectors.exchange.findings import TickFindings
from detectors.interface.detector import Evidence
from detectors.judging.cohorts import CohortBook
from detectors.judging.isolation import LASTS_TICKS, REMEMBERED, WHOLE, Fault, Isolation, Isolations
from detectors.volume import AccountVolume
from tests.configurations import replacing
from tests.detectors.state.test_checkpoint import Log, stages
from tests.owner_stories import BASE, owner_of, volume
from tests.poison import judging_early, poisoned, records, values
from tests.stage_stories import KEY, START, baselines

# Groups are compared with everybody who is there: they are kept out of what concerns single accounts.
LOADED = load_config("[engine]\npartitions = 2\n[coordination]\nmin_odds = 20\n")
HEALTHY = replace(
    LOADED, config=replacing(LOADED.config, judging_early(LOADED.config.of(AccountVolume)))
)
OLD_AND_HOSTS = {
    "volume.own_past": 24 + 1,
    "births": 12,
}  # hours and the day; growths of the prefix


def evidence(**changed: Any) -> Evidence:
    return replace_struct(volume(1, 2).evidence, **changed)


def run(loaded: Loaded, **world: Any) -> tuple[list[bytes], Engine]:
    engine = Engine(loaded, KEY)
    alerts = engine.feed(engine.decode(values(records(START, **world)))) + engine.drain()
    return [body(alert) for alert in alerts], engine


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    alerts, engine = run(poisoned(LOADED))
    assert engine.set_aside() == OLD_AND_HOSTS
    return alerts


def last_words(alerts: list[bytes]) -> dict[str, set[str]]:
    """By account, the parameters of which its last alert speaks."""
    said = {}
    for alert in map(orjson.loads, alerts):
        if alert["kind"] == "account":
            said[alert["account_id"]] = {e["parameter"] for e in alert["evidence"]}
    return said


def _but_last_seen(alert: bytes) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(alert)
    said.pop("last_seen", None)
    return said


def test_healthy_detectors_find_all_groups_and_both_who_wake_up() -> None:
    alerts, engine = run(HEALTHY)
    said = last_words(alerts)
    assert said["old"] == {"new_accounts_per_payment_fp", "requests_24h"}
    assert "requests_24h" in said["young"]
    assert said["c-3"] == {"new_accounts_per_payment_fp", "new_accounts_per_ip_prefix_fp"}
    assert engine.set_aside() == {}


def test_others_are_judged_as_if_the_poisonous_account_were_not_there() -> None:
    with_it, engine = run(poisoned(LOADED), old="")
    without, _ = run(poisoned(LOADED), old=None)
    assert engine.set_aside()["volume.own_past"] == OLD_AND_HOSTS["volume.own_past"]
    assert "requests_24h" in last_words(with_it)["young"]
    # One account more, and a tick closes a few rows sooner: `last_seen` is of what was read by then.
    assert [_but_last_seen(alert) for alert in with_it] == [_but_last_seen(a) for a in without]


def test_a_poisonous_value_is_as_if_it_were_not_known() -> None:
    with_it, engine = run(poisoned(LOADED))
    without, _ = run(poisoned(LOADED), hosts=False)
    assert engine.set_aside()["births"] == OLD_AND_HOSTS["births"]
    assert "new_accounts_per_ip_prefix_fp" in last_words(with_it)["b-3"]
    assert with_it == without


def test_the_other_detector_goes_on_judging_a_poisonous_account(expected: list[bytes]) -> None:
    (size,) = {
        max(a["size"] for a in map(orjson.loads, expected) if a["campaign_id"] == campaign)
        for campaign in {
            a["campaign_id"]
            for a in map(orjson.loads, expected)
            if any(link["value_fp"] == "k1:card-a" for link in a["links"])
        }
    }
    assert size == 15  # fourteen and `old`
    assert all(b"requests_24h" not in a for a in expected if b"card-a" in a)


def test_windows_of_a_poisonous_account_are_counted_and_its_baseline_stays() -> None:
    _, engine = run(poisoned(LOADED), old="")
    _, healthy = run(HEALTHY, old="")

    def rows(engine: Engine) -> dict[int, tuple[Any, int]]:
        return {
            int(row["fp"]): (row, int(past["days"]))
            for part in engine.accounts
            for row, past in zip(part.state.accounts, baselines(part), strict=True)
            if row["used"]
        }

    theirs, ours = rows(healthy), rows(engine)
    (old,) = [fp for fp, (_, days) in ours.items() if days == 2 and theirs[fp][1] == 3]
    assert all((row["ring"] == theirs[fp][0]["ring"]).all() for fp, (row, _) in ours.items())
    assert ours[old][0]["days"] == 3
    assert all(days == theirs[fp][1] for fp, (_, days) in ours.items() if fp != old)


@pytest.mark.parametrize("batch", [7, 1_000])
def test_who_is_set_aside_does_not_depend_on_batches(expected: list[bytes], batch: int) -> None:
    engine, alerts = Engine(poisoned(LOADED), KEY), []
    given = values(records(START))
    for at in range(0, len(given), batch):
        alerts += engine.feed(engine.decode(given[at : at + batch]))
    alerts += engine.drain()
    assert [body(a) for a in alerts] == expected
    assert engine.set_aside() == OLD_AND_HOSTS


def test_who_is_set_aside_survives_a_restart_at_any_place(expected: list[bytes]) -> None:
    engine, alerts = Engine(poisoned(LOADED), KEY), []
    logs = [Log() for _ in stages(engine)]
    given = values(records(START))
    cuts = [*range(0, 8_000, 1_777), *range(8_000, len(given), 401)]
    for at, end in zip(cuts, [*cuts[1:], len(given)], strict=True):
        alerts += engine.feed(engine.decode(given[at:end]))
        for stage, log in zip(stages(engine), logs, strict=True):
            log.keep(stage.checkpoint())
        engine = Engine(poisoned(LOADED), KEY)
        for stage, log in zip(stages(engine), logs, strict=True):
            kept = stage.restoration()
            stage.restore(kept, log.read_into(kept))
    alerts += engine.drain()
    assert [body(a) for a in alerts] == expected


def test_the_owner_sets_aside_what_it_cannot_compare_and_judges_the_rest() -> None:
    said = {}
    for spread in (0.0, 0.5):  # a deviation over a spread of nothing raises
        owner = owner_of(sources=1)
        other, odd = volume(1, 1), replace_struct(volume(1, 2), spread=spread)
        owner.receive(0, TickFindings(BASE + 1, (other, odd)))
        owner.watermark(0, BASE + 1)
        owner.advance()
        said[spread] = owner.books.own.accounts
        assert owner.isolation.by_detector["volume.own_past"].times == (spread == 0.0)
    assert said[0.0] == {other.account: said[0.5][other.account]}
    assert said[0.5].keys() == {other.account, odd.account}


@pytest.mark.parametrize(
    "told", ["a word", evidence(detector="busy.v1"), evidence(unit=None), evidence(window_end=0)]
)
def test_the_owner_sets_aside_what_is_no_evidence_after_comparing(told: Any) -> None:
    class Compares(AccountVolume):
        def compare(self, *_: Any) -> Any:
            return told

    odd = volume(1, 2)
    isolations = Isolations([Compares().card])
    book = CohortBook([Compares()])
    assert isolations.judge(BASE + 1, [odd], book.judge) == []
    assert isolations.by_detector["volume.own_past"].newest == Fault(BASE + 1, "ContractError")


def raising(error: BaseException) -> Callable[[], None]:
    def judge() -> None:
        raise error

    return judge


def test_what_a_detector_raises_is_known_by_its_class_alone() -> None:
    aside = Isolation()
    assert aside.attempt(7, 1, raising(ValueError("account acme-17"))) is None
    assert aside.attempt(7, 2, lambda: 4) == 4
    assert aside.newest == Fault(7, "ValueError")
    assert (aside.times, aside.entities(7)) == (1, 1)


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), SystemExit()])
def test_what_says_nothing_of_the_entity_stops_the_worker(error: BaseException) -> None:
    with pytest.raises(type(error)):
        Isolation().attempt(7, 1, raising(error))


def test_an_entity_is_aside_for_a_day_after_the_last_time_and_few_are_remembered() -> None:
    aside = Isolation()
    aside.raised(10, [1, 2], "ValueError")
    aside.raised(20, [1], "ValueError", unnamed=5)
    assert aside.times == 8
    assert aside.entities(10 + LASTS_TICKS - 1) == 2
    assert aside.entities(10 + LASTS_TICKS) == 1
    assert aside.entities(20 + LASTS_TICKS) == 0
    aside.raised(30, range(REMEMBERED + 9), "ValueError")
    assert aside.entities(30) == REMEMBERED
    aside.erase(range(REMEMBERED, REMEMBERED + 9))
    assert aside.entities(30) == REMEMBERED - 9


def test_a_detector_that_raises_for_all_is_called_broken_until_it_is_not() -> None:
    aside = Isolation()
    seen = []
    for raises, judged in ((WHOLE, WHOLE), (1, 1), (WHOLE - 1, WHOLE), (0, 0)):
        before = aside.times
        aside.raised(1, range(raises), "ValueError")
        aside.judged(judged, before)
        seen.append(aside.whole)
    assert seen == [True, True, False, False]  # a tick of one judgement says nothing
    assert aside.everywhere == 1
