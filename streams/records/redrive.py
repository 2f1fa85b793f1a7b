"""Dead letters on their way back to the topic they came from, once what was wrong is mended.

What goes back is what this version can read: the rest would only come aside again. Key and value are
as they came, and so is the partition. The letters are read twice, first to count and then to send up
to where the first reading ended, so that a letter that comes aside again is not sent in a circle.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from detectors.config import Loaded
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.decode.decoder import Decoder
from detectors.errors import ConfigError
from detectors.interface.clock import MINUTE_MS
from streams.kafka.producers import brief_producer
from streams.kafka.reader import read_all
from streams.settings.settings import Settings
from streams.stages.dead_letters import HEADER

BATCH = 1_000  # letters decoded at once
REQUEST_BYTES = 8 << 20  # a letter may be as large as its topic takes

Fate = Literal["ready", "late", "cut", "refused", "foreign", "repeated"]
FATES: tuple[Fate, ...] = ("ready", "late", "cut", "refused", "foreign", "repeated")
SENT_BACK = frozenset({"ready", "late"})


class Wanted(NamedTuple):
    """Which letters: of these classes (none: of any), and set aside at or after `since` (ms)."""

    reasons: frozenset[str] = frozenset()
    since: int = 0


class Letter(NamedTuple):
    """One dead letter, and where it came from."""

    key: bytes | None
    value: bytes | None
    reason: str
    topic: str
    partition: int
    offset: int
    cut: bool

    @property
    def identity(self) -> bytes:
        """Tells letters apart: where they came from, and a digest of what they hold.

        The place alone does not: offsets begin again in a topic that is made anew.
        """
        whole = msgspec.msgpack.encode(self._replace(reason=""))
        return hashlib.blake2b(whole, digest_size=16).digest()


class Count(msgspec.Struct):
    """What is to become of the letters that were asked for, and how many were sent.

    `ready` and `late` (behind the allowed lateness by the clock: they change no closed window) go
    back. `cut` letters are not whole, `refused` ones this version cannot read either, `foreign` ones
    are from no topic that these settings read, `repeated` ones were set aside more than once.
    """

    fates: dict[Fate, int]
    reasons: dict[str, int]
    sent: int = 0

    @property
    def left_behind(self) -> int:
        """Letters that were asked for and cannot go back."""
        return self.fates["cut"] + self.fates["refused"] + self.fates["foreign"]


async def redrive(settings: Settings, loaded: Loaded, wanted: Wanted, *, send: bool) -> Count:
    """Count the letters, and send back those that can go if `send`. Raises BrokerError."""
    reader = _Reader(settings, loaded, wanted)
    count = Count(dict.fromkeys(FATES, 0), {})
    reasons: Counter[str] = Counter()
    async for letter, fate in reader.letters():
        count.fates[fate] += 1
        reasons[letter.reason] += 1
    count.reasons = dict(sorted(reasons.items()))
    if not send or not count.fates["ready"] + count.fates["late"]:
        return count
    async with brief_producer(
        settings, client_id="hydrawatch-redrive", max_request_size=REQUEST_BYTES
    ) as producer:
        in_flight = []
        async for letter, fate in reader.letters():
            if fate not in SENT_BACK:
                continue
            in_flight.append(
                await producer.send(
                    letter.topic, letter.value, key=letter.key, partition=letter.partition
                )
            )
            if len(in_flight) >= BATCH:
                count.sent += await _delivered(in_flight)
        count.sent += await _delivered(in_flight)
    return count


def since_ms(text: str) -> int:
    """A time as people write it: ISO 8601 (UTC where no zone is given), or ms since epoch.

    Raises ConfigError.
    """
    from datetime import UTC, datetime

    if text.isdecimal():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--since is {text!r}; it takes a time such as 2026-05-01T12:00, or ms since 1970 UTC"
        ) from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


async def _delivered(in_flight: list[Any]) -> int:
    for one in in_flight:
        await one
    count = len(in_flight)
    in_flight.clear()
    return count


class _Reader:
    """Reads the letters, as often as asked, up to where the first reading ended."""

    def __init__(self, settings: Settings, loaded: Loaded, wanted: Wanted) -> None:
        engine = loaded.config.engine
        self._settings = settings
        self._wanted = wanted
        self._decoder = Decoder(settings.hash_key_bytes(), engine.future_minutes * MINUTE_MS)
        self._lateness = engine.allowed_lateness_minutes * MINUTE_MS
        self._ends: dict[int, int] | None = None

    async def letters(self) -> AsyncIterator[tuple[Letter, Fate]]:
        """Every letter that is wanted, with its fate."""
        ends, known = {}, self._ends
        seen: set[bytes] = set()
        batch: list[Letter] = []
        topic = self._settings.dead_letters_topic
        async for record in read_all(self._settings, topic, None, committed=True):
            ends[record.partition] = record.offset
            if known is not None and record.offset > known.get(record.partition, -1):
                continue
            letter = _letter(record)
            if not self._is_wanted(letter, record.timestamp):
                continue
            if (identity := letter.identity) in seen:
                # Who reads requests again after a crash sets the same ones aside again.
                yield letter, "repeated"
                continue
            seen.add(identity)
            batch.append(letter)
            if len(batch) == BATCH:
                for one in self._judged(batch):
                    yield one
                batch = []
        for one in self._judged(batch):
            yield one
        self._ends = self._ends or ends

    def _is_wanted(self, letter: Letter, timestamp: int) -> bool:
        reasons = self._wanted.reasons
        return timestamp >= self._wanted.since and (not reasons or letter.reason in reasons)

    def _judged(self, letters: list[Letter]) -> list[tuple[Letter, Fate]]:
        """The letters and their fates, in order."""
        now = time.time_ns() // 1_000_000
        requests_topic = self._settings.requests_topic
        requests = [one for one in letters if one.topic == requests_topic]
        decoded = self._decoder.decode(
            [one.value for one in requests], np.full(len(requests), now, np.int64)
        )
        refused = {rejected.row for rejected in decoded.rejected}
        times = iter(decoded.events["event_time"].tolist())
        read = iter([None if row in refused else next(times) for row in range(len(requests))])
        when = [next(read) if one.topic == requests_topic else None for one in letters]
        return [(one, self._fate(one, at, now)) for one, at in zip(letters, when, strict=True)]

    def _fate(self, letter: Letter, event_time: int | None, now: int) -> Fate:
        if letter.cut:
            return "cut"
        if letter.topic == self._settings.control_topic:
            return (
                "ready"
                if isinstance(decode_control(letter.value, now), ControlEvent)
                else "refused"
            )
        if letter.topic != self._settings.requests_topic:
            return "foreign"
        if event_time is None:
            return "refused"
        return "late" if event_time < now - self._lateness else "ready"


def _letter(record: Any) -> Letter:
    headers = {
        name.removeprefix(HEADER): (value or b"").decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(HEADER)
    }
    place = [headers.get(name, "") for name in ("partition", "offset")]
    partition, offset = (int(text) if text.isdecimal() else -1 for text in place)
    return Letter(
        key=record.key,
        value=record.value,
        reason=headers.get("class", ""),
        # Without a place it is no letter of ours, whatever topic it names.
        topic=headers.get("topic", "") if min(partition, offset) >= 0 else "",
        partition=partition,
        offset=offset,
        cut="key_bytes" in headers or "value_bytes" in headers,
    )
