"""How operators divide cards, devices and prefixes: no two families of means join a whole network.

A network is made of batches, from suppliers of accounts who each work in their own way: some pay
with a virtual card per account, some run an anti-detect browser profile per account, some go out
through residential proxies instead of bought prefixes. Within a batch, what is shared is nested in
cells: a card serves a handful of accounts, its devices two to four of the same handful, a prefix a
few dozen in whole cells. Slips, where an account uses another cell's card, join some cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np

from worlds.actors import PLACE_SLOTS, Actors, cumulative
from worlds.ground import Ground
from worlds.places import HOSTING, RESIDENTIAL
from worlds.randomness import Ints, Words, choose, fingerprints, shared_among
from worlds.vocabulary import COUNTRIES

CARD = (4, 8)  # accounts to a card,
DEVICE = (2, 4)  # to a device,
PREFIX = (15, 40)  # and to a prefix
_BATCH, _MOST_BATCHES = 30, 8
_SLIPS = 0.03  # share of accounts that pay with another cell's card: an assumption
_CARDLESS = 0.04
# Of a batch that shares, accounts with a card, a profile or exits of their own: an assumption.
_OWN_ANYWAY = 0.2
_LOOKS_COMMON = 0.15  # of anti-detect profiles, which take the looks of a common model
_EXITS = (
    PLACE_SLOTS - 1
)  # homes that a residential proxy gives an account; the last slot stays free


_EXITS_USED = (0.35, 0.35, 0.2, 0.1)  # how likely one, two, ... of them: an assumption
# Share of accounts whose seller's line shows, in how many of their sessions, and share that keeps
# to one bought prefix: assumptions.
_SELLERS, _SELLERS_SESSIONS, _ONE_BOUGHT = 0.6, (0.03, 0.15), 0.3


@dataclass(frozen=True)
class Supplies:
    """How likely a batch shares cards, devices and bought prefixes; else each account has its own."""

    cards: float = 0.6
    devices: float = 0.5
    prefixes: float = 0.5


def divide(at: Ground, table: Actors, supplies: Supplies) -> None:
    """Give the accounts of a network their cards, devices and prefixes, batch by batch."""
    rng = at.rng
    for rows in _batches(rng, len(table)):
        batch = table[rows]
        cards, devices, prefixes = _shared(rng, supplies)
        cell = shared_among(rng, len(batch), *(CARD if cards else DEVICE))
        batch["payment"] = fingerprints(rng, len(batch))
        if cards:
            on = rng.random(len(batch)) >= _OWN_ANYWAY
            batch["payment"][on] = _cards(rng, cell)[on]
        batch["payment"][rng.random(len(batch)) < _CARDLESS] = 0
        batch["devices"][:, 0] = _profiles(at, len(batch))
        if devices:
            on = rng.random(len(batch)) >= _OWN_ANYWAY
            batch["devices"][on, 0] = _devices(rng, cell)[on]
        batch["devices_cum"] = 1.0
        if prefixes:
            share_prefixes(at, batch, cell, *PREFIX)
        at_home = rng.random(len(batch)) < (_OWN_ANYWAY if prefixes else 1.0)
        proxied = batch[at_home]
        residential_proxies(at, proxied)
        batch[at_home] = proxied
        table[rows] = batch


def share_cards(rng: np.random.Generator, table: Actors, low: int, high: int) -> None:
    """Let each card serve `low` to `high` accounts, a few none."""
    table["payment"] = _cards(rng, shared_among(rng, len(table), low, high))
    table["payment"][rng.random(len(table)) < _CARDLESS] = 0


def share_prefixes(at: Ground, table: Actors, cell: Ints, low: int, high: int) -> None:
    """Two bought prefixes per account, from two divisions of whole cells; a third are hosting.

    Some sessions, of most accounts, come from the line that the account was made on.
    """
    rng, count = at.rng, len(table)
    table["places"] = 0
    for slot in range(2):
        group = _whole_cells(rng, cell, low, high)
        groups = int(group.max(initial=0)) + 1
        countries = choose(rng, [c.weight for c in COUNTRIES], groups)
        hosted = np.arange(groups) % 3 == 2
        of_group: Ints = np.zeros(groups, dtype=np.int64)
        of_group[~hosted] = at.places.add(rng, RESIDENTIAL, countries[~hosted])
        of_group[hosted] = at.places.add(rng, HOSTING, countries[hosted])
        table["places"][:, slot] = of_group[group]
    table["places"][:, 3] = at.commons.homes.draw(rng, table["country"])
    bought = 1 - np.where(rng.random(count) < _SELLERS, rng.uniform(*_SELLERS_SESSIONS, count), 0.0)
    first = np.where(rng.random(count) < _ONE_BOUGHT, 1.0, rng.uniform(0.5, 0.95, count))
    table["places_cum"] = 1.0
    table["places_cum"][:, 0] = bought * first
    table["places_cum"][:, 1:3] = bought[:, None]


def residential_proxies(at: Ground, table: Actors) -> None:
    """Send accounts out through homes in their billing country, where innocent people live.

    Providers of such exits rent out millions of consumers' lines (Mi et al., Resident Evil, IEEE S&P 2019).
    """
    for slot in range(_EXITS):
        table["places"][:, slot] = at.commons.homes.draw(at.rng, table["country"])
    weights = at.rng.gamma(1.0, 1.0, (len(table), _EXITS)) + 0.01
    used = 1 + choose(at.rng, _EXITS_USED, len(table))
    weights[np.arange(_EXITS) >= used[:, None]] = 0.0
    table["places_cum"] = 1.0
    table["places_cum"][:, :_EXITS] = cumulative(weights)


def _batches(rng: np.random.Generator, count: int) -> list[Ints]:
    """Divide the rows at random into a batch per `_BATCH` accounts, of unequal sizes."""
    many = min(_MOST_BATCHES, max(1, count // _BATCH))
    shares = rng.dirichlet(np.full(many, 4.0))
    of = choose(rng, shares, count)
    return [rows for n in range(many) if len(rows := np.flatnonzero(of == n))]


def _shared(rng: np.random.Generator, supplies: Supplies) -> tuple[bool, bool, bool]:
    """Draw what a batch shares: one family at least, as an operator's means are not endless."""
    likely = np.array([supplies.cards, supplies.devices, supplies.prefixes])
    while True:
        cards, devices, prefixes = (rng.random(3) < likely).tolist()
        if cards or devices or prefixes:
            return cards, devices, prefixes


