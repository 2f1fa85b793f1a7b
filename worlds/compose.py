"""A spec and a seed to the cast of a world: its ground, its groups, all actors in one table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from worlds.actors import Actors
from worlds.catalogue import PIECES
from worlds.clock import DAY_MS, HOUR_MS, Period
from worlds.delivery import Delivery, Outage
from worlds.ground import Ground, ground
from worlds.organisations import organisations
from worlds.piece import ATTACK, BENIGN, Piece
from worlds.population import ordinary
from worlds.randomness import Words, numbered
from worlds.spec import WorldSpec


@dataclass(frozen=True)
class Group:
    """Accounts [first, last) and actors [begin, end) that one piece made, and what they are."""

    kind: str
    code: str | None
    label: str
    campaign: str | None
    first: int
    last: int
    begin: int
    end: int
    piece: Piece | None
    ground: Ground


@dataclass(frozen=True)
class Cast:
    """Everybody in a world: `names` by account; `groups` in the order of their accounts."""

    period: Period
    ground: Ground
    actors: Actors
    names: Words
    groups: tuple[Group, ...]
    delivery: Delivery


def compose(spec: WorldSpec, seed: int, end_ms: int) -> Cast:
    """Build all groups of `spec`. Each has chance of its own: without one, the others stay as they are."""
    period = Period(end_ms - round(spec.days * DAY_MS), end_ms)
    laid = ground(seed, period, spec.accounts, spec.release, spec.sharing, spec.texts)
    groups: list[Group] = []
    tables: list[Actors] = []
    names: list[Words] = []
    rows = accounts = 0

    def add(name: str, made: Actors, kind: str, piece: Piece | None, at: Ground) -> None:
        nonlocal rows, accounts
        own = int(made["account"].max(initial=-1)) + 1
        made["uid"] = numbered(seed, f"{name}: chance", len(made))
        made["account"] += accounts
        made["pool_first"] += rows
        label = piece.label if piece else BENIGN
        campaign = name if label == ATTACK else None
        code = piece.code if piece else None
        groups.append(
            Group(
                kind,
                code,
                label,
                campaign,
                accounts,
                accounts + own,
                rows,
                rows + len(made),
                piece,
                at,
            )
        )
        named = numbered(seed, f"{name}: names", own)
        for control in laid.controls:  # a piece knows its accounts by number
            if "account" in control:
                control["account_id"] = f"a-{int(named[control.pop('account')]):016x}"
        names.append(named)
        tables.append(made)
        rows, accounts = rows + len(made), accounts + own

    here = laid.for_piece("ordinary")
    add("ordinary", ordinary(here, spec.accounts), "ordinary", None, here)
    here = laid.for_piece("organisations")
    add("organisations", organisations(here, spec.seats), "organisation", None, here)
    seen: Counter[str] = Counter()
    for chosen in spec.pieces:
        piece = PIECES[chosen.kind]
        seen[piece.kind] += 1
        name = f"{piece.kind}-{seen[piece.kind]}"
        here = laid.for_piece(name)
        add(name, piece.build(here, piece.values(chosen.values)), piece.kind, piece, here)
    return Cast(
        period,
        laid,
        np.concatenate(tables),
        np.concatenate(names),
        tuple(groups),
        _delivery(spec, laid),
    )


def _delivery(spec: WorldSpec, laid: Ground) -> Delivery:
    outages = [
        Outage(laid.moment(down.at), laid.moment(down.at) + round(down.hours * HOUR_MS), down.lost)
        for down in spec.outages
    ]
    return Delivery(spec.late, spec.late_median_s * 1000, spec.twice, tuple(outages))


def controls(cast: Cast) -> list[dict[str, Any]]:
    """Give what the platform would tell a detector about the world, by time (contract v1)."""
    return sorted(cast.ground.controls, key=lambda c: (c["at"], c["control_id"]))
