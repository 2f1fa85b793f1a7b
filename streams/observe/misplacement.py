"""How many requests come in a partition that their accounts do not belong in, lately."""

from __future__ import annotations

from collections.abc import Iterable

from streams.topics.partitioners import MEND

LATELY = 10_000  # requests over which a share is taken; those before weigh half, and so on
ENOUGH = 100
WORTH_A_WORD = 0.01


class Misplacement:
    """Requests of one partition, and those among them that belong elsewhere; old ones fade."""

    def __init__(self) -> None:
        self._taken = 0
        self._elsewhere = 0

    def count(self, taken: int, elsewhere: int) -> None:
        """So many came, of which so many belong elsewhere."""
        self._taken += taken
        self._elsewhere += elsewhere
        while self._taken > 2 * LATELY:
            self._taken, self._elsewhere = self._taken // 2, self._elsewhere // 2

    @property
    def share(self) -> float:
        """The part of recent requests that belongs elsewhere; 0 while there are too few to say."""
        return self._elsewhere / self._taken if self._taken >= ENOUGH else 0.0


def notes(partitions: Iterable[Misplacement]) -> dict[str, str]:
    """What to say of a worker's partitions in /readyz; nothing where next to nothing is misplaced."""
    shares = [one.share for one in partitions]
    strange = [share for share in shares if share > WORTH_A_WORD]
    if not strange:
        return {}
    return {
        "placement": f"in {len(strange)} of {len(shares)} partitions up to {max(strange):.0%} of recent "
        f"requests are of accounts that belong in another: accounts are judged by halves. {MEND}"
    }