def _cards(rng: np.random.Generator, cell: Ints) -> Words:
    """One card to a cell, but for slips."""
    count = len(cell)
    used = np.where(rng.random(count) < _SLIPS, rng.permutation(cell), cell)
    cards: Words = fingerprints(rng, count)[used]
    return cards


def _devices(rng: np.random.Generator, cell: Ints) -> Words:
    """Two to four accounts of the same cell to a device."""
    count = len(cell)
    order = np.argsort(cell, kind="stable")
    sizes = np.bincount(cell)
    place = np.empty(count, dtype=np.int64)  # of each account within its cell
    place[order] = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    machines = -(-sizes // rng.integers(DEVICE[0] + 1, DEVICE[1] + 1, len(sizes)))
    most = int(machines.max(initial=1))
    devices: Words = fingerprints(rng, len(sizes) * most)[cell * most + place % machines[cell]]
    return devices


def _profiles(at: Ground, count: int) -> Words:
    """A profile of an anti-detect browser per account, some with the looks of a common model."""
    rng, common = at.rng, at.commons
    plain = common.devices[choose(rng, common.device_weights, count)]
    profiles: Words = np.where(rng.random(count) < _LOOKS_COMMON, plain, fingerprints(rng, count))
    return profiles


def _whole_cells(rng: np.random.Generator, cell: Ints, low: int, high: int) -> Ints:
    """Fill groups of about `low` to `high` with whole cells, each into the smallest group so far."""
    sizes = np.bincount(cell)
    fewest, most = -(-len(cell) // (high - sizes.max(initial=0) // 2)), len(cell) // (low + 4)
    groups = int(rng.integers(max(1, fewest), max(1, fewest, most) + 1))
    room = [(0, group) for group in range(groups)]
    heapify(room)
    of_cell = np.zeros(len(sizes), dtype=np.int64)
    for number in rng.permutation(len(sizes)).tolist():
        filled, group = room[0]
        of_cell[number] = group
        heapreplace(room, (filled + int(sizes[number]), group))
    whole: Ints = of_cell[cell]
    return whole
