"""What a world is made of: its length, its ordinary accounts, how events arrive, and its pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from worlds.catalogue import PIECES
from worlds.piece import ATTACK

SMALLEST = 6  # accounts that scaling leaves to a piece that had them: fewer make no group


@dataclass(frozen=True)
class Down:
    """An outage of the collectors: at a share of the period, for some hours, a share lost."""

    at: float
    hours: float
    lost: float = 0.3


@dataclass(frozen=True)
class Chosen:
    """A piece of the catalogue, by its kind, with the parameters that differ from their defaults."""

    kind: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class WorldSpec:
    """A world before its seed. `release` and outages are placed by shares of the period.

    `seats` are those of ordinary organisations; a model comes out at `release`; `sharing` is how much
    innocent people share every day, times the usual; `texts` is the share of frameworks' prompts, the most
    used first, that are drawn as text and fingerprinted.
    """

    preset: str | None = None
    days: float = 7.0
    accounts: int = 2_000
    seats: int = 400
    release: float = 0.45
    sharing: float = 1.0
    texts: float = 0.0
    late: float = 0.01
    late_median_s: float = 60.0
    twice: float = 0.005
    outages: tuple[Down, ...] = ()
    pieces: tuple[Chosen, ...] = ()

    def without_attacks(self) -> WorldSpec:
        """Give the same world with everybody innocent."""
        calm = tuple(c for c in self.pieces if PIECES[c.kind].label != ATTACK)
        return replace(self, pieces=calm)

    def scaled(self, factor: float) -> WorldSpec:
        """Give the same world with `factor` times the accounts, though hardly fewer than six to a piece."""
        pieces = []
        for chosen in self.pieces:
            piece = PIECES[chosen.kind]
            values = dict(chosen.values)
            if "accounts" in piece.parameters:
                limits = piece.parameters["accounts"]
                full = int(piece.values(values)["accounts"])
                wanted = max(round(full * factor), min(full, SMALLEST))
                values["accounts"] = int(min(max(wanted, limits.low), limits.high))
            pieces.append(Chosen(chosen.kind, values))
        return replace(
            self,
            accounts=max(1, round(self.accounts * factor)),
            seats=round(self.seats * factor),
            pieces=tuple(pieces),
        )
