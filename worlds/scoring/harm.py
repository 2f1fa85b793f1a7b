"""Whom alerts accused wrongly: precision, and false positives by action and by look-alike.

An accusation is harm from the moment it was made, whether or not it was taken back later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from worlds.scoring.ledger import ACTING, Accusation, Ledger
from worlds.scoring.who import DAY_MS, GREY, HIJACKED, Who

PER = 10_000
BEFORE_HIJACK = "before the hijack"
UNKNOWN = "not in the truth"  # say, an account that was to be taken over and never was


@dataclass(frozen=True, slots=True)
class LookAlike:
    """How one class of benign accounts fared; `rate` is per 10,000 accounts of the class and day.

    Both maps are by action, each action standing for itself and all harder ones.
    """

    accounts: int
    named: dict[str, int]
    rate: dict[str, float]


@dataclass(frozen=True, slots=True)
class Harm:
    """Right and wrong accusations; maps are by action, each standing for itself and harder ones.

    `precision`: the share of accused accounts that attack (None: nobody accused).
    `false_rate`: benign accounts accused, each once a day, per 10,000 benign accounts and day.
    """

    precision: dict[str, float | None]
    right: dict[str, int]
    wrong: dict[str, int]
    false_rate: dict[str, float]
    look_alikes: dict[str, LookAlike]


def harm(who: Who, ledger: Ledger) -> Harm:
    """Judge every accusation."""
    right: dict[str, set[str]] = {action: set() for action in ACTING}
    wrong: dict[str, set[tuple[str, int]]] = {action: set() for action in ACTING}
    for accusation in ledger.accusations:
        if accusation.account in who.ignored or who.look_alike.get(accusation.account) in GREY:
            continue
        guilty = who.guilty(accusation.account, accusation.at)
        for action in ACTING:
            if not accusation.reaches(action):
                continue
            if guilty:
                right[action].add(accusation.account)
            else:
                wrong[action].add(_on_its_day(accusation))
    accused = {action: {account for account, _ in wrong[action]} for action in ACTING}
    return Harm(
        precision={a: _ratio(len(right[a]), len(right[a]) + len(accused[a])) for a in ACTING},
        right={a: len(right[a]) for a in ACTING},
        wrong={a: len(accused[a]) for a in ACTING},
        false_rate={a: _rate(len(wrong[a]), who.benign, who) for a in ACTING},
        look_alikes=_by_class(who, ledger),
    )


def _by_class(who: Who, ledger: Ledger) -> dict[str, LookAlike]:
    sizes = who.class_sizes()
    found: dict[str, dict[str, set[tuple[str, int]]]] = defaultdict(lambda: defaultdict(set))
    for accusation in ledger.accusations:
        if accusation.account in who.ignored or who.guilty(accusation.account, accusation.at):
            continue
        code = who.look_alike.get(accusation.account)
        if code is None:
            code = BEFORE_HIJACK if accusation.account in who.of else UNKNOWN
        for action in ACTING:
            if accusation.reaches(action):
                found[code][action].add(_on_its_day(accusation))
    hijacked = sum(len(c.accounts) for c in who.campaigns if c.scenario in HIJACKED)
    if hijacked:
        sizes[BEFORE_HIJACK] = hijacked
    if UNKNOWN in found:  # only the accused of them are known
        sizes[UNKNOWN] = len({account for account, _ in found[UNKNOWN]["throttle"]})
    return {
        code: LookAlike(
            accounts=sizes[code],
            named={a: len({account for account, _ in found[code][a]}) for a in ACTING},
            rate={a: _rate(len(found[code][a]), sizes[code], who) for a in ACTING},
        )
        for code in sorted(sizes, key=_code_order)
    }


def _on_its_day(accusation: Accusation) -> tuple[str, int]:
    return accusation.account, accusation.at // DAY_MS


def _rate(accusations: int, accounts: int, who: Who) -> float:
    return accusations * PER / accounts / who.days if accounts else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _code_order(code: str) -> tuple[int, str]:
    return (int(code[1:]), code) if code[1:].isdigit() else (0, code)
