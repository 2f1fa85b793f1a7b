"""Noticing that another worker uses this one's instance id, which nothing else would stop.

Kafka gives a static member's place to whoever joins with its id last. aiokafka 0.14 sends heartbeats
without the id, so that the one put out is not told to end but joins again: both then take
themselves for the owner of the same partitions, in turns, for ever. A member that is assigned
partitions again in a generation that it has been in already was put out by such a duplicate; whoever
leaves for another reason comes back in a new generation.
"""

from __future__ import annotations

from detectors.errors import ConfigError

# One may be a predecessor that had not ended when this one started.
MOST_REPEATS = 2


class DuplicateInstance:
    """Counts the assignments of one worker within a generation."""

    def __init__(self, instance_id: str | None) -> None:
        self._instance_id = instance_id
        self._generation = -1
        self._repeats = 0

    def assigned(self, generation: int) -> None:
        """Note an assignment. Raises ConfigError if another worker must have the same id."""
        self._repeats = self._repeats + 1 if generation == self._generation else 0
        self._generation = generation
        if self._instance_id is not None and self._repeats > MOST_REPEATS:
            raise ConfigError(
                f"HYDRAWATCH_INSTANCE_ID = {self._instance_id!r} is another worker's as well, and "
                "both take the same partitions in turns; give each worker a name of its own"
            )
