"""B12: a country on holiday for two days whose clocks change at their end."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.clock import HOUR_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import ordinary
from worlds.vocabulary import COUNTRIES

_WHERE = next(n for n, country in enumerate(COUNTRIES) if country.code == "FR")


def build(at: Ground, values: Values) -> Actors:
    """Make accounts of that country; the calendar changes for all who live there."""
    table = ordinary(at, values.count("accounts"))
    table["country"] = _WHERE
    first = at.calendar.column(at.moment(values["starts"]))
    at.calendar.volume[_WHERE, first : first + 2] = values["volume"]
    at.calendar.offset[_WHERE, first + 2 :] -= HOUR_MS
    return table


PIECE = Piece(
    "holiday",
    "B12",
    "holiday and change of clocks",
    build,
    {
        "accounts": accounts(150),
        "starts": starts(0.5),
        "volume": Parameter(0.2, 0.0, 1.0, "volume on the holiday, times the usual"),
    },
)
