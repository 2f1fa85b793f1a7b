"""What was said is under way until the broker has it, whoever gives up waiting for it."""

from __future__ import annotations

import asyncio

import pytest
from faust.types import TP

from streams.stages.in_flight import MOST_WAITING, InFlight

TP_0 = TP("hydrawatch.requests.v1", 0)


async def test_giving_up_waiting_neither_cancels_a_delivery_nor_forgets_it() -> None:
    in_flight = InFlight()
    loop = asyncio.get_running_loop()
    sent = [loop.create_future() for _ in range(MOST_WAITING + 1)]
    for one in sent[:-1]:
        await in_flight.add(TP_0, [one])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_flight.add(TP_0, [sent[-1]])
    assert not any(one.cancelled() for one in sent)
    assert in_flight.of(TP_0) == sent
    sent[0].set_result(None)
    await in_flight.sweep()
    assert in_flight.of(TP_0) == sent[1:]


async def test_what_the_broker_refused_is_raised() -> None:
    in_flight = InFlight()
    refused = asyncio.get_running_loop().create_future()
    await in_flight.add(TP_0, [refused])
    refused.set_exception(PermissionError("not yours"))
    with pytest.raises(PermissionError):
        await in_flight.sweep()
