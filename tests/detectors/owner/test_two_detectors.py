"""Two detectors may speak of one shared value, and of one account: both stand in the alert."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from detectors.campaigns.fusion import Fusion
from detectors.config import Config
from detectors.contract.alert import Alert
from detectors.exchange.findings import TickFindings
from detectors.interface.clock import MINUTE_MS
from tests.owner_stories import BASE, account, check, hear, key_finding, names, owner_of, volume
from tests.small_detectors import Busy, said_by

PLAIN = Config(fusion=Fusion(regroup_minutes=1))
RULES = replace(PLAIN, detectors=(*PLAIN.detectors, Busy()))
END = (BASE + 3) * MINUTE_MS
BUSY = msgspec.structs.replace(said_by(Busy.card, 900.0, 3.0, END), surprise=20.0)


def told(rules: Config, *findings: TickFindings) -> list[Alert]:
    owner = owner_of(rules, sources=1)
    hear(owner, 0, names(1, dict.fromkeys(range(1, 21), 0)))
    for one in findings:
        owner.receive(0, one)
    owner.watermark(0, BASE + 60)
    alerts = owner.advance()
    for alert in alerts:
        check(alert)
    return alerts


def signed(alert: Alert) -> set[tuple[str, str]]:
    return {(e.detector, e.parameter) for e in alert.evidence}


def test_both_detectors_of_an_account_stand_in_its_alert() -> None:
    card = key_finding(1, "payment_fp", 1, range(1, 21))
    one = volume(2, 7)
    other = msgspec.structs.replace(one, evidence=BUSY, deviation=None, spread=None)
    found = (
        TickFindings(BASE + 1, keys=(card,)),
        TickFindings(BASE + 2, accounts=(one, other)),
    )
    of_seven = [a for a in told(RULES, *found) if a.account_id == "a7"]
    assert {"volume.own_past.v1", "busy.v1", "births.v1"} == {d for d, _ in signed(of_seven[-1])}
    assert {"volume", "timing", "identity"} <= set(of_seven[-1].families)
    # Who does not know the detector does not hear it, and says the rest.
    plain = [a for a in told(PLAIN, *found) if a.account_id == "a7"]
    assert {"volume.own_past.v1", "births.v1"} == {d for d, _ in signed(plain[-1])}
    assert account(7) == one.account


def test_two_things_that_one_detector_says_of_an_account_stand_both_and_the_stronger_of_each() -> (
    None
):
    one = msgspec.structs.replace(volume(2, 7), evidence=BUSY, deviation=None, spread=None)
    weaker = msgspec.structs.replace(BUSY, parameter="tokens", surprise=12.0)
    other, stronger = (
        msgspec.structs.replace(one, evidence=msgspec.structs.replace(weaker, surprise=s))
        for s in (12.0, 14.0)
    )
    found = TickFindings(BASE + 2, accounts=(one, other, stronger))
    (alert,) = [a for a in told(RULES, found) if a.account_id == "a7"]
    stand = {(e.parameter, e.surprise_nats) for e in alert.evidence}
    assert stand == {("hour_requests", 20.0), ("tokens", 14.0)}


def test_both_detectors_of_a_shared_value_stand_in_the_networks_alert() -> None:
    card = key_finding(1, "payment_fp", 1, range(1, 21))
    again = msgspec.structs.replace(BUSY, family="identity", parameter="requests_per_payment_fp")
    both = msgspec.structs.replace(card, evidence=(*card.evidence, again))
    assert both.surprise == card.surprise == 30.0
    (network,) = [
        a for a in told(RULES, TickFindings(BASE + 1, keys=(both,))) if a.kind == "network"
    ][-1:]
    assert {d for d, _ in signed(network)} == {"births.v1", "busy.v1"}
    assert network.families == ("identity",)  # one value is one signal, whoever speaks of it
    # Who does not know the detector does not hear it, be it alone or beside another.
    without = msgspec.structs.replace(card, evidence=(again,))
    for finding, heard in ((both, {"births.v1"}), (without, set())):
        plain = [
            a for a in told(PLAIN, TickFindings(BASE + 1, keys=(finding,))) if not a.account_id
        ]
        assert {d for alert in plain for d, _ in signed(alert)} == heard
