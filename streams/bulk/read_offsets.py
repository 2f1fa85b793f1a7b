"""How far Faust takes a partition for read: of bulk topics it must not say."""

from __future__ import annotations

from collections import defaultdict

from faust.types import TP


class ReadOffsets(defaultdict[TP, int | None]):
    """Faust's read offsets, always unknown for bulk topics.

    Faust drops messages below the read offset, which its drain loop may set from an old message
    just after a seek: the re-read would be dropped. Stale chunks are told by their ledger.
    """

    def __init__(self, bulk: frozenset[str]) -> None:
        super().__init__(lambda: None)
        self._bulk = bulk

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._bulk else super().__getitem__(tp)
