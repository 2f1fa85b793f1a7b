"""What the real OpenTelemetry SDK sends over HTTP is read: spans, packed or not, and log records."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter
from tests.streams.intake.otel_samples import CURRENT, spans_of

KEYS = Keys(b"a key of the tests, and no other", 3)
LATER = 4_000_000_000_000
SCHEMA = Path(__file__).parents[2] / "contract" / "request-event.v1.schema.json"
VALID = Draft202012Validator(json.loads(SCHEMA.read_text()))
ASKED = {"user.id": "ann", "client.address": "192.0.2.7"}
DETAILS = "gen_ai.client.inference.operation.details"


@contextmanager
def _listening() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A server that keeps what it is sent: path, content encoding and body."""
    kept: list[tuple[str, str, bytes]] = []

    class Keeps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((self.path, self.headers.get("Content-Encoding", ""), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeps)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_the_sdk_sends_is_read(compression: Compression) -> None:
    spans = spans_of(lambda t: t.start_span("chat", attributes=CURRENT | ASKED).end())
    with _listening() as (url, kept):
        exporter = OTLPSpanExporter(f"{url}/v1/traces", compression=compression)
        exporter.export(spans)
        exporter.shutdown()
    ((path, encoding, body),) = kept
    assert path == "/v1/traces"
    outcome = Converter(keys=KEYS).convert(
        "otel_spans", body, received_ms=LATER, content_encoding=encoding
    )
    (event,) = outcome.events
    assert orjson.loads(event.value)["model"] == "large-5-2026"
    context = spans[0].get_span_context()
    assert context is not None
    assert (
        orjson.loads(event.value)["event_id"] == f"{context.trace_id:032x}-{context.span_id:016x}"
    )


def test_log_records_that_the_sdk_sends_are_read() -> None:
    with _listening() as (url, kept):
        provider = LoggerProvider()
        provider.add_log_record_processor(
            SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs"))
        )
        for name in (DETAILS, "gen_ai.evaluation.result"):
            provider.get_logger("samples").emit(
                LogRecord(
                    timestamp=1_777_026_031_000_000_000,
                    severity_number=SeverityNumber.INFO,
                    event_name=name,
                    attributes=CURRENT | ASKED,
                )
            )
        provider.shutdown()
    outcomes = [
        Converter(keys=KEYS).convert("otel_logs", body, received_ms=LATER, content_encoding=how)
        for _, how, body in kept
    ]
    assert [len(outcome.events) for outcome in outcomes] == [1, 0]
    event = orjson.loads(outcomes[0].events[0].value)
    VALID.validate(event)
    assert (event["event_time"], event["input_tokens"]) == (1_777_026_031_000, 812)
