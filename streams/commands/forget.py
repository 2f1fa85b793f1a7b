"""`hydrawatch forget`: an account's state is erased, and what remains in topics is told."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console
from rich.table import Table

from detectors.errors import ConfigError
from streams import erasure
from streams.commands.topics import print_json
from streams.settings import Settings
from streams.topic_plan import PLANS

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
}


async def _erase(settings: Settings, account: str, wait_s: float) -> tuple[int, bool]:
    asked = await erasure.ask(settings, account)
    return asked.partition, await erasure.answered(settings, asked, wait_s)


def run(settings: Settings, account: str, wait_s: float, as_json: bool) -> int:
    """Ask for it, wait for the answer, print what remains; 1 if no worker has answered in time."""
    if account == "-":
        account = sys.stdin.readline().rstrip("\r\n")
    if not account:
        raise ConfigError("ACCOUNT is empty; give an account_id, or - to read it from stdin")
    partition, done = asyncio.run(_erase(settings, account, wait_s))
    remains = [
        {"topic": plan.name(settings), "days": plan.keep_days, "holds": HELD[plan.setting]}
        for plan in PLANS
    ]
    if as_json:
        print_json({"partition": partition, "erased": done, "remains": remains})
        return 0 if done else 1
    console = Console(soft_wrap=True, highlight=False)
    if done:
        console.print(f"erased from account partition {partition}; the other stages follow within")
        console.print("a tick of its event time, and kept state with their next snapshots")
    else:
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            f"hydrawatch: no worker has answered within {wait_s:g} s; the request stands, and whoever "
            f"runs account partition {partition} next will erase it"
        )
    table = Table("remains in topic", "for at most", "what", box=None, pad_edge=False)
    for plan in PLANS:
        days = f"{plan.keep_days} days" if plan.keep_days else "some snapshots"
        table.add_row(plan.name(settings), days, HELD[plan.setting])
    console.print(table)
    return 0 if done else 1
