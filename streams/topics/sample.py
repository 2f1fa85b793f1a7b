"""A look at the newest request records: how many lie where their accounts do not belong, and why."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.kafka.reader import reader
from streams.settings.settings import Settings
from streams.topics.partitioners import DEFAULTS, MEND, home, likely_client

MOST = 20_000  # records in all
PER_PARTITION = 300
PATIENCE_S = 20.0
TOLERATED = 0.01  # of the records looked at
HALF = 0.5


@dataclass(slots=True)
class Sample:
    """What was seen of one topic; partitions by number."""

    partitions: int
    looked_at: int = 0
    elsewhere: int = 0  # than murmur2 of account_id says
    without_key: int = 0
    other_key: int = 0  # than account_id
    by_partition: dict[int, tuple[int, int]] = field(default_factory=dict)  # looked at, elsewhere
    clients: Counter[str] = field(
        default_factory=Counter
    )  # of those elsewhere, whose default does so

    def take(self, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Look at a record; one whose account cannot be read says nothing."""
        account = _account(value)
        if account is None:
            return
        self.looked_at += 1
        raw = account.encode()
        if key is None:
            self.without_key += 1
        elif key != raw:
            self.other_key += 1
        strange = home(account, self.partitions) != partition
        seen, wrong = self.by_partition.get(partition, (0, 0))
        self.by_partition[partition] = seen + 1, wrong + strange
        if strange:
            self.elsewhere += 1
            client = likely_client(raw, partition, self.partitions) if key == raw else None
            if client:
                self.clients[client] += 1

    def problem(self) -> str | None:
        """What is wrong, in words, with the mend; None where next to nothing lies elsewhere."""
        if not self.looked_at or self.elsewhere <= TOLERATED * self.looked_at:
            return None
        where = ", ".join(
            f"{partition}: {wrong / seen:.0%}"
            for partition, (seen, wrong) in sorted(self.by_partition.items())[:20]
            if wrong
        )
        return (
            f"{_share(self.elsewhere, self.looked_at)} of the {self.looked_at:,} newest records looked at "
            f"lie elsewhere than murmur2 of account_id says (by partition {where}){self._why()}: an "
            f"account in two partitions is judged by halves. {MEND}"
        )

    def _why(self) -> str:
        found = []
        if self.without_key:
            found.append(f"{_share(self.without_key, self.looked_at)} have no key")
        if self.other_key:
            found.append(
                f"{_share(self.other_key, self.looked_at)} have a key other than account_id"
            )
        for client, count in self.clients.most_common(1):
            if count > HALF * self.elsewhere:
                found.append(f"they lie where {DEFAULTS[client]} puts them")
        return "".join(f"; {one}" for one in found)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}"


def _account(value: bytes | None) -> str | None:
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    account = event.get("account_id") if isinstance(event, dict) else None
    return account if isinstance(account, str) and account else None


def sample(settings: Settings, partitions: int) -> Sample:
    """Look at the newest records of each partition of the request topic. Raises BrokerError."""
    return asyncio.run(_sample(settings, partitions))


async def _sample(settings: Settings, partitions: int) -> Sample:
    seen = Sample(partitions)
    wanted = max(1, min(PER_PARTITION, MOST // partitions))
    async with (
        reader(settings, settings.requests_topic, list(range(partitions))) as consumer,
        asyncio.timeout(PATIENCE_S) as patience,
    ):
        try:
            await _take_newest(consumer, seen, wanted)
        except TimeoutError:
            if not patience.expired():
                raise
    return seen


async def _take_newest(consumer: Any, seen: Sample, wanted: int) -> None:
    tps = sorted(consumer.assignment())
    ends = await consumer.end_offsets(tps)
    begins = await consumer.beginning_offsets(tps)
    left = {}
    for tp in tps:
        if ends[tp] > begins[tp]:
            consumer.seek(tp, max(begins[tp], ends[tp] - wanted))
            left[tp] = wanted
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=500, max_records=5_000)
        for tp, records in fetched.items():
            _take(seen, tp.partition, records[: left[tp]])
            left[tp] -= len(records)
        for tp in list(left):
            if left[tp] <= 0 or await consumer.position(tp) >= ends[tp]:
                del left[tp]


def _take(seen: Sample, partition: int, records: Iterable[Any]) -> None:
    for record in records:
        seen.take(partition, record.key, record.value)
