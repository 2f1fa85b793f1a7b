"""Stories told to the campaign owner: a small table of ticks and findings in, alert lines out.

    0 key payment_fp:1 1-20 surprise=30 [accounts=N] [colleagues=N]    accounts 1 to 20 share a card
    5 volume 7 deviation=3                                             account 7 is far above its past
    9 allow account=7|org=3 families=identity,content until=500
    9 release
    9 end                                                              all sources have passed tick 9

Accounts are named when first mentioned; `nameless 1-3` keeps their names back, `name 1-3` gives them,
`org 3 1-9` says which organisation accounts are in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from jsonschema import Draft202012Validator

from detectors.campaigns.fusion import Fusion
from detectors.config import Config
from detectors.contract.alert import Alert, Trace, encode
from detectors.contract.control_event import ControlEvent
from detectors.exchange.findings import AccountFinding, KeyFinding, TickFindings
from detectors.exchange.names import NameBatch
from detectors.interface.clock import MINUTE_MS
from detectors.interface.detector import Evidence
from detectors.interface.key_kinds import KINDS
from detectors.kernels.siphash import fingerprint
from detectors.owner.owner import CampaignOwner
from tests.places import CONTRACT

HASH_KEY = bytes(range(16))
BASE = 29_000_000  # the stories' tick 0: some minute of 2025
FIELDS = {kind.field: kind for kind in KINDS}
ALERT_SCHEMA = Draft202012Validator(json.loads((CONTRACT / "alert.v1.schema.json").read_text()))

Message = TickFindings | ControlEvent


def account(number: int) -> int:
    return fingerprint(f"a{number}".encode(), HASH_KEY)


def org(number: int) -> int:
    return fingerprint(f"o{number}".encode(), HASH_KEY) if number else 0


def key_finding(
    tick: int,
    field: str,
    value: int,
    numbers: Iterable[int],
    surprise: float = 30.0,
    accounts: int | None = None,
    colleagues: int = 0,
) -> KeyFinding:
    members = tuple(account(n) for n in numbers)
    kind = FIELDS[field]
    end = (BASE + tick + 1) * MINUTE_MS
    evidence = Evidence(
        "births.v1",
        kind.family,
        f"accounts first seen on this {field} in 1 day",
        float(len(members)),
        1.2,
        "accounts",
        surprise,
        end - 86_400_000,
        end,
    )
    return KeyFinding(
        kind=kind.code,
        # Templates far apart in bits, for near ones are one signal.
        key=(1000 * kind.code + value) * 0x9E3779B97F4A7C15 % 2**64
        if kind.field == "template"
        else 1000 * kind.code + value,
        value_fp=f"k1:{kind.code}{value:03d}",
        evidence=(evidence,),
        members=members,
        accounts=accounts or len(members),
        weight=6.0,
        dominant_org=org(1) if colleagues else 0,
        in_dominant_org=colleagues,
        first_seen=BASE * MINUTE_MS,
        last_seen=end - 1,
        requests=25 * len(members),
        output_tokens=9_000 * len(members),
        capabilities=(20, 0, 0, 3, 1, 0, 0, 0, 0, 0),
    )


def volume(tick: int, number: int, deviation: float = 3.0) -> AccountFinding:
    end = (BASE + tick + 1) * MINUTE_MS
    evidence = Evidence(
        "volume.own_past.v1", "volume", "requests in 1 hour", 400.0, 20.0, "requests", 0.0,
        end - 3_600_000, end,
    )  # fmt: skip
    return AccountFinding(
        account=account(number),
        evidence=evidence,
        cohort=1,
        deviation=deviation,
        spread=0.2,
        first_seen=BASE * MINUTE_MS,
        last_seen=end - 1,
        requests=400,
        output_tokens=90_000,
        cost_micro=1_250_000,
    )


def names(tick: int, organisations: dict[int, int]) -> NameBatch:
    """Accounts by number, first seen at the stories' tick 0, with their organisations (0: none)."""
    numbers = list(organisations)
    ids = [f"a{n}".encode() for n in numbers]
    orgs = [f"o{o}".encode() if o else b"" for o in organisations.values()]
    return NameBatch(
        0,
        BASE + tick,
        np.array([account(n) for n in numbers], np.uint64),
        np.array([org(o) for o in organisations.values()], np.uint64),
        np.full(len(numbers), BASE * MINUTE_MS),
        np.full(len(numbers), -1),
        np.array([len(i) for i in ids], np.uint16),
        np.frombuffer(b"".join(ids), np.uint8),
        np.array([len(o) for o in orgs], np.uint16),
        np.frombuffer(b"".join(orgs), np.uint8),
    )


def hear(owner: CampaignOwner, source: int, said: TickFindings | NameBatch) -> None:
    """Hand the owner what a source says, of either sort."""
    if isinstance(said, NameBatch):
        owner.receive_names(source, said)
    else:
        owner.receive(source, said)


def allowance(tick: int, until: int, families: Iterable[str], **who: str) -> ControlEvent:
    return ControlEvent(
        control_id=f"allow-{tick}-{sorted(who.items())}",
        kind="allowance",
        at=(BASE + tick) * MINUTE_MS,
        recorded_at=(BASE + tick) * MINUTE_MS,
        until=(BASE + until) * MINUTE_MS,
        families=tuple(families),  # type: ignore[arg-type]
        **who,  # type: ignore[arg-type]
    )


def release(tick: int) -> ControlEvent:
    at = (BASE + tick) * MINUTE_MS
    return ControlEvent("release", "model_release", at, at, model="large-5")


