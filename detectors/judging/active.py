"""The bounded set of entities that a detector which sees one window at a time remembers.

A place is had by being active: the busiest entities have one. An entity weighs what its windows hold,
a quarter by the newest, a newcomer as if it had been silent before; who is silent weighs less by the
day. A newcomer takes a place only from one that weighs less: a flood of fresh, quiet entities pushes
nobody out, to push somebody out costs four times what that one uses, and who does so once and is then
silent does not keep the place.

Each memory is kept as bytes in a row of its own, written anew after each window. A restart, or a window
that raised, goes on from these; else the detector goes on with the object itself, for to read it back
after each window is too dear. So a `dump` that leaves something out differs after restarts:
`check_detector` (`restorable`) finds that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.clock import DAY_TICKS
from detectors.interface.detector import Card, Detector, Evidence
from detectors.judging.memory import fill, table_name
from detectors.judging.soundness import EVIDENCE_BYTES

HALF_LIFE_TICKS = 2 * DAY_TICKS  # of a silent entity's weight: a weekend leaves almost half
TURNOVER = 8  # a close replaces at most one in so many
SHARE = 0.25  # of the newest window in an entity's weight

SLOT = np.dtype(
    [
        ("entity", "<u8"),
        ("tick", "<i8"),  # when it was last weighed
        ("weight", "<f8"),
        ("memory", "<u4"),  # bytes in use
        ("evidence", "<u4"),
        ("used", "<u4"),
    ],
    align=True,
)
_encode = msgspec.msgpack.Encoder().encode
_evidence = msgspec.msgpack.Decoder(Evidence)


class Place(NamedTuple):
    """Where an entity's memory lies."""

    slot: int
    entity: int


