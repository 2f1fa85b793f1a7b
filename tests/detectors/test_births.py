"""Births: what campaigns divide is surprising, what crowds share is not, and a past excuses."""

import math

import numpy as np
import pytest

from detectors.births import KeyBirths, births_surprise
from detectors.births_priors import (
    CORP,
    EDU,
    HOSTING,
    IP_CLASSES,
    MOBILE,
    RESIDENTIAL,
    TOR,
    UNKNOWN,
    VPN,
)
from detectors.contract.request_event import IP_CLASSES as CLASS_NAMES
from detectors.interface.detector import Context, Evidence, Window
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
)
from detectors.judging.rarity import rarity_weight

BIRTHS = KeyBirths()
PRIORS = BIRTHS.priors()
DAY_MS = 86_400_000


def nats(
    kind: int, day: int, week: int, past: tuple[float, float] = (0, 0), ip_class: int = UNKNOWN
) -> float:
    mean, shape = PRIORS[kind, ip_class]
    return float(births_surprise(day, week, float(mean), float(shape), *past)[0])


@pytest.mark.parametrize(
    ("kind", "ip_class", "day", "week", "at_least"),
    [
        (PAYMENT, UNKNOWN, 1, 5, 10.0),
        (PAYMENT, UNKNOWN, 2, 8, 16.0),
        (PAYMENT, UNKNOWN, 4, 4, 12.0),
        (DEVICE, UNKNOWN, 3, 3, 8.0),
        (DEVICE, UNKNOWN, 1, 4, 8.0),
        (PREFIX, RESIDENTIAL, 4, 20, 12.0),
        (PREFIX, RESIDENTIAL, 15, 15, 20.0),
        (PREFIX, HOSTING, 3, 15, 6.0),
        (PREFIX, HOSTING, 8, 40, 12.0),
        (TEMPLATE, UNKNOWN, 10, 50, 8.0),
        (TEMPLATE, UNKNOWN, 50, 50, 20.0),
        (SYSTEM, UNKNOWN, 50, 50, 12.0),
    ],
)
def test_what_a_campaign_divides_is_surprising(
    kind: int, ip_class: int, day: int, week: int, at_least: float
) -> None:
    assert nats(kind, day, week, ip_class=ip_class) >= at_least


@pytest.mark.parametrize(
    ("story", "kind", "ip_class", "day", "week", "past"),
    [
        ("a family on one card", PAYMENT, UNKNOWN, 2, 2, (0, 30)),
        ("two accounts on one device", DEVICE, UNKNOWN, 2, 2, (0, 0)),
        ("an office of one organisation", PREFIX, CORP, 1, 1, (0, 0)),
        ("a class of 120 on a campus", PREFIX, EDU, 120, 120, (0, 60)),
        ("a bootcamp of 120 in an office", PREFIX, CORP, 120, 120, (0, 0)),
        ("a town behind carrier-grade NAT", PREFIX, MOBILE, 120, 300, (0, 0)),
        ("a popular VPN exit", PREFIX, VPN, 45, 290, (1200, 30)),
        ("a popular VPN exit on its first week", PREFIX, VPN, 40, 280, (0, 0)),
        ("a Tor exit", PREFIX, TOR, 20, 100, (0, 0)),
        ("a block of flats", PREFIX, RESIDENTIAL, 1, 6, (0, 30)),
        ("a shared build machine", PREFIX, HOSTING, 6, 30, (90, 30)),
        ("a national provider", ASN, RESIDENTIAL, 260, 1800, (7500, 30)),
        ("a client's new release", TLS, UNKNOWN, 150, 400, (0, 0)),
        ("a marketing campaign", REFERRAL, UNKNOWN, 300, 300, (0, 0)),
        ("its sign-up hour", COHORT, UNKNOWN, 300, 300, (0, 0)),
        ("a popular framework's prompt", SYSTEM, UNKNOWN, 45, 300, (1200, 30)),
        ("a popular framework's template", TEMPLATE, UNKNOWN, 45, 300, (1200, 30)),
        ("a new framework's first adopters", TEMPLATE, UNKNOWN, 4, 15, (0, 0)),
    ],
)
def test_what_crowds_share_is_ordinary(
    story: str, kind: int, ip_class: int, day: int, week: int, past: tuple[float, float]
) -> None:
    values = {"parties_1d": day, "parties_7d": week, "own_births": past[0], "own_days": past[1]}
    said = observed({n: float(v) for n, v in values.items()}, kind=kind, ip_class=ip_class)
    assert said == (), story


