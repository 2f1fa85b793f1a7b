"""The directory of accounts as the compacted topic has it: read to its end at the start, followed from there.

What it says holds for what is converted after it was read: an event that is on its topic stays as it is.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from streams.intake.directory import Directory, parse_line
from streams.kafka.connection import BrokerError, patiently
from streams.kafka.reader import readable_end, reader
from streams.settings.settings import Settings

log = structlog.get_logger()

PAUSE_S = 5.0
FETCH_MS = 500
FETCH_RECORDS = 5000


class DirectoryTopic:
    """Keeps a directory as the topic says. `follow` runs until cancelled; `loaded`: it may be used."""

    def __init__(self, settings: Settings, topic: str, directory: Directory) -> None:
        self._settings = settings
        self._topic = topic
        self._directory = directory
        self.loaded = asyncio.Event()
        self.unusable = 0

    async def follow(self) -> None:
        """Read it, and what comes. Raises BrokerError where the topic is missing at the start."""
        while True:
            try:
                if self.loaded.is_set():
                    await self._read()
                else:
                    await patiently(self._read, f"read {self._topic}", 60.0)
            except BrokerError as error:
                if not self.loaded.is_set():
                    raise
                # What is known of accounts still holds; it is read again from the beginning.
                log.warning("the directory is not followed just now", reason=str(error))
            await asyncio.sleep(PAUSE_S)

    async def _read(self) -> None:
        began = time.monotonic()
        async with reader(self._settings, self._topic, None, committed=True) as consumer:
            open_ones = set(consumer.assignment())
            while True:
                fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=FETCH_RECORDS)
                for records in fetched.values():
                    for record in records:
                        self._take(record)
                if self.loaded.is_set():
                    continue
                for tp in list(open_ones):
                    end = readable_end(consumer, tp, committed=True)
                    if end is not None and await consumer.position(tp) >= end:
                        open_ones.discard(tp)
                if not open_ones:
                    log.info(
                        "the directory is read",
                        accounts=len(self._directory),
                        unusable=self.unusable,
                        seconds=round(time.monotonic() - began, 1),
                    )
                    self.loaded.set()

    def _take(self, record: Any) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        said = parse_line(record.value) if record.value else None
        # Compaction goes by the key: a record that speaks of another account would outlive its own.
        if (record.value and (said is None or said.get("account_id") != key)) or (
            self._directory.apply(key, said) is not None
        ):
            self.unusable += 1
