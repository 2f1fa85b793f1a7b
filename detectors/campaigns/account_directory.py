"""Who an account is: its id, organisation and age by fingerprint, for a million accounts in 80 MB.

Names are columns sorted by fingerprint (26 bytes each and the id's own bytes), into which a tick's
new ones are merged. When the directory is full the accounts first seen longest ago go, a tenth of it
at a time. Organisations are kept while an account of theirs is: of those that accounts have left, fewer
than there are accounts, and a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.names import NameBatch
from detectors.interface.clock import SECOND_MS
from detectors.kernels.arena import packed

_ID_BYTES = 64  # of arena per name, on average; longer ids evict sooner
_FEW_ORGS = 1_000  # organisations beyond twice the names that are not worth forgetting


class Name(NamedTuple):
    """One account: times in ms since epoch, in whole seconds; -1 where not known."""

    account_id: str
    org: int
    first_seen: int
    created: int


class AccountDirectory:
    """Names of accounts, bounded; of two names for one account the one given later holds."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evicted = 0
        self._fps = np.empty(0, np.uint64)
        self._orgs = np.empty(0, np.uint32)  # a row of _org_values: organisations are few
        self._seen = np.empty(0, np.uint32)
        self._created = np.empty(0, np.uint32)
        self._starts = np.empty(0, np.uint32)
        self._lengths = np.empty(0, np.uint16)
        self._ids = bytearray()
        self._org_values: list[int] = [0]
        self._org_rows: dict[int, int] = {0: 0}

    def __len__(self) -> int:
        """How many names are kept."""
        return len(self._fps)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, the ids and the table of organisations."""
        columns: tuple[NDArray[Any], ...] = (
            *(self._fps, self._orgs, self._seen),
            *(self._created, self._starts, self._lengths),
        )
        return sum(c.nbytes for c in columns) + len(self._ids) + 150 * len(self._org_values)

    def tables(self) -> dict[str, NDArray[Any]]:
        """The names as columns."""
        return {
            "fps": self._fps,
            "orgs": self._orgs,
            "seen": self._seen,
            "created": self._created,
            "starts": self._starts,
            "lengths": self._lengths,
            "ids": np.frombuffer(self._ids, np.uint8),
            "org_values": np.array(self._org_values, np.uint64),
        }

    def restore(self, tables: Mapping[str, NDArray[np.uint8]], evicted: int) -> None:
        """Go on from the columns that `tables` gave, as bytes."""
        self.evicted = evicted
        self._fps = tables["fps"].view(np.uint64).copy()
        self._orgs = tables["orgs"].view(np.uint32).copy()
        self._seen = tables["seen"].view(np.uint32).copy()
        self._created = tables["created"].view(np.uint32).copy()
        self._starts = tables["starts"].view(np.uint32).copy()
        self._lengths = tables["lengths"].view(np.uint16).copy()
        self._ids = bytearray(tables["ids"].tobytes())
        self._org_values = tables["org_values"].view(np.uint64).tolist()
        self._org_rows = {value: row for row, value in enumerate(self._org_values)}

    def add(self, names: NameBatch) -> None:
        """Keep a batch of names."""
        self._merge(
            names.accounts,
            self._org_codes(names.orgs),
            _seconds(names.first_seen),
            _seconds(names.created),
            names.id_lengths,
            names.ids.tobytes(),
        )

    def erase(self, accounts: set[int]) -> None:
        """Erase the names of some accounts."""
        keep = ~np.isin(self._fps, np.array(sorted(accounts), np.uint64))
        if not keep.all():
            self._keep(keep)

    def find(self, account: int) -> Name | None:
        """The account's name, or None where it is not known (yet, or any more)."""
        row = int(np.searchsorted(self._fps, np.uint64(account)))
        if row == len(self._fps) or int(self._fps[row]) != account:
            return None
        start = int(self._starts[row])
        text = self._ids[start : start + int(self._lengths[row])].decode("utf-8", "replace")
        return Name(
            text,
            self._org_values[int(self._orgs[row])],
            int(self._seen[row]) * SECOND_MS or -1,
            int(self._created[row]) * SECOND_MS or -1,
        )

    def of_organisations(self, orgs: frozenset[int]) -> set[int]:
        """The accounts of some organisations, by fingerprint."""
        codes = [self._org_rows[org] for org in orgs if org and org in self._org_rows]
        if not codes:
            return set()
        mine = self._orgs == codes[0] if len(codes) == 1 else np.isin(self._orgs, codes)
        accounts: list[int] = self._fps[mine].tolist()
        return set(accounts)

    def _org_codes(self, orgs: NDArray[np.uint64]) -> NDArray[np.uint32]:
        values, places = np.unique(orgs, return_inverse=True)
        codes = np.empty(len(values), np.uint32)
        for i, value in enumerate(values.tolist()):
            codes[i] = self._org_rows.setdefault(value, len(self._org_values))
            if codes[i] == len(self._org_values):
                self._org_values.append(value)
        return codes[places]

    def _merge(  # columns are many
        self,
        fps: NDArray[np.uint64],
        orgs: NDArray[np.uint32],
        seen: NDArray[np.uint32],
        created: NDArray[np.uint32],
        lengths: NDArray[np.uint16],
        ids: bytes,
    ) -> None:
        ends = np.cumsum(lengths, dtype=np.int64)
        starts = (ends - lengths + len(self._ids)).astype(np.uint32)
        self._ids += ids
        every = np.concatenate((self._fps, fps))
        order = np.argsort(every, kind="stable")  # of equal fingerprints the newest stands last
        every = every[order]
        last = np.ones(len(every), bool)
        last[:-1] = every[1:] != every[:-1]
        keep = order[last]
        self._fps = every[last]
        del every, order
        # One column after another, so that only one is ever held twice.
        self._orgs = np.concatenate((self._orgs, orgs))[keep]
        self._seen = np.concatenate((self._seen, seen))[keep]
        self._created = np.concatenate((self._created, created))[keep]
        self._starts = np.concatenate((self._starts, starts))[keep]
        self._lengths = np.concatenate((self._lengths, lengths))[keep]
        if len(self._fps) > self.capacity or len(self._ids) > self.capacity * _ID_BYTES:
            self._evict()
        self._forget_organisations()

    def _forget_organisations(self) -> None:
        """Forget the organisations that no account is in any more, once they are half of all."""
        if len(self._org_values) <= 2 * len(self._fps) + _FEW_ORGS:
            return
        used, self._orgs = _renumbered(self._orgs)
        self._org_values = [self._org_values[row] for row in used]
        self._org_rows = {value: row for row, value in enumerate(self._org_values)}

    def _evict(self) -> None:
        excess = max(0, len(self._fps) - self.capacity) + max(1, self.capacity // 10)
        keep = np.ones(len(self._fps), bool)
        keep[np.lexsort((self._fps, self._seen))[:excess]] = False
        self.evicted += int(len(keep) - keep.sum())
        self._keep(keep)

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        """Keep some rows, and the ids of no other."""
        self._fps, self._orgs = self._fps[keep], self._orgs[keep]
        self._seen, self._created = self._seen[keep], self._created[keep]
        self._lengths = self._lengths[keep]
        arena = np.frombuffer(bytes(self._ids), np.uint8)
        lengths = self._lengths.astype(np.int64)
        # The ids of what went, and of what was named anew, go too.
        self._ids = bytearray(packed(self._starts[keep], lengths, arena).tobytes())
        self._starts = (np.cumsum(lengths) - lengths).astype(np.uint32)


def _renumbered(codes: NDArray[np.uint32]) -> tuple[list[int], NDArray[np.uint32]]:
    """The codes in use, 0 ("none") first, and each as its place among them (uint32, n)."""
    used = np.union1d(codes, [0])
    places = np.searchsorted(used, codes).astype(np.uint32)
    return used.tolist(), places


def _seconds(ms: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Whole seconds since epoch in 4 bytes, good until 2106; 0 is "not known"."""
    return np.clip(ms // SECOND_MS, 0, 0xFFFFFFFF).astype(np.uint32)
