"""What the intake answers over HTTP, asked of the application itself; the broker's end is a list."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from hydrawatch.fingerprints import Keys
from streams.intake.admission import Tokens
from streams.intake.convert import Converter
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.outcome import Event
from streams.intake.service import Intake, Limits, application
from streams.kafka.connection import BrokerError
from worlds import litellm

TOKEN = "a token that is long enough"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOW = 1_777_026_099_000
EVENT = {
    "event_id": "e-1",
    "event_time": 1_777_026_031_000,
    "account_id": "u-17",
    "model": "large-5",
    "input_tokens": 912,
    "output_tokens": 1480,
}


@dataclass
class Kept:
    """A broker's end that keeps what it is given, and does as it is told."""

    events: list[Event] = field(default_factory=list)
    in_flight_bytes: int = 0
    waits: float = 0.0
    refuses: str = ""
    hangs: bool = False

    async def put(self, events: Iterable[Event]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            raise BrokerError(self.refuses)
        self.events += events

    def waits_s(self) -> float:
        return self.waits


@dataclass
class Served:
    """An application, what it gave to its broker, and its metrics."""

    kept: Kept
    intake: Intake
    client: httpx.AsyncClient

    def count(self, name: str, **labels: str) -> float:
        return (
            self.intake.metrics.registry.get_sample_value(f"hydrawatch_intake_{name}", labels) or 0
        )


def served(
    tokens: tuple[bytes, ...] = (TOKEN.encode(),),
    body_bytes: int = 100_000,
    in_hand: int = 1_000_000,
) -> Served:
    kept = Kept()
    converter = Converter(keys=Keys(b"a key that nobody else has", 1))
    intake = Intake(
        dict.fromkeys(("litellm", "otel_spans", "otel_logs"), converter),
        kept,  # type: ignore[arg-type]
        IntakeMetrics(),
        Limits(body_bytes, 100.0, in_hand, 0.05),
        Tokens(tokens),
        lambda: NOW,
    )
    transport = httpx.ASGITransport(application(intake))
    client = httpx.AsyncClient(transport=transport, base_url="http://intake", headers=BEARER)
    return Served(kept, intake, client)


@pytest.fixture
def one() -> Iterator[Served]:
    made = served()
    yield made
    made.intake.converting.shutdown()


def line(**changes: Any) -> bytes:
    return json.dumps(litellm.record({**EVENT, **changes})).encode()


async def post(one: Served, body: bytes, **headers: str) -> httpx.Response:
    return await one.client.post("/v1/ingest/litellm", content=body, headers=headers)


async def test_records_are_answered_with_what_became_of_each_and_bad_ones_cost_nothing_else(
    one: Served,
) -> None:
    body = b"\n".join([line(), b"{nonsense", line(event_id="e-2"), line(model=None)])
    answer = await post(one, body)
    assert answer.status_code == 200
    said = answer.json()
    assert said["accepted"] == 2
    assert sum(said["refused"].values()) == 2
    assert [refused["position"] for refused in said["first_refused"]] == [1, 3]
    events = [json.loads(event.value) for event in one.kept.events]
    assert [event["event_id"] for event in events] == ["e-1", "e-2"]
    assert "u-17" not in answer.text + str(one.kept.events)
    assert one.count("records_total", format="litellm") == 4
    assert one.count("events_total", format="litellm") == 2


async def test_the_same_body_sent_again_makes_the_same_events(one: Served) -> None:
    for _ in range(2):
        assert (await post(one, line())).status_code == 200
    first, again = one.kept.events
    assert first == again


async def test_a_request_without_an_account_is_counted_and_no_event(one: Served) -> None:
    answer = await post(one, line(account_id=None))
    assert answer.status_code == 200
    assert answer.json()["passed_over"] == {"nameless": 1}
    assert not one.kept.events
    assert one.count("nameless_total", format="litellm") == 1


async def test_gzip_is_unpacked_and_a_damaged_body_is_refused_for_good(one: Served) -> None:
    packed = gzip.compress(line())
    answer = await post(one, packed, **{"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 1
    answer = await post(one, packed[:-9], **{"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.json()["refused"] == {"unreadable": 1}


@pytest.mark.parametrize("token", ["", "Bearer of another", f"Basic {TOKEN}"])
async def test_without_a_token_nothing_is_read(one: Served, token: str) -> None:
    answer = await post(one, line(), Authorization=token)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Retry-After" not in answer.headers
    assert not one.kept.events


async def test_what_no_retry_mends_is_a_4xx_without_a_time_to_come_again(one: Served) -> None:
    unknown = await one.client.post("/v1/ingest/somebody", content=line())
    assert (unknown.status_code, "litellm" in unknown.text) == (404, True)
    too_long = await post(one, b"x" * 100_001)
    assert too_long.status_code == 413
    bomb = await post(one, gzip.compress(bytes(200_000)), **{"Content-Encoding": "gzip"})
    assert bomb.status_code == 413
    packed_otherwise = await post(one, line(), **{"Content-Encoding": "br"})
    assert packed_otherwise.status_code == 415
    for answer in (unknown, too_long, bomb, packed_otherwise):
        assert "Retry-After" not in answer.headers


async def test_a_body_without_a_length_is_cut_off_where_it_is_too_long(one: Served) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 10_000

    answer = await one.client.post("/v1/ingest/litellm", content=endless())
    assert answer.status_code == 413
    assert one.intake.in_hand.held == 0


async def test_who_sends_too_much_waits_and_nobody_else_does() -> None:
    one = served(tokens=(TOKEN.encode(), b"another token of somebody"))
    one.intake.rates._most = one.intake.rates._per_s = 2.0
    for _ in range(2):
        assert (await post(one, line())).status_code == 200
    answer = await post(one, line())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    other = await post(one, line(), Authorization="Bearer another token of somebody")
    assert other.status_code == 200
    one.intake.converting.shutdown()


async def test_what_is_in_flight_pushes_back_with_429(one: Served) -> None:
    one.kept.in_flight_bytes = 1_000_000
    answer = await post(one, line())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    one.kept.in_flight_bytes = 0
    assert (await post(one, line())).status_code == 200


async def test_a_broker_that_is_away_is_503_and_nothing_is_said_to_be_there(one: Served) -> None:
    one.kept.hangs = True
    answer = await post(one, line())
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    one.kept.hangs, one.kept.waits = False, 60.0
    answer = await post(one, line())
    assert answer.status_code == 503
    one.kept.waits, one.kept.refuses = 0.0, "the broker does not take it"
    answer = await post(one, line())
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert one.count("events_total", format="litellm") == 0
    assert one.count("answers_total", status="503") == 3
    assert one.intake.in_hand.held == 0


async def test_spans_are_taken_in_both_encodings_and_answered_in_their_own(one: Served) -> None:
    protobuf = await one.client.post(
        "/v1/traces", content=b"", headers={"Content-Type": "application/x-protobuf"}
    )
    assert protobuf.status_code == 200
    assert protobuf.headers["Content-Type"] == "application/x-protobuf"
    ExportTraceServiceResponse.FromString(protobuf.content)
    said = await one.client.post(
        "/v1/traces",
        content=b'{"resourceSpans":[]}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert (said.status_code, said.json()) == (200, {})


async def test_what_is_no_otlp_is_a_400_and_an_unknown_content_type_a_415(one: Served) -> None:
    bad = await one.client.post(
        "/v1/traces", content=b"\xff\xff\xff", headers={"Content-Type": "application/x-protobuf"}
    )
    assert bad.status_code == 400
    other = await one.client.post("/v1/logs", content=b"x", headers={"Content-Type": "text/plain"})
    assert other.status_code == 415
    assert set(other.json()) == {"code", "message"}


async def test_no_label_is_what_a_client_chose(one: Served) -> None:
    for n in range(5):
        await one.client.post(f"/v1/ingest/made-up-{n}", content=line())
    labels = {
        value
        for family in one.intake.metrics.registry.collect()
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert not any("made-up" in value for value in labels)


async def test_a_fault_of_ours_costs_the_body_and_makes_nobody_send_it_again(
    one: Served, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def convert(self, name: str, body: bytes, *, received_ms: int) -> None:
            raise RecursionError(body.decode())

    one.intake.converters = {"litellm": Broken()}  # type: ignore[dict-item]
    answer = await post(one, b"a prompt that nobody may see")
    assert (answer.status_code, answer.json()["refused"]) == (200, {"failed": 1})
    assert "nobody may see" not in answer.text + caplog.text
