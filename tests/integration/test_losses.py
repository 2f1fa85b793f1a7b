"""What is done about requests that are gone is written down, so that whoever comes next does the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import orjson
import pytest

from detectors.accounts.outbox import Scratch
from detectors.config import load_config
from detectors.errors import StateError
from detectors.exchange.loss import Loss
from streams.bulk.chunks import Chunk, deleted
from streams.decisions.log import DecisionLog, IdleMark, Lost, read_marks
from streams.kafka.fencing import ShutOutError
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.accounts import AccountStage
from streams.stages.sink import Sink
from tests.integration.workers import stage
from tests.stage_stories import HOUR, MINUTE, START, request

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]
LOADED = load_config("[engine]\npartitions = 1\n[budgets]\naccounts = 1000\nminute_rows = 1000\n")


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    with stage(1) as settings:
        sink = Sink(settings, Metrics())
        await sink.start()
        yield sink
        await sink.stop()


def accounts(sink: Sink, on_loss: str = "continue") -> AccountStage:
    settings = sink.settings.model_copy(update={"on_loss": on_loss})
    return AccountStage(settings, LOADED, 0, sink, Metrics(), Scratch(1))


def requests(settings: Settings, first: int, end: int, hour: float = 0.0) -> Chunk:
    """A request a minute at these offsets."""
    offsets = np.arange(first, end)
    values: list[bytes | None] = [
        orjson.dumps(request(n, round(START + hour * HOUR) + n * MINUTE, f"a{n % 5}"))
        for n in offsets.tolist()
    ]
    nothing: list[bytes | None] = [None] * offsets.size
    return Chunk(
        settings.requests_topic,
        0,
        values,
        nothing,
        np.full(offsets.size, START + 100 * HOUR),
        offsets,
        1000,
        first,
        end,
    )


def gone(settings: Settings, first: int, end: int) -> Chunk:
    return deleted(settings.requests_topic, 0, first, first, end, 1000)


async def told_of(sink: Sink) -> list[Lost]:
    return [mark for mark in await read_marks(sink.settings, 0) if isinstance(mark, Lost)]


async def test_a_successor_does_the_same_and_asks_nobody_again(sink: Sink) -> None:
    one = accounts(sink)
    await one.prepare()
    await one.process(requests(sink.settings, 0, 100))
    await one.process(gone(sink.settings, 100, 300))
    assert one.next_offset == 300
    await one.process(requests(sink.settings, 300, 400))
    (mark,) = await told_of(sink)
    assert (mark.offset, mark.end) == (99, 300)
    first_tick = START // MINUTE
    assert one.part.loss == Loss(100, 300, first_tick + 88, first_tick + 300)
    # Who comes next has nothing of it, and would rather stop: but that was decided.
    other = accounts(sink, on_loss="stop")
    await other.prepare()
    await other.process(requests(sink.settings, 0, 100))
    await other.process(gone(sink.settings, 100, 300))
    await other.process(requests(sink.settings, 300, 400))
    assert other.part.loss == one.part.loss
    assert other.accounts.flow.kept == one.accounts.flow.kept
    assert len(await told_of(sink)) == 1
    # By then more is gone: that is another decision.
    third = accounts(sink, on_loss="stop")
    await third.prepare()
    await third.process(requests(sink.settings, 0, 100))
    with pytest.raises(StateError, match=r"records 300 to 349 were deleted .* Set it to continue"):
        await third.process(gone(sink.settings, 100, 350))


async def test_who_is_to_stop_decides_nothing(sink: Sink) -> None:
    one = accounts(sink, on_loss="stop")
    await one.prepare()
    await one.process(requests(sink.settings, 0, 100))
    with pytest.raises(StateError, match="records 100 to 299 were deleted before they were read"):
        await one.process(gone(sink.settings, 100, 300))
    assert (one.next_offset, one.part.loss) == (100, None)
    assert await told_of(sink) == []


async def test_who_was_shut_out_decides_nothing(sink: Sink) -> None:
    one = accounts(sink)
    await one.prepare()
    await one.process(requests(sink.settings, 0, 100))
    await DecisionLog(sink.settings, "accounts", 0, sink).take_over()
    with pytest.raises(ShutOutError):
        await one.process(gone(sink.settings, 100, 300))
    assert (one.next_offset, one.part.loss) == (100, None)
    assert await told_of(sink) == []


async def test_marks_of_requests_that_are_gone_are_obeyed_behind_the_hole(sink: Sink) -> None:
    before = DecisionLog(sink.settings, "accounts", 0, sink)
    await before.take_over()
    watermark = START + 10 * HOUR
    assert await before.write(IdleMark(149, watermark))
    one = accounts(sink)
    await one.prepare()
    await one.process(requests(sink.settings, 0, 100))
    await one.process(gone(sink.settings, 100, 300))
    assert one.accounts.watermark < watermark
    await one.process(requests(sink.settings, 300, 310, hour=8))
    assert one.accounts.watermark >= watermark
    assert one.part.loss is not None
    assert one.part.loss.end == 300
    assert one.accounts.flow.kept.hours >= 9  # 1 to 9, all of which the mark closed


async def test_records_that_were_never_delivered_are_not_taken_for_deleted_ones(
    sink: Sink,
) -> None:
    one = accounts(sink)
    await one.prepare()
    await one.process(requests(sink.settings, 0, 100))
    with pytest.raises(StateError, match="records 100 to 199 were never delivered"):
        await one.process(gone(sink.settings, 200, 300))
    with pytest.raises(StateError, match="records 100 to 299 were never delivered"):
        await one.process(requests(sink.settings, 300, 310))