def test_silence_before_accuses_nobody_and_a_past_excuses() -> None:
    fresh = nats(PREFIX, 20, 20, (0, 0), RESIDENTIAL)
    assert nats(PREFIX, 20, 20, (0, 60), RESIDENTIAL) == fresh > BIRTHS.min_surprise
    assert nats(PREFIX, 20, 140, (600, 30), RESIDENTIAL) < BIRTHS.min_surprise


@pytest.mark.parametrize("mean", [0.05, 0.5, 5.0, 40.0])
@pytest.mark.parametrize("dispersion", [4.0, 1e6])
def test_values_with_a_past_are_calibrated(mean: float, dispersion: float) -> None:
    rng = np.random.default_rng(11)
    values, days = 4000, 37
    rate = rng.gamma(dispersion, mean / dispersion, (values, days))
    births = rng.poisson(rate)
    own, week, day = births[:, :30].sum(axis=1), births[:, 30:].sum(axis=1), births[:, -1]
    surprise = np.array(
        [
            births_surprise(float(d), float(w), 0.1, 0.2, float(o), 30.0)[0]
            for d, w, o in zip(day, week, own, strict=True)
        ]
    )
    for s in (2.0, 4.0, 6.0):
        bound = math.exp(-s)
        assert np.mean(surprise > s) <= bound + 3.0 * math.sqrt(bound / values), (s, mean)


def test_values_drawn_from_a_prior_are_calibrated_under_it() -> None:
    rng = np.random.default_rng(12)
    for kind, ip_class in ((PAYMENT, UNKNOWN), (PREFIX, RESIDENTIAL), (PREFIX, EDU)):
        mean, shape = PRIORS[kind, ip_class]
        week = 1 + rng.poisson(7 * rng.gamma(shape, mean / shape, 50_000))
        counts, often = np.unique(week, return_counts=True)
        surprise = np.array([nats(kind, 0, int(c), ip_class=ip_class) for c in counts])
        for s in (2.0, 4.0, 6.0):
            share = often[surprise > s].sum() / week.size
            assert share <= math.exp(-s) + 3.0 * math.sqrt(math.exp(-s) / week.size)


def test_address_classes_have_the_codes_of_the_events() -> None:
    codes = (RESIDENTIAL, MOBILE, HOSTING, VPN, TOR, CORP, EDU, UNKNOWN)
    names = ("residential", "mobile", "hosting", "vpn", "tor", "corp", "edu", "unknown")
    assert tuple(CLASS_NAMES) == names
    assert codes == tuple(range(IP_CLASSES))


def test_every_kind_and_class_has_a_prior_and_rates_scale_their_family() -> None:
    assert PRIORS.shape == (len(KINDS), IP_CLASSES, 2)
    assert (PRIORS > 0).all()
    doubled = KeyBirths(identity_rate=2.0).priors()
    assert doubled[PAYMENT, 0, 0] == 2 * PRIORS[PAYMENT, 0, 0]
    assert (doubled[PREFIX] == PRIORS[PREFIX]).all()


def test_rare_values_link_and_hubs_do_not() -> None:
    assert rarity_weight(2, 10**6, PAYMENT) == 12.0
    assert rarity_weight(20, 10**6, PREFIX) == pytest.approx(math.log(5e4) - 2.0)
    assert rarity_weight(10_000, 10**6, PREFIX) == 0.0
    assert rarity_weight(0, 10**6, PAYMENT) == rarity_weight(5, 0, PAYMENT) == 0.0
    assert rarity_weight(5, 6, PREFIX) == 0.0


def observed(values: dict[str, float], **facts: float) -> tuple[Evidence, ...] | None:
    return BIRTHS.observe(None, Window(0, 30 * DAY_MS, values), Context(facts))


def test_evidence_names_the_value_kind_and_its_family() -> None:
    values = {"parties_1d": 2.0, "parties_7d": 8.0, "own_births": 0.0, "own_days": 0.0}
    (found,) = observed(values, kind=PAYMENT) or ()
    assert (found.family, found.parameter) == ("identity", "new_accounts_per_payment_fp")
    assert found.surprise == pytest.approx(nats(PAYMENT, 2, 8))
    assert (found.window_start, found.window_end) == (23 * DAY_MS, 30 * DAY_MS)


def test_two_parties_are_never_evidence_and_an_unknown_kind_is_not_judged() -> None:
    assert observed({"parties_1d": 2.0, "parties_7d": 2.0}, kind=PAYMENT) == ()
    assert observed({"parties_7d": 8.0}) is None
    assert observed({}, kind=PAYMENT) is None


def test_the_address_class_decides_what_a_prefix_may_show() -> None:
    values = {"parties_1d": 20.0, "parties_7d": 20.0}
    assert observed(values, kind=PREFIX, ip_class=RESIDENTIAL)
    assert observed(values, kind=PREFIX, ip_class=MOBILE) == ()
