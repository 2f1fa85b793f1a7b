"""Who did what when, taken from the stream itself: the attackers' events, each counted once.

A simulation says of each record whether it was sent for a campaign; a file does not, and which
accounts attack its truth may say only afterwards (attackers replace each other). So rows wait in an
unnamed file on disk, 20 bytes each; memory holds account ids and one batch until they are asked for.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress

import msgspec
import numpy as np
import numpy.typing as npt

from worlds.randomness import Ints

_ROW = np.dtype([("event", "<i8"), ("time", "<i8"), ("account", "<i4")])
_BATCH = 1 << 18


class _Fields(msgspec.Struct):
    event_id: str
    event_time: int
    account_id: str


@dataclass(frozen=True)
class AttackEvents:
    """Columns over the attackers' events, sorted by account, then time (event time, ms).

    `account` holds positions in `accounts`; `sent` has all records of each account, also those of a
    genuine owner or a customer, redelivered ones included.
    """

    accounts: tuple[str, ...]
    account: Ints
    time: Ints
    sent: Ints

    def __len__(self) -> int:
        """Give the number of events."""
        return len(self.time)


class Sightings:
    """Notes every event of a stream; a redelivered one is noted again and counted once."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._sent: Counter[bytes] = Counter()
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as its owner)
        self._decoder = msgspec.json.Decoder(_Fields)
        self.records = 0

    def take(
        self,
        values: Sequence[bytes],
        keys: Sequence[bytes] | None = None,
        guilty: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Note a batch of records, in detail only those sent for a campaign where that is known.

        `keys`: account ids by record; without them (a file has none) each event says its own. One
        that is no event is passed over, as the engine does.
        """
        self.records += len(values)
        if keys is not None:
            self._sent.update(keys)
        codes, decode, rows = self._codes, self._decoder.decode, []
        for value in values if guilty is None else compress(values, guilty.tolist()):
            try:
                event = decode(value)
            except msgspec.DecodeError:
                continue
            if keys is None:
                self._sent[event.account_id.encode()] += 1
            code = codes.setdefault(event.account_id, len(codes))
            # 64 bits of hash: among 10^8 events two distinct ids meet once in some thousand worlds
            rows.append((hash(event.event_id), event.event_time, code))
        self._spool.write(np.array(rows, dtype=_ROW).tobytes())

    @property
    def accounts(self) -> Collection[str]:
        """Accounts whose events were noted in detail."""
        return self._codes.keys()

    def of(self, accounts: Collection[str]) -> AttackEvents:
        """Give the events of these accounts so far."""
        names = tuple(sorted(accounts))
        place = {name: at for at, name in enumerate(names)}
        wanted = np.full(len(self._codes) + 1, -1, np.int64)
        for name, code in self._codes.items():
            wanted[code] = place.get(name, -1)
        kept = [np.empty(0, dtype=_ROW)]
        self._spool.seek(0)
        while raw := self._spool.read(_BATCH * _ROW.itemsize):
            rows = np.frombuffer(raw, dtype=_ROW)
            kept.append(rows[wanted[rows["account"]] >= 0])
        self._spool.seek(0, 2)
        found = np.concatenate(kept)
        _, once = np.unique(found["event"], return_index=True)
        account, time = wanted[found["account"][once]], found["time"][once].astype(np.int64)
        order = np.lexsort((time, account))
        sent = np.array([self._sent[name.encode()] for name in names], dtype=np.int64)
        return AttackEvents(names, account[order], time[order], sent)
