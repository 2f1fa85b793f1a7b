import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import Config
from detectors.contract.alert import Alert
from detectors.exchange.findings import TickFindings
from detectors.exchange.names import NameBatch
from tests.owner_stories import (
    BASE,
    Story,
    canonical,
    check,
    hear,
    key_finding,
    names,
    owner_of,
    told,
)
from tests.owner_stories import volume as volume_of
from tests.places import TESTS

GOLDEN = TESTS / "golden" / "owner"
TELLS = "=> alerts\n"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda p: p.stem)
def test_a_story_ends_in_the_alerts_its_golden_file_shows(path: Path, update: bool) -> None:
    text, _, expected = path.read_text().partition(TELLS)
    alerts = told(Story(text).tell())
    if update:
        path.write_text(text + TELLS + alerts)
    else:
        assert alerts == expected


Message = tuple[int, TickFindings | NameBatch]  # source, and what it says
FIELDS = ("payment_fp", "device_fp", "ip_prefix_fp", "template", "cohort", "system_fp")


@st.composite
def tick_findings(draw: st.DrawFn) -> list[Message]:
    """Findings of two sources over a few days: (source, findings), in tick order per source."""
    ticks = draw(st.lists(st.integers(0, 6000), min_size=1, max_size=8, unique=True))
    out: list[Message] = [(0, names(0, {n: n % 3 for n in range(24)}))]
    for tick in sorted(ticks):
        for source in (0, 1):
            keys = draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(FIELDS), st.integers(0, 2), st.integers(0, 18),
                        st.integers(2, 12), st.floats(4, 60),
                    ),
                    max_size=4,
                    unique_by=lambda k: k[:2],
                )
            )  # fmt: skip
            loud = draw(st.lists(st.integers(0, 23), max_size=2, unique=True)) if not source else []
            found = tuple(
                key_finding(tick, field, 10 * source + value, range(first, first + count), nats)
                for field, value, first, count, nats in keys
            )
            volumes = tuple(volume_of(tick, n) for n in loud)
            out.append((source, TickFindings(BASE + tick, accounts=volumes, keys=found)))
    return out


def run(messages: list[Message], end: int) -> list[Alert]:
    owner = owner_of()
    for source, findings in messages:
        hear(owner, source, findings)
    for source in (0, 1):
        owner.watermark(source, end)
    return owner.advance()


END = BASE + 9000


@settings(max_examples=40)
@given(messages=tick_findings(), data=st.data())
def test_the_order_of_arrival_over_sources_never_shows_in_the_alerts(messages, data) -> None:
    shuffled = data.draw(st.permutations(messages))
    assert canonical(run(shuffled, END)) == canonical(run(messages, END))


@settings(max_examples=40)
@given(messages=tick_findings(), cut=st.integers(0, 8000))
def test_a_prefix_of_the_ticks_gives_a_prefix_of_the_alerts(messages, cut: int) -> None:
    whole = run(messages, END)
    early = run([m for m in messages if m[1].tick <= BASE + cut], BASE + cut)
    assert canonical(whole[: len(early)]) == canonical(early)
    assert all(a.as_of > (BASE + cut + 1) * 60_000 for a in whole[len(early) :])


@settings(max_examples=40)
@given(messages=tick_findings())
def test_closing_tick_by_tick_gives_the_same_alerts_as_closing_all_at_once(messages) -> None:
    owner = owner_of()
    stepwise = []
    for tick in sorted({m[1].tick for m in messages} | {END}):
        for source, findings in messages:
            if findings.tick == tick:
                hear(owner, source, findings)
                hear(owner, source, findings)
        owner.watermark(0, tick)
        stepwise += owner.advance()
        owner.watermark(1, tick)
        stepwise += owner.advance()
        for source, findings in messages:  # all that came before, once more
            if findings.tick <= tick:
                hear(owner, source, findings)
    assert canonical(stepwise) == canonical(run(messages, END))


@settings(max_examples=40)
@given(messages=tick_findings())
def test_every_alert_is_valid_and_an_account_has_at_most_one_live_alert(messages) -> None:
    live: dict[str, str] = {}
    revisions: dict[str, int] = {}
    for alert in run(messages, END):
        check(alert)
        assert alert.revision == revisions.get(alert.alert_id, 0) + 1
        revisions[alert.alert_id] = alert.revision
        if alert.kind == "network":
            continue
        assert alert.account_id
        assert live.get(alert.account_id, alert.alert_id) == alert.alert_id
        if alert.live:
            live[alert.account_id] = alert.alert_id
        else:
            del live[alert.account_id]


@settings(max_examples=40)
@given(messages=tick_findings())
def test_a_networks_advice_is_always_backed_by_a_members_alert_that_came_before(messages) -> None:
    order = ("observe", "throttle", "verify", "restrict", "suspend")
    standing: dict[str, Alert] = {}
    for alert in run(messages, END):
        if alert.kind == "account":
            standing[alert.account_id or ""] = alert
        elif alert.action != "observe":
            mine = [a for a in standing.values() if a.campaign_id == alert.campaign_id and a.live]
            assert order.index(alert.action) <= max(order.index(a.action) for a in mine)


def test_quiet_ticks_cost_almost_nothing() -> None:
    owner = owner_of()
    owner.receive_names(0, names(0, {1: 0}))
    owner.receive(0, TickFindings(BASE, accounts=(volume_of(0, 1),)))
    closed = []
    owner._close, close = lambda tick: closed.append(tick) or close(tick), owner._close  # type: ignore[method-assign, func-returns-value, assignment]
    for tick, source in itertools.product(range(65_000), (0, 1)):
        owner.watermark(source, BASE + tick)
        owner.advance()
    assert len(closed) <= 10


@pytest.mark.parametrize("minute", [0, 5, 9])
def test_an_allowance_takes_a_networks_alert_back_at_once_whenever_it_comes(minute: int) -> None:
    keys = "0 key payment_fp:1 1-13\n0 key template:1 1-13\n"
    allow = "".join(
        f"{100 + minute} allow account={n} families=identity,content until=9000\n"
        for n in range(1, 14)
    )
    story = f"{keys}{allow}300 end"
    networks = [a for a in Story(story).tell(Config()) if a.kind == "network"]
    first, *_ = (a for a in networks if a.state == "retracted")
    assert first.as_of == (BASE + 100 + minute + 1) * 60_000
