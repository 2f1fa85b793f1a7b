"""Whoever answers first is heard, and who hangs is neither waited for nor left behind."""

from __future__ import annotations

import asyncio

from streams.kafka.addresses import Ask, first_answer


class Asked:
    """Addresses that answer, fail or hang, and what became of them."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.cancelled: list[str] = []

    def who(self, name: str, answers: bool | None) -> Ask[str]:
        async def ask() -> str | None:
            self.order.append(name)
            if answers is None:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self.cancelled.append(name)
                    raise
            return name if answers else None

        return ask


async def test_one_that_hangs_is_passed_over_and_cancelled() -> None:
    asked = Asked()
    asks = [asked.who("hangs", None), asked.who("well", True), asked.who("last", True)]
    assert await first_answer(asks, next_s=0.01) == "well"
    assert asked.order == ["hangs", "well"]
    assert asked.cancelled == ["hangs"]


async def test_the_next_is_asked_at_once_where_one_fails() -> None:
    asked = Asked()
    asks = [asked.who("fails", False), asked.who("too", False), asked.who("well", True)]
    assert await first_answer(asks, next_s=1e9) == "well"
    assert asked.order == ["fails", "too", "well"]


async def test_where_nobody_has_anything_to_say_there_is_no_answer() -> None:
    asked = Asked()
    assert await first_answer([asked.who(name, False) for name in "abc"], next_s=1e9) is None
    assert await first_answer(list[Ask[str]]()) is None


async def test_who_stops_waiting_leaves_nobody_running() -> None:
    asked = Asked()
    both = asyncio.Event()

    async def second() -> str | None:
        both.set()
        return await asked.who("b", None)()

    waiting = asyncio.create_task(first_answer([asked.who("a", None), second], 0.0))
    await both.wait()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert sorted(asked.cancelled) == ["a", "b"]
