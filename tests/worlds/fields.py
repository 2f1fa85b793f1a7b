"""What the events of a world show, as columns: by event, by account, and who holds each value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from worlds.clock import DAY_MS, HOUR_MS
from worlds.draw import Requests
from worlds.presets import preset
from worlds.simulation import Simulation
from worlds.vocabulary import CAPABILITIES, CLIENTS, IP_CLASSES, LANGUAGES, MODELS, SIGNUPS, TIERS
from worlds.write import api_keys_of

END_MS = 1_777_000_000_000
SCALE, SEED = 0.5, 1
# A12 and A9 are heavy by their nature: one key, six accounts. They are not what hides in a crowd.
HEAVY = {"A9", "A12"}
ENOUGH = 5  # events of an account that are judged by its means
NUMBERS = (
    "input", "output", "reasoning", "cached", "turn", "tools", "latency", "cost_micro", "cot",
    "grading", "age", "lateness", "hour",
)  # fmt: skip
CODES = {
    "tier": len(TIERS),
    "signup": len(SIGNUPS),
    "country": 16,
    "geo": 16,
    "ip_class": len(IP_CLASSES),
    "client": len(CLIENTS) + 1,
    "tls": len(CLIENTS) + 1,
    "language": len(LANGUAGES) + 1,
    "capability": len(CAPABILITIES) + 1,
    "model": len(MODELS),
    "status": 5,
    "epoch": 3,
}
IDENTIFIERS = ("payment", "device", "prefix", "system", "prompt", "template", "asn", "org",
               "referral", "api_key", "block")  # fmt: skip
DISTINCT = ("prefix", "device", "system", "prompt", "template", "asn")
COUNTED = ("payment", "device", "prefix", "system", "org", "referral", "template", "asn")


@dataclass
class Fields:
    """Columns by event. `attack` is the campaign's number of the account, 0 for the innocent."""

    account: Any
    guilty: Any
    attack: Any
    columns: dict[str, Any]
    codes: tuple[str, ...]  # by campaign's number, "" first
    held: dict[str, Any]  # (account, value) by identifier, each once; accounts as in `people`
    people: Any  # accounts that sent anything

    @cached_property
    def by_account(self) -> dict[str, Any]:
        """Means of numbers, shares of codes, distinct values, requests per active day."""
        _, place, size = np.unique(self.account, return_inverse=True, return_counts=True)

        def distinct(values: Any) -> Any:
            known = values != 0
            kept = _scattered(values[known]) >> np.uint64(20)
            pairs = np.unique(place[known].astype(np.uint64) << np.uint64(44) | kept)
            return np.bincount((pairs >> np.uint64(44)).astype(np.int64), minlength=len(size))

        found = {
            f"mean {name}": np.bincount(place, weights=self.columns[name]) / size
            for name in NUMBERS
        }
        for name, many in [*CODES.items(), *((f"has {n}", 2) for n in IDENTIFIERS)]:
            count = np.bincount(
                place * many + self.columns[name], minlength=len(size) * many
            ).reshape(-1, many)
            for code in range(many):
                found[f"share of {name} {code}"] = count[:, code] / size
        active = distinct(self.columns["day"])
        found["requests per active day"] = size / active
        for name in DISTINCT:
            found[f"distinct {name}"] = distinct(self.columns[name])
        for name in ("prompt", "template"):
            found[f"distinct {name} per request"] = found[f"distinct {name}"] / size
        return {name: values[size >= ENOUGH] for name, values in found.items()}

    @cached_property
    def judged(self) -> tuple[Any, Any]:
        """Account and campaign number, in the order of `by_account`."""
        account, first, size = np.unique(self.account, return_index=True, return_counts=True)
        return account[size >= ENOUGH], self.attack[first][size >= ENOUGH]

    def holders(self, name: str) -> Iterator[tuple[str, Any]]:
        """Per account: how many hold its most common and its rarest value, and whether few hold one.

        Numbers of holders are in half octaves: an exact number would be as good as the value's name.
        """
        account, value = self.held[name]
        _, at, count = np.unique(value, return_inverse=True, return_counts=True)
        number, octave = count[at], 1 + np.round(2 * np.log2(count))[at]
        most = np.zeros(len(self.people))
        np.maximum.at(most, account, octave)
        least = np.full(len(self.people), np.inf)
        np.minimum.at(least, account, octave)
        yield f"most holders of a {name}", most
        yield f"fewest holders of a {name}", np.where(np.isinf(least), 0, least)
        for said, low, high in (("once", 1, 1), ("by 2 to 6", 2, 6), ("by 2 to 40", 2, 40)):
            some = np.zeros(len(self.people))
            some[account[(number >= low) & (number <= high)]] = 1.0
            yield f"{name} held {said}", some


