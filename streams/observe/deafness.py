"""Sees a client that the brokers serve no longer though they serve others: and says what is to be done.

A client may wait for ever for brokers that have moved, or for an answer that was lost, while heartbeats go
on and all looks well. Somebody else's word is needed that there is something: what lies unread is asked for
through a connection of its own (`streams.observe.broker_probe`). Who then gets nothing for HYDRAWATCH_DEAF_S
has its connections made anew, twice, and then the process ends, which its supervisor starts again. Who waits
for brokers that are known to be in trouble is not deaf: no restart would help.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from streams.kafka.connection import BrokerError
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics

log = structlog.get_logger()

CLIENTS = READER, WRITER, STATE = ("reader", "writer", "state")
ENDS_AFTER = 3  # times HYDRAWATCH_DEAF_S; before, connections are made anew each time
WHAT = {
    READER: "nothing comes of {}, though brokers answer another connection",
    WRITER: "nothing written to {} is taken, though the brokers are well",
    STATE: "no state written to {} is taken, though the brokers are well",
}


class Wait(NamedTuple):
    """How far a client has come with something, and whether there is more that it could be given."""

    place: int
    more: bool


@dataclass(slots=True)
class _Since:
    place: int
    at: float


class Deafness:
    """Since when the clients of one worker get nothing. `deaf_s`: see HYDRAWATCH_DEAF_S."""

    def __init__(
        self,
        metrics: Metrics,
        readiness: Readiness,
        deaf_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._deaf_s = deaf_s
        self._clock = clock
        self._since: dict[str, dict[str, _Since]] = {client: {} for client in CLIENTS}
        self._renewed: dict[str, int] = dict.fromkeys(CLIENTS, 0)
        for client in CLIENTS:  # a rate needs a series to begin with
            metrics.deaf.labels(client).set(0)
            metrics.renewals.labels(client)

    def look(self, client: str, waits: Mapping[str, Wait]) -> bool:
        """Note what a client waits for, by its name; whether its connections should be made anew now.

        Raises BrokerError where that has not helped.
        """
        now = self._clock()
        before = self._since[client]
        since = self._since[client] = {
            name: before[name]
            if name in before and before[name].place == wait.place
            else _Since(wait.place, now)
            for name, wait in waits.items()
            if wait.more
        }
        longest = min(since, key=lambda name: since[name].at, default="")
        quiet = now - since[longest].at if longest else 0.0
        self._metrics.deaf.labels(client).set(quiet)
        if quiet < self._deaf_s:
            if self._renewed[client]:
                log.info("a client is served again", client=client)
            self._renewed[client] = 0
            self._readiness.done(f"deaf-{client}")
            return False
        said = f"{WHAT[client].format(longest)}, for {quiet:.0f} s"
        if quiet >= ENDS_AFTER * self._deaf_s:
            raise BrokerError(
                f"{said}; new connections did not help. Starting again is safe; if it happens again, look "
                "at the way to the brokers and at the addresses they advertise"
            )
        self._readiness.wait_for(
            f"deaf-{client}",
            f"{said}: its connections were made anew, and this process ends after "
            f"{ENDS_AFTER * self._deaf_s:.0f} s",
        )
        if quiet < (self._renewed[client] + 1) * self._deaf_s:
            return False
        self._renewed[client] += 1
        self._metrics.renewals.labels(client).inc()
        log.warning(
            "a client is not served; its connections are made anew", client=client, reason=said
        )
        return True
