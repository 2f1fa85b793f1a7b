"""What OTLP over HTTP answers: success with what was rejected, or a status, in the request's own encoding.

Source: the OTLP specification 1.x, "OTLP/HTTP Response".
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from streams.intake.outcome import TOO_LARGE, UNREADABLE, Outcome

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# gRPC's codes of what a status means, for clients that look at them.
CODES = {400: 3, 401: 16, 404: 5, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
UNKNOWN_CODE = 2
MESSAGE_BYTES = 127  # what a length of one byte can say
FORMATS = {"traces": "otel_spans", "logs": "otel_logs"}  # both read protobuf and JSON


@dataclass(frozen=True, slots=True)
class Kind:
    """A request's signal (traces or logs) and its content type."""

    signal: str
    content_type: str

    @property
    def format(self) -> str | None:
        """The format that reads its body; None where the content type is none of OTLP's."""
        return FORMATS.get(self.signal) if self.content_type in (PROTOBUF, JSON) else None

    @property
    def answers_in(self) -> str:
        """The content type of the answer."""
        return PROTOBUF if self.content_type == PROTOBUF else JSON

    def success(self, outcome: Outcome) -> bytes:
        """The body of a 200. What was refused is told; it is lost, and sent again for nothing."""
        rejected = len(outcome.refused)
        message = outcome.refused[0].detail if rejected else ""
        if self.answers_in == JSON:
            name = "rejectedSpans" if self.signal == "traces" else "rejectedLogRecords"
            partial = {name: str(rejected), "errorMessage": message}
            return orjson.dumps({"partialSuccess": partial} if rejected else {})
        if self.signal == "traces":
            traces = ExportTraceServiceResponse()
            if rejected:
                traces.partial_success.rejected_spans = rejected
                traces.partial_success.error_message = message
            return bytes(traces.SerializeToString())
        logs = ExportLogsServiceResponse()
        if rejected:
            logs.partial_success.rejected_log_records = rejected
            logs.partial_success.error_message = message
        return bytes(logs.SerializeToString())

    def status(self, status: int, message: str) -> bytes:
        """The body of any other answer: google.rpc.Status."""
        code = CODES.get(status, UNKNOWN_CODE)
        if self.answers_in == JSON:
            return orjson.dumps({"code": code, "message": message})
        text = message.encode()[:MESSAGE_BYTES]
        # Its classes are in a package that nothing else here needs: field 1 is the code, field 2 the text.
        return bytes((0x08, code, 0x12, len(text))) + text


def nothing_read(outcome: Outcome) -> bool:
    """Whether the body as a whole was no OTLP."""
    return (
        not outcome.events
        and not outcome.passed_over
        and len(outcome.refused) == 1
        and outcome.refused[0].reason in (UNREADABLE, TOO_LARGE)
    )
