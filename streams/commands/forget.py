"""`hydrawatch forget`: an account's state is erased, and what remains in topics is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import NamedTuple

from rich.table import Column, Table

from detectors.errors import ConfigError
from streams.settings.settings import Settings
from streams.stages import erasure
from streams.stages.erasure import Answer, Asked
from streams.terminal import console, indented
from streams.topics import other_mode, partitioners
from streams.topics.other_mode import OtherMode
from streams.topics.plan import PLANS

# What each topic may hold of the account; the others hold nothing that says whose it is.
HELD = {
    "requests_topic": "its requests, as the gateways sent them",
    "handover_topic": "its fingerprint beside the values it used",
    "evidence_topic": "its id, fingerprint and organisation, its odd windows",
    "marks_topic": "its fingerprint, in the request to forget it",
    "state_topic": "pages of earlier state, until newer ones have replaced them",
    "alerts_topic": "alerts about it, and one more that ends them",
    "shadow_topic": "alerts about it",
    "control_topic": "allowances, verdicts and reports that name it; they stay in force",
    "dead_letters_topic": "requests of it that could not be read",
    "accounts_topic": "what the platform says of it: `hydrawatch intake directory --forget` takes that away",
}
OF_THE_OTHER_MODE = {**HELD, "state_topic": "the account itself, unless it is erased there too"}


class Remains(NamedTuple):
    """A topic that holds something of the account; `days` is None where no time ends that."""

    topic: str
    days: int | None
    holds: str
    mode: str


async def _erase(settings: Settings, account: str, wait_s: float) -> tuple[Asked, Answer]:
    asked = await erasure.ask(settings, account)
    return asked, await erasure.answered(settings, asked, wait_s)


def run(settings: Settings, account: str, wait_s: float, as_json: bool) -> int:
    """Ask for it, wait for the answers, print what remains; 1 if not all partitions answered in time."""
    if account == "-":
        account = sys.stdin.readline().rstrip("\r\n")
    if not account:
        raise ConfigError("ACCOUNT is empty; give an account_id, or - to read it from stdin")
    asked, answer = asyncio.run(_erase(settings, account, wait_s))
    other = other_mode.look(settings)
    remains = _remains(settings, other)
    if as_json:
        indented(
            {
                "partition": asked.home,
                "erased": bool(answer.found),
                "found_in": answer.found,
                "not_found_in": answer.empty,
                "unanswered": answer.silent,
                "mode": settings.mode,
                "remains": [one._asdict() for one in remains],
                "other_mode": other.sight,
                "repeat_with": None if other.sight == "absent" else other.variable,
            }
        )
        return 1 if answer.silent else 0
    out = console(soft_wrap=True)
    for line in _said(asked, answer):
        out.print(line)
    if answer.silent:
        console(stderr=True, soft_wrap=True).print(
            f"hydrawatch: no worker has answered for account partition {_numbers(answer.silent)} within "
            f"{wait_s:g} s; the request stands, and whoever runs it next will erase the account there"
        )
    topic = Column("remains in topic", no_wrap=True)
    table = Table(topic, "for at most", "what", box=None, pad_edge=False)
    for one in remains:
        days = "no fixed time" if one.days is None else f"{one.days} days"
        table.add_row(one.topic, days, one.holds)
    out.print(table)
    out.print(_of_old_state(settings))
    out.print(_of_the_other_mode(other))
    return 1 if answer.silent else 0


def _said(asked: Asked, answer: Answer) -> Iterator[str]:
    """What was found where, and what follows from it."""
    if answer.found:
        yield f"erased from account partition {_numbers(answer.found)}"
    if answer.empty:
        nothing = "" if answer.found else "nothing was erased: "
        yield f"{nothing}it was not found in account partition {_numbers(answer.empty)}"
    if answer.found or asked.home in answer.empty:
        yield "key networks and the owner of campaigns erase what they may hold of it within a tick of"
        yield "its event time, and kept state follows with their next snapshots"
    strange = [p for p in answer.found if p != asked.home]
    if strange:
        yield (
            f"It belongs in partition {asked.home}, by murmur2 of account_id: what was in "
            f"{_numbers(strange)} was judged apart. {partitioners.MEND}"
        )


def _numbers(partitions: list[int]) -> str:
    return ", ".join(map(str, partitions))


def _remains(settings: Settings, other: OtherMode) -> list[Remains]:
    mine = [
        Remains(plan.name(settings), plan.keep_days or None, HELD[plan.setting], settings.mode)
        for plan in PLANS
    ]
    if other.sight != "present":
        return mine
    return mine + [
        Remains(
            other.topics[plan.setting],
            plan.keep_days or None,
            OF_THE_OTHER_MODE[plan.setting],
            other.mode,
        )
        for plan in PLANS
        if plan.setting in other.topics
    ]


def _of_old_state(settings: Settings) -> str:
    days = next(plan.keep_days for plan in PLANS if plan.setting == "requests_topic")
    return (
        f"Old pages leave {settings.state_topic} as newer ones are written: a quiet partition may keep "
        "them for days or longer, and where hydrawatch_state_not_deleted is 1 they never leave. "
        f"`hydrawatch state reset` deletes them; before {settings.requests_topic} has dropped the "
        f"account's requests ({days} days) they may be kept anew from these."
    )


def _of_the_other_mode(other: OtherMode) -> str:
    again = f"repeat it with {other.variable}"
    if other.sight == "present":
        return f"This erased nothing from the {other.mode} pipeline at this broker: {again}."
    if other.sight == "not seen":
        return (
            f"Whether this broker has a {other.mode} pipeline as well cannot be seen. This erased "
            f"nothing from it: {again} if there is one."
        )
    return f"No {other.mode} pipeline was found at this broker under the usual names."
