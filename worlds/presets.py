"""Ready worlds by name: how long, how many, and which pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from worlds.catalogue import KIND_OF, PIECES
from worlds.piece import BENIGN
from worlds.spec import Chosen, Down, WorldSpec

_LOOKALIKES = tuple(code for code, kind in KIND_OF.items() if PIECES[kind].label == BENIGN)
# A12 is one account with more requests than all others, and would drown them: it is for worlds of
# one's own. A8 and A13 on are the hard ones.
_COMMON = ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A9", "A10", "A11")
_HARD = ("A8", "A13", "A14", "A15", "A16", "A17", "A18", "A19", "A20")


def _all(codes: Iterable[str], **accounts: int) -> tuple[Chosen, ...]:
    return tuple(
        Chosen(KIND_OF[code], {"accounts": accounts[code]} if code in accounts else {})
        for code in codes
    )


PRESETS: dict[str, WorldSpec] = {
    "quick": WorldSpec(
        preset="quick",
        days=7.0,
        accounts=2_000,
        seats=400,
        pieces=(
            *_all(("B4", "B6", "B7", "B15", "B18"), B4=30, B6=80, B15=150, B18=60),
            Chosen("classic_hydra", {"accounts": 300, "starts": 0.57}),
        ),
    ),
    "standard": WorldSpec(
        preset="standard",
        days=14.0,
        accounts=20_000,
        seats=2_500,
        outages=(Down(at=0.72, hours=1.5),),
        pieces=(*_all(_LOOKALIKES), *_all(_COMMON)),
    ),
    "evasive": WorldSpec(
        preset="evasive",
        days=14.0,
        accounts=20_000,
        seats=2_500,
        pieces=(
            *_all(_LOOKALIKES),
            *_all(_HARD),
            Chosen("diluted_hydra", {"share": 0.05}),
            Chosen("diluted_hydra", {"share": 0.1}),
        ),
    ),
    "calm": WorldSpec(
        preset="calm",
        days=14.0,
        accounts=20_000,
        seats=2_500,
        outages=(Down(at=0.72, hours=1.5),),
        pieces=_all(_LOOKALIKES),
    ),
    "published": WorldSpec(
        preset="published",
        days=45.0,
        accounts=20_000,
        seats=2_500,
        pieces=(
            *_all(_LOOKALIKES),
            Chosen("classic_hydra", {"accounts": 25_000, "starts": 0.0, "spread": 0.0}),
        ),
    ),
}


def preset(
    name: str,
    *,
    accounts: int | None = None,
    days: float | None = None,
    scale: float = 1.0,
    attacks: bool = True,
) -> WorldSpec:
    """Give a preset, changed in size: `scale` all accounts, or set the ordinary ones or the days.

    Seats of organisations keep their proportion to the ordinary accounts. Raises KeyError.
    """
    spec = PRESETS[name]
    if not attacks:
        spec = spec.without_attacks()
    if scale != 1.0:
        spec = spec.scaled(scale)
    if accounts is not None:
        seats = round(spec.seats * accounts / spec.accounts)
        spec = replace(spec, accounts=accounts, seats=seats)
    return spec if days is None else replace(spec, days=days)
