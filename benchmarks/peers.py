"""What the worker is compared with, each as a process of its own that prints one JSON line.

    python benchmarks/peers.py plain-faust --broker HOST:PORT --topic T --events N
    python benchmarks/peers.py consume --broker HOST:PORT --topic T --events N

`plain-faust`: the agent that Faust's own documentation would have you write: one windowed count
per account in a table, one event at a time. `consume`: aiokafka's `getmany` and a typed decode of
eleven properties with msgspec, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time

import msgspec


class Event(msgspec.Struct, gc=False):
    """The eleven properties that a bare loop decodes."""

    event_id: str
    event_time: int
    account_id: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    payment_fp: str | None = None
    device_fp: str | None = None
    ip_prefix_fp: str | None = None
    template_fp: str | None = None
    status: int | None = None


async def consume(broker: str, topic: str, events: int) -> None:
    """Fetch and decode, as fast as one core can."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # a seek right after the start may find no partition yet
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    decode = msgspec.json.Decoder(Event).decode
    tokens = count = 0
    started, busy = 0.0, 0.0
    while count < events:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=2000)
        if not started:
            started, busy = time.perf_counter(), time.process_time()
        for records in fetched.values():
            for record in records:
                tokens += decode(record.value).output_tokens or 0
            count += len(records)
    report(count, time.perf_counter() - started, time.process_time() - busy)
    await consumer.stop()


async def plain_faust(broker: str, topic: str, events: int) -> None:
    """One windowed count per account in a table, as in Faust's introduction."""
    import faust

    app = faust.App(
        f"hydrawatch-bench-plain-{int(time.time())}",
        broker=f"aiokafka://{broker}",
        store="memory://",
        value_serializer="json",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        web_enabled=False,
        broker_session_timeout=6.0,  # the embedded broker lets a member wait half of it to join
        broker_heartbeat_interval=2.0,
        topic_partitions=4,
    )
    requests = app.topic(topic, key_type=bytes, value_serializer="json")
    counts = app.Table("counts", default=int, partitions=4).tumbling(60.0)
    done = asyncio.Event()
    state = {"count": 0, "started": 0.0, "busy": 0.0}

    async def count(stream):
        async for event in stream:
            if not state["count"]:
                state["started"], state["busy"] = time.perf_counter(), time.process_time()
            counts[event["account_id"]] += 1
            state["count"] += 1
            if state["count"] == events:
                report(
                    events,
                    time.perf_counter() - state["started"],
                    time.process_time() - state["busy"],
                )
                done.set()

    app.agent(requests)(count)
    await app.start()
    await asyncio.wait_for(done.wait(), 120)
    os._exit(0)  # stopping would wait for a buffer of a million events to drain


def report(events: int, seconds: float, cpu: float) -> None:
    """One line for the caller."""
    print(json.dumps({"events": events, "seconds": seconds, "cpu_seconds": cpu}), flush=True)


def main() -> None:
    """Parse the command line and run the peer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", choices=["plain-faust", "consume"])
    parser.add_argument("--broker", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--events", type=int, required=True)
    given = parser.parse_args()
    peer = plain_faust if given.peer == "plain-faust" else consume
    asyncio.run(peer(given.broker, given.topic, given.events))


if __name__ == "__main__":
    main()
