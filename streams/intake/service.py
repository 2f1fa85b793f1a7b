"""The intake over HTTP: bodies of gateway records in, an answer when the brokers have their events.

A status says what to do. 200: done, whatever became of single records; the body counts them. 429 and 503,
both with Retry-After: come again. Any other: no retry mends it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from streams.intake import otlp_answers
from streams.intake.admission import (
    DamagedError,
    Hold,
    InHand,
    Rates,
    RefusalError,
    Tokens,
    bearer,
    network_of,
    unpacked,
)
from streams.intake.convert import Converter
from streams.intake.guarded import converted
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.outcome import UNREADABLE, Outcome, Refused
from streams.intake.sink import Sink
from streams.kafka.connection import BrokerError

BODY_S = 60.0  # a client that sends its body so slowly only holds memory
BUSY_RETRY_S, AWAY_RETRY_S = 1, 5
SHOWN = 10  # refusals that an answer describes one by one
CLIENT_GONE = 499  # nobody hears it; it is counted


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may cost: bytes of a body, requests a second of a client, and so on."""

    body_bytes: int
    requests_per_s: float
    in_hand_bytes: int
    answer_s: float


@dataclass(slots=True)
class Intake:
    """What all requests share. `converters` by format: each has options of its own."""

    converters: Mapping[str, Converter]
    sink: Sink
    metrics: IntakeMetrics
    limits: Limits
    tokens: Tokens
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    rates: Rates = field(init=False)
    in_hand: InHand = field(init=False)
    # One thread: one body is taken apart at a time, and the loop goes on answering meanwhile.
    converting: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.rates = Rates(self.limits.requests_per_s)
        self.in_hand = InHand(self.limits.in_hand_bytes, lambda: self.sink.in_flight_bytes)
        self.converting = ThreadPoolExecutor(1, "hydrawatch-convert")

    async def take(self, request: Request, name: str, hold: Hold) -> Outcome:
        """Read a body, convert it, and wait until the brokers have its events.

        Raises RefusalError where it is not taken.
        """
        if self.sink.waits_s() > self.limits.answer_s:
            raise RefusalError(503, "the broker does not answer", AWAY_RETRY_S)
        packed = await self._body(request, hold)
        body = unpacked(packed, request.headers.get("content-encoding", ""), self.limits.body_bytes)
        if body is not packed:
            hold.grow(len(body))
        if not body:  # of protobuf, nothing at all is a request without spans
            return Outcome()
        received_ms = self.now_ms()
        outcome = await asyncio.get_running_loop().run_in_executor(
            self.converting, self._convert, name, body, received_ms
        )
        try:
            async with asyncio.timeout(self.limits.answer_s):
                await self.sink.put(outcome.events)
        except TimeoutError:
            raise RefusalError(503, "the broker does not answer", AWAY_RETRY_S) from None
        except BrokerError as error:
            raise RefusalError(503, str(error), AWAY_RETRY_S) from None
        self.metrics.converted(name, len(body), outcome)
        self.metrics.events.labels(name).inc(len(outcome.events))
        return outcome

    def admit(self, request: Request) -> None:
        """Let a request in. Raises RefusalError: 401 without a token, 429 where a client sends too many."""
        address = network_of(request.client.host if request.client else "")
        if not self.tokens:
            self.rates.take(address)
            return
        headers = request.headers
        place = self.tokens.place(
            bearer(headers.get("authorization", ""), headers.get("x-api-key", ""))
        )
        # Who has no token is limited too, by address: guessing must not be cheap.
        self.rates.take(f"? {address}" if place is None else f"token {place}")
        if place is None:
            raise RefusalError(401, "show a token: Authorization: Bearer TOKEN")

    def _convert(self, name: str, body: bytes, received_ms: int) -> Outcome:
        return converted(self.converters[name], name, body, received_ms)

    async def _body(self, request: Request, hold: Hold) -> bytes:
        most = self.limits.body_bytes
        too_long = RefusalError(413, f"the body is longer than {most} bytes: send fewer records")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise too_long
        chunks, size = [], 0
        try:
            async with asyncio.timeout(BODY_S):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise too_long
                    hold.grow(len(chunk))
                    chunks.append(chunk)
        except TimeoutError:
            raise RefusalError(408, f"no body within {BODY_S:.0f} s") from None
        return b"".join(chunks)


def application(intake: Intake) -> Starlette:
    """The ASGI application: `/v1/ingest/{format}`, and OTLP/HTTP on `/v1/traces` and `/v1/logs`."""

    async def ingest(request: Request) -> Response:
        name = request.path_params["format"]

        async def work(hold: Hold) -> Response:
            if name not in intake.converters:
                known = ", ".join(intake.converters)
                raise RefusalError(404, f"no such format; there are {known}")
            try:
                outcome = await intake.take(request, name, hold)
            except DamagedError as error:
                outcome = Outcome(refused=[Refused(0, UNREADABLE, str(error))])
                intake.metrics.converted(name, 0, outcome)
            return _json(200, _told(outcome))

        return await _answered(intake, request, work, _refused)

    async def otlp(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind = otlp_answers.Kind(request.url.path.rpartition("/")[2], content_type)

        async def work(hold: Hold) -> Response:
            name = kind.format
            if name is None:
                raise RefusalError(
                    415, f"Content-Type must be {otlp_answers.PROTOBUF} or {otlp_answers.JSON}"
                )
            try:
                outcome = await intake.take(request, name, hold)
            except DamagedError as error:
                raise RefusalError(400, str(error)) from None
            if otlp_answers.nothing_read(outcome):
                raise RefusalError(400, outcome.refused[0].detail)
            return Response(kind.success(outcome), media_type=kind.answers_in)

        def refused(error: RefusalError) -> Response:
            return Response(
                kind.status(error.status, error.message), error.status, media_type=kind.answers_in
            )

        return await _answered(intake, request, work, refused)

    return Starlette(
        routes=[
            Route("/v1/ingest/{format}", ingest, methods=["POST"]),
            Route("/v1/traces", otlp, methods=["POST"]),
            Route("/v1/logs", otlp, methods=["POST"]),
        ]
    )


async def _answered(
    intake: Intake,
    request: Request,
    work: Callable[[Hold], Awaitable[Response]],
    refused: Callable[[RefusalError], Response],
) -> Response:
    """What `work` answers, or the refusal that it raises."""
    try:
        intake.admit(request)
        with intake.in_hand.holding() as hold:
            answer = await work(hold)
    except RefusalError as error:
        answer = refused(error)
        if error.retry_after_s:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
    except ClientDisconnect:
        answer = Response(status_code=CLIENT_GONE)
    intake.metrics.answers.labels(str(answer.status_code)).inc()
    return answer


def _told(outcome: Outcome) -> dict[str, object]:
    """What became of a body, without a value of any record."""
    return {
        "accepted": len(outcome.events),
        "refused": dict(Counter(one.reason for one in outcome.refused)),
        "passed_over": dict(outcome.passed_over),
        "first_refused": [
            {"position": one.position, "reason": one.reason, "detail": one.detail}
            for one in outcome.refused[:SHOWN]
        ],
    }


def _refused(error: RefusalError) -> Response:
    return _json(error.status, {"error": error.message})


def _json(status: int, value: object) -> Response:
    return Response(orjson.dumps(value) + b"\n", status, media_type="application/json")
