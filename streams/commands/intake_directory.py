"""`hydrawatch intake directory`: what is known of accounts, checked, and onto the topic that is followed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from detectors.errors import ConfigError
from hydrawatch.fingerprints import Keys
from streams.commands.intake_options import keys_of
from streams.intake.directory import PROPERTIES, Directory, accounts_in
from streams.kafka.producers import brief_producer
from streams.settings.settings import Settings
from streams.terminal import console, indented
from streams.topics.status import partition_count

BATCH = 2000  # records under way


def run(
    settings: Settings,
    file: str | None,
    to_topic: bool,
    forget: list[str],
    digest_ids: bool,
    as_json: bool,
) -> int:
    """Read the file and produce it if asked to; 0. Raises ConfigError, BrokerError."""
    if file is None and not forget:
        raise ConfigError("give a FILE, or --forget ACCOUNT")
    if forget and not to_topic:
        raise ConfigError("--forget writes to the topic: add --to-topic")
    keys = keys_of(settings) if digest_ids else None
    checked = Directory()
    # The whole file is looked at before anything is sent: half a directory is none.
    count = sum(1 for _ in _records(file, keys, checked)) if file else 0
    sent = 0
    if to_topic:
        partition_count(settings, settings.accounts_topic)
        gone = [keys.digest("account", one) if keys else one for one in forget]
        sent = asyncio.run(_produce(settings, _records(file, keys, Directory()), gone))
    said: dict[str, Any] = {
        "records": count,
        "accounts": len(checked),
        "unusable_properties": dict(checked.unusable),
        "sent": sent,
        "topic": settings.accounts_topic if to_topic else None,
    }
    if as_json:
        indented(said)
        return 0
    out = console(soft_wrap=True)
    out.print(f"{count:,} records of {len(checked):,} accounts")
    for name, times in sorted(checked.unusable.items()):
        out.print(f"{name}: not valid in {times:,} records, which is as if it were not known")
    if to_topic:
        out.print(f"{sent:,} records sent to {settings.accounts_topic}")
    return 0


def _records(
    file: str | None, keys: Keys | None, checked: Directory
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Account and record, each checked. ConfigError for one that is none."""
    for number, account, record in accounts_in(file, keys) if file else ():
        if problem := checked.apply(account, record):
            raise ConfigError(f"{file}, record {number:,}: {problem}")
        yield account, record


async def _produce(
    settings: Settings, records: Iterable[tuple[str, dict[str, Any]]], gone: list[str]
) -> int:
    """Send all, each account's in order; returns how many."""
    sent = 0
    under_way: list[Any] = []
    async with brief_producer(
        settings, client_id="hydrawatch-directory", linger_ms=20, request_timeout_ms=30_000
    ) as producer:
        topic = settings.accounts_topic
        said = ((account, _known(record)) for account, record in records)
        for account, value in itertools.chain(said, ((account, None) for account in gone)):
            under_way.append(await producer.send(topic, value, account.encode()))
            sent += 1
            if len(under_way) >= BATCH:
                await _delivered(under_way)
        await _delivered(under_way)
    return sent


def _known(record: dict[str, Any]) -> bytes:
    """A record as the topic has it: what the contract names, and nothing else of the file."""
    kept = ("schema_version", "account_id", "updated_at", "id_epoch", *PROPERTIES)
    return orjson.dumps({name: record[name] for name in kept if record.get(name) is not None})


async def _delivered(under_way: list[Any]) -> None:
    for one in under_way:
        await one
    under_way.clear()
