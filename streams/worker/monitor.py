"""Looks at a worker's stages twice a second: shows how far behind they are, and what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Set

from faust.types import TP

from detectors.errors import StateError
from streams.bulk.driver import BulkTransport
from streams.kafka.connection import BrokerError
from streams.observe import input_quality, misplacement
from streams.observe.broker_probe import BrokerProbe
from streams.observe.delivery_monitor import DeliveryMonitor
from streams.observe.event_clock import clock_notes
from streams.observe.isolation import notes
from streams.observe.losses import losses, open_transactions
from streams.observe.shown import Shown
from streams.observe.watchdog import Watchdog
from streams.settings.settings import Settings
from streams.stage import Stage
from streams.stages.accounts import AccountStage
from streams.state.checkpointer import Checkpointer
from streams.topics.identity import made_anew

POLL_S = 0.5
OUT_S = 2.0
ANSWER_S = 5.0  # a broker answers an empty fetch twice a second
SHORT_S = 10.0  # a new leader may be behind for a moment in what it calls the end
# A worker that was put out of its group hears of it within a session; longer than that no group can
# be of two minds about who runs a partition.
SHUT_OUT_SESSIONS = 2


class Monitor:
    """What is seen of one worker. `stages` is the worker's own, by partition."""

    def __init__(
        self,
        settings: Settings,
        transport: BulkTransport,
        stages: Mapping[TP, Stage],
        held: Set[TP],
        shown: Shown,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._stages = stages
        self._held = held
        self._shown = shown
        self._short_since: dict[TP, float] = {}
        self._shut_out_since: dict[TP, float] = {}
        self._out_since: float | None = None
        self._read_back = 0  # bytes of the state that is being restored

    def recovered(self, size: int) -> None:
        """So many bytes of a stage's state were read back so far."""
        self._read_back = size
        self._shown.metrics.recovery_bytes.set(size)
        self._shown.readiness.wait_for(
            "recovery", f"reading state back: {size / 1e6:,.0f} MB so far"
        )

    async def look(
        self,
        checkpointer: Checkpointer,
        deliveries: DeliveryMonitor,
        probe: BrokerProbe,
        watchdog: Watchdog,
    ) -> None:
        """Look, for ever, also while nothing is read or the broker does not answer."""
        while True:
            await asyncio.sleep(POLL_S)
            checkpointer.show(self._stages, self._shown.readiness)
            deliveries.look(self._shown.readiness)
            self._shown.readiness.note(self._notes())
            self._shown.metrics.held_back.set(len(self._held))
            self.refuse_to_stay_out_of_the_group()
            self._refuse_two_owners(checkpointer)
            self._catch_up()
            for tp, stage, lag in self._partitions(probe):
                at = self._read_back if stage is None else stage.next_offset
                held, trouble = tp in self._held, bool(probe.trouble)
                unread = stage is None or lag > 0
                watchdog.look(tp, at, unread=unread, held=held, trouble=trouble)

    def _notes(self) -> dict[str, str]:
        """What is wrong though all goes on: detectors that raise, input that cannot be used as it is."""
        stages = self._stages.values()
        read = [stage for stage in stages if isinstance(stage, AccountStage)]
        return (
            notes(stages)
            | input_quality.notes(stage.quality for stage in read)
            | misplacement.notes(stage.misplacement for stage in read)
            | clock_notes(stages)
            | losses(self._stages)
            | open_transactions((tp, self._transport.undecided(tp)) for tp in self._stages)
        )

    def _partitions(self, probe: BrokerProbe) -> Iterator[tuple[TP, Stage | None, int]]:
        """What is assigned: a partition, its stage unless it is being restored, records unread."""
        topics = self._transport.options.topics
        for tp in self._transport.app.consumer.assignment():
            stage, high = self._stages.get(tp), self._transport.app.consumer.highwater(tp)
            if stage is None and tp.topic in topics:
                yield tp, None, 0
                continue
            # A consumer that hears nothing does not know what lies unread: the probe does.
            ends = [end for end in (self._transport.end(tp), probe.end(tp)) if end is not None]
            if stage is not None and ends:
                lag = max(0, max(ends) - self._transport.read_behind(tp, stage.next_offset))
                stage.watch(lag, self._transport.undecided(tp).offsets)
                if high is not None:
                    self.refuse_an_end_before(tp, high, stage.next_offset)
                yield tp, stage, lag

    def refuse_an_end_before(self, tp: TP, high: int, next_offset: int) -> None:
        """End where a topic lasts to be shorter than what was read of it."""
        now, age = time.monotonic(), self._transport.answer_age_s(tp)
        # What was last heard of a leader that was behind may be all that is ever heard of it.
        heard = age is not None and age <= ANSWER_S
        if high >= next_offset or not heard:
            self._short_since.pop(tp, None)
        elif now - self._short_since.setdefault(tp, now) > SHORT_S:
            raise StateError(made_anew(self._settings, tp.topic))

    def refuse_to_stay_out_of_the_group(self) -> None:
        """End where the client has given the group up; a worker that starts again joins again."""
        error = self._transport.group_error()
        now = time.monotonic()
        if error is None:
            self._out_since = None
            return
        self._out_since = now if self._out_since is None else self._out_since
        if now - self._out_since > OUT_S:  # else a fetch is about to raise it
            raise BrokerError(
                f"group {self._settings.group}: its coordinator refused this worker ({error!r}), which "
                "joins again when it is started again; if it happens again, look at the brokers' logs"
            )

    def _refuse_two_owners(self, checkpointer: Checkpointer) -> None:
        """End where another worker has taken over for long what the group says is ours."""
        now = time.monotonic()
        shut_out = {
            tp for tp, stage in self._stages.items() if stage.shut_out or checkpointer.shut_out(tp)
        }
        if self._transport.app.rebalancing:
            shut_out = set()  # who runs what is being settled
        self._shut_out_since = {tp: self._shut_out_since.get(tp, now) for tp in shut_out}
        for tp, since in self._shut_out_since.items():
            if now - since > SHUT_OUT_SESSIONS * self._settings.session_timeout_s:
                raise StateError(
                    f"{tp.topic} [{tp.partition}]: another worker took it over, though it is assigned "
                    "to this one. Starting again takes it back; if it happens again, look for "
                    "workers of another HYDRAWATCH_GROUP with the same HYDRAWATCH_STATE_TOPIC or "
                    "HYDRAWATCH_MARKS_TOPIC"
                )

    def _catch_up(self) -> None:
        """Ready once the requests that lay there at the assignment have been read."""
        if "catch-up" not in self._shown.readiness.reasons():
            return
        topic = self._settings.requests_topic
        mine = [tp for tp in self._transport.app.consumer.assignment() if tp.topic == topic]
        stages = {tp: self._stages[tp] for tp in mine if tp in self._stages}
        if not mine or len(stages) < len(mine):
            return
        unread = [
            stage for tp, stage in stages.items() if self._transport.unread(tp, stage.next_offset)
        ]
        if not unread:
            self._shown.readiness.done("catch-up")
            return
        behind = sum(stage.lag for stage in unread)
        self._shown.readiness.wait_for(
            "catch-up", f"{behind:,} records behind in {len(unread)} partitions"
        )
