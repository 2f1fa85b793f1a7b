"""A chunk on its way through Faust: as it was fetched, and as the message that agents get."""

from __future__ import annotations

from typing import Any, NamedTuple

from faust.types.tuples import ConsumerMessage

from streams.bulk.chunks import Chunk
from streams.bulk.ledger import Delivery, Ledger


class ChunkMessage(ConsumerMessage):
    """A Faust message whose value is a chunk; to acknowledge it is to mark its delivery.

    Faust's compiled stream sets `acked` itself without calling the consumer, hence a property.
    """

    __slots__ = ("delivery",)

    def __init__(self, delivery: Delivery, *args: Any, **kwargs: Any) -> None:
        self.delivery = delivery
        super().__init__(*args, **kwargs)

    @property
    def acked(self) -> bool:
        """Whether all streams that got the chunk are done with it."""
        return self.delivery.acked

    @acked.setter
    def acked(self, acked: bool) -> None:
        if acked:  # the base class begins by setting it to False
            self.delivery.acked = True


class Fetched(NamedTuple):
    """A chunk together with the stretch of reading it belongs to."""

    ledger: Ledger
    chunk: Chunk