@cache
def fields(name: str, seed: int = SEED, scale: float = SCALE) -> Fields:
    """Run a preset and keep what its events show; the heavy attacks are left out."""
    return fields_of(Simulation(preset(name, scale=scale), seed, END_MS))


def fields_of(world: Simulation) -> Fields:
    cast = world.cast
    keys = api_keys_of(cast.actors, cast.names)
    places = np.concatenate(cast.ground.places._columns)
    groups = [g for g in cast.groups if g.label == "attack"]
    of_account: Any = np.zeros(len(cast.names), dtype=np.int64)
    heavy: Any = np.zeros(len(cast.names), dtype=np.bool_)
    for number, group in enumerate(groups, 1):
        of_account[group.first : group.last] = number
        heavy[group.first : group.last] = group.code in HEAVY
    parts = []
    for rows in world.rows():
        light = rows[~heavy[cast.actors["account"][rows["actor"]]]]
        parts.append(_columns(cast.actors, keys, places, light))
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in [*parts[0]]}
    account, guilty, actor = (columns.pop(name) for name in ("account", "guilty", "actor"))
    ever = np.zeros(len(cast.names), dtype=np.bool_)
    ever[account[guilty]] = True
    people = np.unique(account)
    place = np.searchsorted(people, account)
    held = {name: _held(place, columns[name]) for name in COUNTED if name != "template"}
    held["template"] = _bases(cast.actors, np.unique(actor), people)
    codes = ("", *(str(group.code) for group in groups))
    attack = np.where(ever, of_account, 0)[account]
    return Fields(account, guilty, attack, columns, codes, held, people)


def _columns(actors: Any, keys: Any, places: Any, rows: Requests) -> dict[str, Any]:
    of = actors[rows["actor"]]
    at = places[rows["place"]]
    found: dict[str, Any] = {
        "account": of["account"],
        "actor": rows["actor"],
        "guilty": rows["guilty"],
        "day": rows["time"] // DAY_MS,
        "age": rows["time"] - of["created"],
        "lateness": rows["ingest"] - rows["time"],
        "hour": rows["time"] % DAY_MS // HOUR_MS,
        "geo": at[:, 2],
        "ip_class": at[:, 1],
        "asn": at[:, 0],
        "prefix": rows["place"],
        "api_key": keys[rows["actor"]],
    }
    for name in (*NUMBERS, *CODES, *IDENTIFIERS):
        if name not in found:
            found[name] = rows[name] if name in rows.dtype.names else of[name]
    for name in ("cot", "grading"):
        found[name] = np.where(found[name] > 100, -1, found[name])
    for name in IDENTIFIERS:
        found[f"has {name}"] = (found[name] != 0).astype(np.int8)
    return {name: _small(name, column) for name, column in found.items()}


def _small(name: str, column: Any) -> Any:
    if name in NUMBERS:
        return column.astype(np.float32)
    return column.astype(np.int8) if name in CODES else column


def _scattered(values: Any) -> npt.NDArray[np.uint64]:
    return np.asarray(values).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def _held(place: Any, values: Any) -> Any:
    known = values != 0
    code, at = np.unique(values[known], return_inverse=True)
    pairs = np.unique(place[known] * len(code) + at)
    return pairs // max(1, len(code)), pairs % max(1, len(code))


def _bases(actors: Any, seen: Any, people: Any) -> Any:
    """The templates that prompts are made from, without the bits that move."""
    table = actors[seen]
    used = np.diff(table["templates_cum"], axis=1, prepend=0.0) > 0
    account = np.repeat(table["account"], table["templates"].shape[1]).reshape(used.shape)
    base = np.where(used, table["templates"], 0).ravel()
    return _held(np.searchsorted(people, account.ravel()), base)
