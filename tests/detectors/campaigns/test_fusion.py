import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.campaigns.fusion import OWN, Fusion, Signal, Verdict
from detectors.contract.alert import (
    ACTIONS,
    OBSERVE,
    RESTRICT,
    SEVERITIES,
    SUSPEND,
    THROTTLE,
    VERIFY,
)
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import (
    ASN,
    COHORT,
    DEVICE,
    KINDS,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
    TEMPLATE,
    TLS,
    Family,
)  # fmt: skip

RULES = Fusion()


def signal(
    kind: int, nats: float = 30.0, family: Family = "volume", *, excused: bool = False
) -> Signal:
    family = KINDS[kind].family if kind >= 0 else family
    return Signal(Evidence("d", family, "p", 1.0, 0.0, "u", nats, 0, 1), kind, excused)


def weigh(*kinds: int, size: int = 50, core: bool = True, nats: float = 30.0) -> Verdict:
    return RULES.weigh([signal(k, nats) for k in kinds], size=size, core=core)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_one_kind_alone_is_observed_however_strong(kind: int) -> None:
    assert weigh(kind, nats=100).action == OBSERVE


@pytest.mark.parametrize(
    "kinds",
    [(PREFIX, ASN, TLS), (PREFIX, TEMPLATE), (PREFIX, COHORT, TEMPLATE, SYSTEM), (COHORT, ASN)],
)
def test_place_and_prompts_alone_are_observed(kinds: tuple[int, ...]) -> None:
    verdict = weigh(*kinds, size=500)
    assert verdict.action == OBSERVE
    assert verdict.severity <= 1


def test_a_change_of_use_beside_place_and_prompts_is_observed_and_beside_a_card_it_counts() -> None:
    changed = Evidence("drift.v1", "drift", "template_entropy", 2.0, 1.0, "nats", 30.0, 0, 1)

    def weighed(*kinds: int) -> int:
        signals = [Signal(changed), *(signal(k, 30.0) for k in kinds)]
        return RULES.weigh(signals, size=500, core=True).action

    assert weighed() == weighed(TEMPLATE) == weighed(TEMPLATE, PREFIX) == OBSERVE
    assert weighed(PAYMENT) == VERIFY


def test_advice_follows_the_number_of_families_and_hard_links() -> None:
    assert weigh(PAYMENT, TEMPLATE).action == VERIFY
    assert weigh(PAYMENT, TEMPLATE, PREFIX).action == VERIFY, "a card can be a stolen one"
    assert weigh(PAYMENT, DEVICE, TEMPLATE, PREFIX).action == SUSPEND
    assert weigh(PAYMENT, DEVICE).action == OBSERVE, "a card and a device are one family"


def test_a_peripheral_member_is_never_more_than_throttled() -> None:
    assert weigh(PAYMENT, TEMPLATE, PREFIX, core=False).action == THROTTLE


def test_a_card_beside_behaviour_of_its_own_is_as_much_as_a_card_and_a_device() -> None:
    own = Evidence(
        "volume.own_past.v1", "volume", "requests_24h", 900.0, 9.0, "requests", 30.0, 0, 1
    )

    def weighed(*kinds: int) -> int:
        signals = [Signal(own), *(signal(k, 30.0) for k in kinds)]
        return RULES.weigh(signals, size=50, core=True).action

    assert weighed(PAYMENT, TEMPLATE) == SUSPEND
    assert weighed(REFERRAL, TEMPLATE, PREFIX) == THROTTLE


@pytest.mark.parametrize(
    "kinds", [(REFERRAL, TEMPLATE), (REFERRAL, TEMPLATE, SYSTEM, PREFIX, COHORT)]
)
def test_what_anybody_can_copy_or_pass_on_harms_nobody(kinds: tuple[int, ...]) -> None:
    verdict = weigh(*kinds, size=5_000, nats=100)
    assert (verdict.action, verdict.severity) == (OBSERVE, SEVERITIES.index("low"))


def test_a_small_group_is_neither_restricted_nor_suspended() -> None:
    kinds = (PAYMENT, DEVICE, TEMPLATE, PREFIX)
    assert weigh(*kinds, size=RULES.restrict_size - 1).action == VERIFY
    assert weigh(*kinds, size=RULES.suspend_size - 1).action == RESTRICT


def test_a_cohort_and_its_network_count_once() -> None:
    both, one = weigh(COHORT, ASN), weigh(ASN)
    assert both.score == one.score
    assert both.groups == 1
    assert both.families == ("infrastructure", "lifecycle")


def test_of_several_signals_of_one_family_the_strongest_counts_once() -> None:
    many = RULES.weigh([signal(PAYMENT, n) for n in (6.0, 9.0, 14.0)])
    assert many.score == RULES.weigh([signal(PAYMENT, 14.0)]).score == 14.0 - RULES.prior_nats


def test_weak_evidence_is_no_family() -> None:
    verdict = RULES.weigh([signal(PAYMENT, 30), signal(TEMPLATE, RULES.family_floor_nats - 0.1)])
    assert verdict.families == ("identity",)
    assert verdict.action == OBSERVE


def test_what_a_release_explains_raises_nothing_above_observe() -> None:
    held = [signal(PAYMENT), signal(OWN, excused=True)]
    assert RULES.weigh(held, core=True).action == OBSERVE
    assert RULES.weigh([signal(PAYMENT), signal(OWN)], core=True).action == VERIFY
    assert "volume" in RULES.weigh(held, core=True).families


def test_colleagues_are_observed_at_most() -> None:
    signals = [signal(k, 100) for k in (PAYMENT, TEMPLATE, PREFIX)]
    verdict = RULES.weigh(signals, size=60, core=True, organisation=True)
    assert verdict.action == OBSERVE
    assert verdict.score < 0


SIGNALS = st.lists(
    st.builds(
        signal,
        st.integers(OWN, len(KINDS) - 1),
        st.floats(0, 100),
        st.sampled_from(["volume", "drift", "timing", "capability"]),
        excused=st.booleans(),
    ),
    max_size=8,
)


@given(signals=SIGNALS, size=st.integers(1, 5000), core=st.booleans(), data=st.data())
def test_a_verdict_never_depends_on_the_order_of_its_evidence(signals, size, core, data) -> None:
    shuffled = data.draw(st.permutations(signals))
    assert RULES.weigh(signals, size=size, core=core) == RULES.weigh(shuffled, size=size, core=core)


@given(signals=SIGNALS, size=st.integers(1, 5000), core=st.booleans())
def test_the_houses_gates_hold_for_any_evidence(signals, size, core) -> None:
    verdict = RULES.weigh(signals, size=size, core=core)
    strong = {
        s.evidence.family
        for s in signals
        if s.evidence.surprise >= RULES.family_floor_nats and not s.excused
    }
    hard = any(s.hard and RULES.counts(s) and not s.excused for s in signals)
    if verdict.action >= THROTTLE:
        assert len(strong) >= 2
        assert strong - {"infrastructure", "content", "timing", "lifecycle"}
    if verdict.action == VERIFY:
        assert hard
    if verdict.action >= VERIFY:
        assert core
    if verdict.action >= RESTRICT:
        assert len(strong) >= 3
    if verdict.action == SUSPEND:
        assert hard
    assert 0 <= verdict.confidence < 1
    assert verdict.action < len(ACTIONS)