class ActiveSet:
    """The memories of one detector that observes, in one partition."""

    def __init__(self, detector: Detector[Any]) -> None:
        card: Card = detector.card
        self._detector = detector
        self._card = card
        self._name = table_name(card)
        self._width = card.max_bytes + EVIDENCE_BYTES
        self._row = np.dtype((np.void, self._width))  # kept so: another width is another layout
        self.slots: NDArray[Any] = np.zeros(card.active, SLOT)
        self._bytes = np.zeros(card.active * self._width, np.uint8)
        self._places: dict[int, int] = {}  # entity -> slot
        self._memories: dict[int, Any] = {}  # slot -> the memory itself
        self.refused = 0  # windows of entities that had no place
        self.displaced = 0

    def __len__(self) -> int:
        return len(self._places)

    def admit(
        self, entities: NDArray[np.uint64], weights: NDArray[np.float64], tick: int
    ) -> list[tuple[int, Place]]:
        """Weigh the entities (uint64, n) whose windows closed; gives (position, place) of those heard.

        Weights are float64 (n). Sorted by entity.
        """
        order = np.argsort(entities, kind="stable")
        heard: list[tuple[int, Place]] = []
        newcomers: list[tuple[float, int, int]] = []
        for at in order.tolist():
            entity = int(entities[at])
            slot = self._places.get(entity)
            if slot is None:
                newcomers.append((-SHARE * float(weights[at]), entity, at))
                continue
            mine = self.slots[slot]
            faded = self._faded(slot, tick)
            mine["weight"] = faded + SHARE * (float(weights[at]) - faded)
            mine["tick"] = tick
            heard.append((at, Place(slot, entity)))
        newcomers.sort()
        heard += self._seat(newcomers, tick)
        return sorted(heard, key=lambda h: h[1].entity)

    def _seat(self, newcomers: list[tuple[float, int, int]], tick: int) -> list[tuple[int, Place]]:
        seated: list[tuple[int, Place]] = []
        if not newcomers:
            return seated
        free = sorted(set(range(self.slots.size)) - set(self._places.values()))
        lightest: list[tuple[float, int, int]] | None = None
        turnover = max(1, self.slots.size // TURNOVER)
        for weight, entity, at in newcomers:
            if free:
                slot = free.pop(0)
            else:
                if lightest is None:  # those seated just now are not among them
                    taken = {place.slot for _, place in seated}
                    lightest = sorted(
                        (self._faded(s, tick), e, s)
                        for e, s in self._places.items()
                        if s not in taken
                    )[:turnover]
                if not lightest or lightest[0][0] >= -weight:
                    self.refused += len(newcomers) - len(seated)
                    break
                _, gone, slot = lightest.pop(0)
                self.drop(gone)
                self.displaced += 1
            self._places[entity] = slot
            self.slots[slot] = (entity, tick, -weight, 0, 0, 1)
            seated.append((at, Place(slot, entity)))
        return seated

    def _faded(self, slot: int, tick: int) -> float:
        mine = self.slots[slot]
        silent = max(tick - int(mine["tick"]), 0)
        return float(mine["weight"]) * 0.5 ** (silent / HALF_LIFE_TICKS)

    def memory(self, place: Place) -> Any:
        """An entity's memory; a fresh one where there is none."""
        known = self._memories.get(place.slot)
        if known is None:
            size = int(self.slots[place.slot]["memory"])
            at = place.slot * self._width
            if size:
                known = self._read(self._bytes[at : at + size].tobytes())
            known = self._detector.fresh() if known is None else known
            self._memories[place.slot] = known
        return known

    def _read(self, kept: bytes) -> Any:
        """The memory that was kept; None where it cannot be told: then the entity starts fresh."""
        try:
            return self._detector.restore(msgspec.msgpack.decode(kept))
        except (msgspec.DecodeError, UnicodeDecodeError, ContractError):
            return None

    def keep(self, place: Place) -> None:
        """Write an entity's memory down. Raises ContractError where it is larger than the card says."""
        plain = _encode(self._detector.dump(self._memories[place.slot]))
        if len(plain) > self._card.max_bytes:
            raise ContractError(f"{len(plain)} bytes; the card allows {self._card.max_bytes}")
        self._write(place.slot, "memory", 0, plain)

    def roll_back(self, place: Place) -> None:
        """Go back to an entity's memory as it was written down last."""
        self._memories.pop(place.slot, None)

    def strengthen(self, place: Place, evidence: Evidence) -> None:
        """Keep an entity's evidence, of `EVIDENCE_BYTES` at most, if it is stronger than what was kept."""
        known = self.strongest(place.entity)
        if known is not None and known.surprise >= evidence.surprise:
            return
        self._write(place.slot, "evidence", self._card.max_bytes, _encode(evidence))

    def strongest(self, entity: int) -> Evidence | None:
        """The strongest evidence of an entity that was kept."""
        slot = self._places.get(entity)
        if slot is None or not self.slots[slot]["evidence"]:
            return None
        at = slot * self._width + self._card.max_bytes
        return _evidence.decode(self._bytes[at : at + int(self.slots[slot]["evidence"])].tobytes())

    def _write(self, slot: int, field: str, offset: int, plain: bytes) -> None:
        at = slot * self._width + offset
        before = int(self.slots[slot][field])
        self._bytes[at : at + len(plain)] = np.frombuffer(plain, np.uint8)
        self._bytes[at + len(plain) : at + before] = 0
        self.slots[slot][field] = len(plain)

    def drop(self, entity: int) -> None:
        """Forget an entity; as it is where it has no place."""
        slot = self._places.pop(entity, None)
        if slot is not None:
            self._memories.pop(slot, None)
            self.slots[slot] = np.zeros(1, SLOT)[0]
            self._bytes[slot * self._width : (slot + 1) * self._width] = 0

    def tables(self) -> dict[str, NDArray[Any]]:
        """What is to be kept: the slots (SLOT) up to the last in use, and as many rows of bytes.

        Keeping state looks at every byte: places that nobody has had yet cost nothing.
        """
        top = max(self._places.values(), default=-1) + 1
        return {
            self._name: self.slots[:top],
            f"{self._name}.bytes": self._bytes[: top * self._width].view(self._row),
        }

    def restore(self, tables: dict[str, NDArray[np.uint8]]) -> None:
        """Fill the set, still empty, from kept bytes (uint8). Raises StateError where they do not fit."""
        slots, memories = tables.get(self._name), tables.get(f"{self._name}.bytes")
        if slots is None or memories is None:
            return
        fill(self.slots, slots, self._name)
        fill(self._bytes.view(self._row), memories, f"{self._name}.bytes")
        used = np.flatnonzero(self.slots["used"])
        self._places = {int(self.slots[s]["entity"]): int(s) for s in used}

    @property
    def nbytes(self) -> int:
        """Bytes that its tables may take."""
        return self.slots.nbytes + self._bytes.nbytes
