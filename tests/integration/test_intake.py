"""The intake as it runs: commands on a broker, over HTTP and from a topic, with a directory."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from hydrawatch.fingerprints import Keys
from streams.kafka.embedded_broker import free_port
from streams.settings.settings import Settings
from tests.integration.watched import Watched
from tests.integration.workers import HYDRAWATCH, environment, hydrawatch, stage
from worlds import litellm

pytestmark = pytest.mark.broker

KEY = "a key that nobody else has"
KEYS = Keys(KEY.encode(), 1)
TOKEN = "a token that is long enough"
NOW_MS = time.time_ns() // 1_000_000
SOURCE = "gateway-logs"


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with stage(3) as made:
        yield made


def record(number: int, account: str = "u-1", **changes: Any) -> bytes:
    event = {
        "event_id": f"e-{number}",
        "event_time": NOW_MS - 60_000 + number,
        "account_id": account,
        "model": "large-5",
        "input_tokens": 10,
        "output_tokens": 20,
        **changes,
    }
    return json.dumps(litellm.record(event)).encode()


@contextmanager
def intake(settings: Settings, *arguments: str) -> Iterator[tuple[Watched, int]]:
    """An intake process that is ready, and its port; stopped in good order at the end."""
    port, metrics = free_port(), free_port()
    own = {
        "HYDRAWATCH_INTAKE_KEY": KEY,
        "HYDRAWATCH_INTAKE_TOKEN": TOKEN,
        "HYDRAWATCH_INTAKE_PORT": str(port),
        "HYDRAWATCH_METRICS_PORT": str(metrics),
    }
    process = subprocess.Popen(
        [str(HYDRAWATCH), "intake", *arguments], env=environment(settings) | own
    )
    try:
        watched = Watched(process, metrics)
        watched.until("not ready", lambda: not watched.reasons())
        yield watched, port
        if process.poll() is None:  # the test has not killed it
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def post(port: int, body: bytes) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/ingest/litellm",
        body,
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        said: dict[str, Any] = json.loads(answer.read())
    return said


def on_topic(settings: Settings, topic: str, accounts: Sequence[str] = ()) -> list[Any]:
    """What a topic holds now, of these accounts if any are given."""
    keys = {KEYS.digest("account", account).encode() for account in accounts}
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=settings.broker,
        auto_offset_reset="earliest",
        consumer_timeout_ms=3000,
        enable_auto_commit=False,
    )
    found = [one for one in consumer if not keys or one.key in keys]
    consumer.close()
    return found


def produce(settings: Settings, topic: str, values: Sequence[bytes | None]) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.broker)
    for value in values:
        producer.send(topic, value, b"k")
    producer.flush()
    producer.close()


def test_what_was_answered_is_on_the_topic_where_its_account_belongs(settings: Settings) -> None:
    with intake(settings, "serve") as (watched, port):
        said = post(port, b"\n".join([record(1, "u-http"), b"{", record(2, "u-http")]))
        assert (said["accepted"], said["refused"]) == (2, {"unreadable": 1})
        found = on_topic(settings, settings.requests_topic, ["u-http"])
        assert [json.loads(one.value)["event_id"] for one in found] == ["e-1", "e-2"]
        assert len({one.partition for one in found}) == 1
        assert watched.total("hydrawatch_intake_events_total", format="litellm") == 2
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/ingest/litellm", b"{}")
        assert refused.value.code == 401


def test_a_directory_on_the_topic_is_joined_from_the_next_request_on_and_forgotten_again(
    settings: Settings, tmp_path: Any
) -> None:
    accounts = tmp_path / "accounts.jsonl"

    def tell(*arguments: str) -> dict[str, Any]:
        done = hydrawatch(
            settings,
            *("intake", "directory", *arguments, "--to-topic", "--digest-ids", "--json"),
            HYDRAWATCH_INTAKE_KEY=KEY,
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def said_of(number: int, port: int, account: str) -> dict[str, Any]:
        post(port, record(number, account))
        (found,) = (
            event
            for one in on_topic(settings, settings.requests_topic, [account])
            if (event := json.loads(one.value))["event_id"] == f"e-{number}"
        )
        return dict(found)

    accounts.write_text(json.dumps({"account_id": "u-dir", "account_tier": "free"}))
    assert tell(str(accounts))["sent"] == 1
    with intake(settings, "serve", "--directory-topic") as (watched, port):
        assert said_of(11, port, "u-dir")["account_tier"] == "free"
        assert "account_tier" not in said_of(12, port, "u-nobody")
        assert watched.total("hydrawatch_intake_unknown_accounts_total") == 1
        accounts.write_text(
            "\n".join(
                json.dumps({"account_id": name, "account_tier": "paid", "payment_fp": "a card"})
                for name in ("u-dir", "u-other")
            )
        )
        tell(str(accounts))
        watched.comes_to("hydrawatch_intake_directory_accounts", 2)
        told = said_of(13, port, "u-dir")
        assert told["account_tier"] == "paid"
        assert told["payment_fp"] == KEYS.digest("payment", "a card")
        tell("--forget", "u-dir")
        watched.comes_to("hydrawatch_intake_directory_accounts", 1)
        assert "account_tier" not in said_of(14, port, "u-dir")


def test_a_topic_becomes_request_events_and_what_cannot_be_read_is_told_without_its_content(
    settings: Settings,
) -> None:
    secret = b"a prompt that nobody may see"
    produce(settings, SOURCE, [record(21, "u-topic"), secret, None, record(22, "u-topic")])
    arguments = ("topic", "--from", SOURCE, "--format", "litellm")
    with intake(settings, *arguments) as (watched, _):
        watched.comes_to("hydrawatch_intake_events_total", 2)
        watched.comes_to("hydrawatch_intake_lag_records", 0)
        watched.comes_to("hydrawatch_intake_dead_letters_total", 2)
    found = on_topic(settings, settings.requests_topic, ["u-topic"])
    assert [json.loads(one.value)["event_id"] for one in found] == ["e-21", "e-22"]
    letters = [
        one
        for one in on_topic(settings, settings.dead_letters_topic)
        if dict(one.headers).get("hydrawatch.error.topic") == SOURCE.encode()
    ]
    offsets = {dict(one.headers)["hydrawatch.error.offset"] for one in letters}
    assert (len(letters), offsets) == (2, {b"1", b"2"})
    assert all(not one.value and not one.key for one in letters)
    assert secret not in str(letters).encode()
    # What was committed is not read again; what comes is.
    produce(settings, SOURCE, [record(23, "u-topic")])
    with intake(settings, *arguments) as (watched, _):
        watched.comes_to("hydrawatch_intake_events_total", 1)
    found = on_topic(settings, settings.requests_topic, ["u-topic"])
    assert [json.loads(one.value)["event_id"] for one in found] == ["e-21", "e-22", "e-23"]


def test_what_was_not_committed_is_read_again_and_has_the_same_ids(settings: Settings) -> None:
    source = "killed-logs"
    produce(settings, source, [record(n, "u-killed") for n in range(300)])
    arguments = ("topic", "--from", source, "--format", "litellm")
    with intake(settings, *arguments) as (watched, _):
        watched.comes_to("hydrawatch_intake_events_total", 300)
        watched.process.kill()
        watched.process.wait()
    with intake(settings, *arguments) as (watched, _):
        watched.until("nothing", lambda: watched.total("hydrawatch_intake_ready") == 1)
        produce(settings, source, [record(300, "u-killed")])
        watched.until("not all", lambda: watched.total("hydrawatch_intake_events_total") >= 1)
        watched.comes_to("hydrawatch_intake_lag_records", 0)
    found = on_topic(settings, settings.requests_topic, ["u-killed"])
    assert {json.loads(one.value)["event_id"] for one in found} == {f"e-{n}" for n in range(301)}


def test_it_does_not_start_where_anybody_could_write_or_a_topic_is_its_own(
    settings: Settings,
) -> None:
    done = hydrawatch(
        settings, "intake", "serve", HYDRAWATCH_INTAKE_KEY=KEY, HYDRAWATCH_INTAKE_HOST="0.0.0.0"
    )
    assert done.returncode == 2
    assert "HYDRAWATCH_INTAKE_TOKEN" in done.stderr
    done = hydrawatch(settings, "intake", "serve")
    assert done.returncode == 2
    assert "HYDRAWATCH_INTAKE_KEY" in done.stderr
    own = ("topic", "--from", settings.requests_topic, "--format", "litellm")
    done = hydrawatch(settings, "intake", *own, HYDRAWATCH_INTAKE_KEY=KEY)
    assert done.returncode == 2
    assert "hydrawatch's own" in done.stderr
