"""Keeps partitions together in event time: who is far ahead waits, who has nothing to read is marked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from faust.types import TP

from detectors.config import Loaded
from detectors.interface.clock import MINUTE_MS, NO_TIME
from streams.bulk.driver import BulkTransport
from streams.bulk.transactions import LONGEST_S
from streams.settings.settings import Settings
from streams.stages.accounts import AccountStage
from streams.stages.intake import Intake
from streams.stages.networks import NetworkStage
from streams.worker.idleness import Idleness

IDLE_POLL_S = 0.5
HOLD_POLL_S = 0.02
MAX_AHEAD_TICKS = 60  # a source this far ahead of the slowest is held back: hand-overs are memory


class Alignment:
    """The pace of one worker's account partitions. The stages are the worker's own, by partition."""

    def __init__(
        self,
        settings: Settings,
        loaded: Loaded,
        transport: BulkTransport,
        accounts: Mapping[TP, AccountStage],
        networks: Mapping[TP, NetworkStage],
        intake: Intake,
    ) -> None:
        self.held: set[TP] = set()  # partitions that wait for slower ones
        self._settings = settings
        self._gap_ms = loaded.config.engine.idle_gap_minutes * MINUTE_MS
        self._transport = transport
        self._accounts = accounts
        self._networks = networks
        self._intake = intake
        self._idleness = Idleness()

    def hold_back(self, tp: TP) -> None:
        """Read no more of a partition that is far ahead in event time, until the others follow."""
        if tp not in self.held and self._too_far_ahead(tp):
            self.held.add(tp)
            self._transport.app.consumer.pause_partitions({tp})

    async def let_go(self) -> None:
        """Read on, for ever, from partitions that the others have caught up with."""
        while True:
            await asyncio.sleep(HOLD_POLL_S)
            for tp in sorted(self.held):
                if not self._too_far_ahead(tp):
                    self.held.discard(tp)
                    if tp in self._transport.app.consumer.assignment():
                        self._transport.app.consumer.resume_partitions({tp})

    async def mark_idle(self) -> None:
        """Let partitions that have nothing to read trail the furthest, by a written mark; for ever."""
        while True:
            await asyncio.sleep(IDLE_POLL_S)
            furthest = max(self._passed(), default=NO_TIME)
            if furthest == NO_TIME:
                continue
            mark = (furthest + 1) * MINUTE_MS - self._gap_ms
            for tp in sorted(self._transport.app.consumer.assignment()):
                stage = self._accounts.get(tp)
                if stage is not None and self._idle(tp, stage, mark):
                    await self._intake.take(tp, stage, partial(stage.mark_idle, mark))

    def _idle(self, tp: TP, stage: AccountStage, mark: int) -> bool:
        """Whether nothing came for long, though the broker answers, and the mark says something new."""
        age = self._transport.answer_age_s(tp)
        quiet = self._idleness.lasts_s(tp, stage.last_record, age)
        if quiet < self._settings.idle_s or stage.accounts.watermark >= mark:
            return False
        if stage.shut_out or self._transport.unread(tp, stage.next_offset):
            return False
        # Something came, and only when its transaction ends do we know what. Who never ends it must not
        # hold the others back for good: what it says after that is late.
        undecided = self._transport.undecided(tp)
        return not undecided.offsets or undecided.seconds > LONGEST_S

    def _passed(self) -> list[int]:
        """Last tick that each source has closed, as any of our network partitions has heard it."""
        one = next(iter(self._networks.values()), None)
        return [] if one is None else one.networks.passed

    def _too_far_ahead(self, tp: TP) -> bool:
        stage, slowest = self._accounts.get(tp), min(self._passed(), default=NO_TIME)
        if stage is None or slowest == NO_TIME:
            return False
        return stage.accounts.closed > slowest + MAX_AHEAD_TICKS
