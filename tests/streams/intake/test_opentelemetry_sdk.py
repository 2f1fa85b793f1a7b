"""The SDK's exporters send to the intake's own service, over HTTP, as an application would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
import uvicorn
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Tracer

from streams.intake.service import application
from tests.streams.intake.otel_samples import CHAT, CURRENT, spans_of
from tests.streams.intake.test_service import BEARER, Served, served


@contextmanager
def _listening(one: Served) -> Iterator[str]:
    """The service on a port of its own, until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(one.intake), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _make(tracer: Tracer) -> None:
    with tracer.start_as_current_span(
        "invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"}
    ):
        for name in ("ann", "bob"):
            tracer.start_span("chat", attributes=CURRENT | {"user.id": name}).end()
        tracer.start_span("chat", attributes=CHAT).end()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_that_the_sdk_sends_are_events_of_their_accounts(compression: Compression) -> None:
    one = served()
    with _listening(one) as url:
        exporter = OTLPSpanExporter(f"{url}/v1/traces", headers=BEARER, compression=compression)
        assert exporter.export(spans_of(_make)) is SpanExportResult.SUCCESS
        exporter.shutdown()
    assert len({event.key for event in one.kept.events}) == 2
    assert [orjson.loads(event.value)["input_tokens"] for event in one.kept.events] == [812, 812]
    assert one.count("passed_over_total", format="otel_spans", reason="nameless") == 1


def test_log_records_that_the_sdk_sends_are_events() -> None:
    one = served()
    with _listening(one) as url:
        provider = LoggerProvider()
        exporter = OTLPLogExporter(f"{url}/v1/logs", headers=BEARER)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("samples").emit(
            LogRecord(
                timestamp=1_777_026_031_000_000_000,
                event_name="gen_ai.client.inference.operation.details",
                attributes=CURRENT | {"user.id": "ann"},
            )
        )
        provider.shutdown()
    assert len(one.kept.events) == 1


def test_an_exporter_without_the_token_is_told_so_and_does_not_go_on_trying() -> None:
    one = served()
    with _listening(one) as url:
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=5)
        assert exporter.export(spans_of(_make)) is SpanExportResult.FAILURE
        exporter.shutdown()
    assert one.kept.events == []
