"""Records of a partition that were deleted before somebody who has yet to read them came to them."""

from __future__ import annotations

from typing import NamedTuple

from streams.bulk.chunks import Chunk


class Gone(NamedTuple):
    """Records of one partition from `first` up to `end`, without it."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def records(self) -> int:
        """How many offsets they took."""
        return self.end - self.first

    def __str__(self) -> str:
        return (
            f"{self.topic} [{self.partition}]: records {self.first} to {self.end - 1} were deleted "
            "before they were read"
        )


def gone_in(chunk: Chunk, next_offset: int) -> Gone | None:
    """What a chunk says is gone, of what a stage that goes on at `next_offset` has not taken."""
    first = max(next_offset, chunk.ends - chunk.lost)
    if not chunk.lost or first >= chunk.ends:
        return None
    return Gone(chunk.topic, chunk.partition, first, chunk.ends)


def what_follows(gone: Gone, on_loss: str) -> str:
    """What a worker that finds this does about it, by HYDRAWATCH_ON_LOSS."""
    if on_loss == "continue":
        return (
            f"a worker goes on at {gone.end} with all that it has learned, and marks the hours around it "
            "incomplete (HYDRAWATCH_ON_LOSS=continue)"
        )
    return (
        "HYDRAWATCH_ON_LOSS is stop. Set it to continue: the worker then goes on at "
        f"{gone.end} with all that it has learned, and marks the hours around it incomplete; or begin anew, "
        "see `hydrawatch state reset --help`"
    )