def owner_of(config: Config | None = None, sources: int = 2) -> CampaignOwner:
    # Stories are minutes long, so accounts are grouped by the minute.
    config = config or Config(fusion=Fusion(regroup_minutes=1))
    return CampaignOwner(config, sources, Trace("0.1.0", "sha256:0"), hash_key=HASH_KEY)


class Story:
    """A parsed story: findings and names by tick, control events, and the tick at which it ends."""

    def __init__(self, text: str) -> None:
        self.said: dict[int, list[TickFindings | NameBatch]] = {}
        self.controls: list[ControlEvent] = []
        self.end = 0
        self.orgs: dict[int, int] = {}
        self.named: set[int] = set()
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if words:
                self._take(int(words[0]), words[1], words[2:])

    def tell(self, config: Config | None = None) -> list[Alert]:
        owner = owner_of(config)
        for event in self.controls:
            owner.control(event)
        for tick in sorted(self.said):
            self.say(owner, tick)
        for source in (0, 1):
            owner.watermark(source, BASE + self.end)
        return owner.advance()

    def say(self, owner: CampaignOwner, tick: int) -> None:
        """Hand the owner all that is said about a tick (of the owner's)."""
        for part in self.said.get(tick, ()):
            hear(owner, 1 if isinstance(part, TickFindings) and part.keys else 0, part)

    def _take(self, tick: int, verb: str, words: list[str]) -> None:
        options = dict(w.split("=") for w in words if "=" in w)
        plain = [w for w in words if "=" not in w]
        self.end = max(self.end, tick)
        if verb == "key":
            field, _, value = plain[0].partition(":")
            numbers = list(_numbers(plain[1]))
            self._name(tick, numbers)
            finding = key_finding(
                tick,
                field,
                int(value),
                numbers,
                float(options.get("surprise", 30)),
                int(options["accounts"]) if "accounts" in options else None,
                int(options.get("colleagues", 0)),
            )
            self._add(TickFindings(BASE + tick, keys=(finding,)))
        elif verb == "volume":
            numbers = list(_numbers(plain[0]))
            self._name(tick, numbers)
            found = (volume(tick, n, float(options.get("deviation", 3))) for n in numbers)
            self._add(TickFindings(BASE + tick, accounts=tuple(found)))
        elif verb == "nameless":
            self.named.update(_numbers(plain[0]))
        elif verb == "name":
            self.named.difference_update(_numbers(plain[0]))
            self._name(tick, _numbers(plain[0]))
        elif verb == "org":
            self.orgs.update(dict.fromkeys(_numbers(plain[1]), int(plain[0])))
        elif verb == "release":
            self.controls.append(release(tick))
        elif verb == "allow":
            who = {"account_id": f"a{options['account']}"} if "account" in options else {}
            if "org" in options:
                who = {"org_id": f"o{options['org']}"}
            families = options["families"].split(",")
            self.controls.append(allowance(tick, int(options["until"]), families, **who))
        elif verb != "end":
            raise ValueError(f"unknown verb {verb}")

    def _name(self, tick: int, numbers: Iterable[int]) -> None:
        new = [n for n in numbers if n not in self.named]
        self.named.update(new)
        if new:
            self._add(names(tick, {n: self.orgs.get(n, 0) for n in new}))

    def _add(self, said: TickFindings | NameBatch) -> None:
        self.said.setdefault(said.tick, []).append(said)


def told(alerts: Iterable[Alert]) -> str:
    """Alerts as lines: equal account alerts of a tick in one, campaigns named in order of sight."""
    campaigns: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    for alert in alerts:
        check(alert)
        lines.setdefault(_line(alert, campaigns), []).append(alert.account_id or "")
    return "".join(f"{line}{_who(who)}\n" for line, who in lines.items())


def check(alert: Alert) -> None:
    """The alert's bytes are valid by the contract."""
    problems = [e.message for e in ALERT_SCHEMA.iter_errors(json.loads(encode(alert)))]
    assert not problems, (problems, alert)


def _line(alert: Alert, campaigns: dict[str, str]) -> str:
    def called(campaign: object) -> str:
        if not isinstance(campaign, str):
            return "-"
        return campaigns.setdefault(campaign, chr(ord("A") + len(campaigns)))

    tick = alert.as_of // MINUTE_MS - 1 - BASE
    words = [f"{tick:>5} {alert.kind} {called(alert.campaign_id)} r{alert.revision} {alert.state}"]
    words.append(f"{alert.action} {alert.severity} {alert.confidence:.4f}")
    words.append("+".join(alert.families) or "none")
    if isinstance(alert.role, str):
        words.append(alert.role)
    if alert.kind == "network":
        words.append(f"size {alert.size}")
    for word, campaign in (("into", alert.merged_into), ("from", alert.split_from)):
        if isinstance(campaign, str):
            words.append(f"{word} {called(campaign)}")
    if alert.counter_evidence and alert.live:
        words.append("but " + "; ".join(alert.counter_evidence))
    return ", ".join(words)


def _who(accounts: list[str]) -> str:
    known = sorted((a for a in accounts if a), key=lambda a: int(a[1:]))
    if not known:
        return ""
    return ": " + (" ".join(known) if len(known) <= 3 else f"{len(known)} accounts")


def _numbers(text: str) -> Iterator[int]:
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        yield from range(int(first), int(last or first) + 1)


def canonical(alerts: Iterable[Alert]) -> bytes:
    return msgspec.json.encode([encode(a).decode() for a in alerts])
