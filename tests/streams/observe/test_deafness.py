"""Who is served nothing is given new connections, and ends if that does not help; nobody else is."""

from __future__ import annotations

import pytest

from streams.kafka.connection import BrokerError
from streams.observe.deafness import CLIENTS, ENDS_AFTER, READER, WRITER, Deafness, Wait
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics

DEAF_S = 60.0
ONE, OTHER = "hydrawatch.requests.v1 [1]", "hydrawatch.requests.v1 [2]"


class Heard:
    """A look-out whose clock the test turns, and what it shows."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.metrics, self.readiness = Metrics(), Readiness()
        self.deafness = Deafness(self.metrics, self.readiness, DEAF_S, clock=lambda: self.now)

    def after(self, seconds: float, client: str = READER, **waits: Wait) -> bool:
        self.now += seconds
        names = {"one": ONE, "other": OTHER}
        return self.deafness.look(client, {names[name]: wait for name, wait in waits.items()})

    def shown(self, name: str, client: str = READER) -> float | None:
        return self.metrics.registry.get_sample_value(f"hydrawatch_{name}", {"client": client})


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_who_gets_nothing_of_what_there_is_is_given_new_connections_twice_and_then_ends(
    heard: Heard,
) -> None:
    waits = Wait(500, more=True)
    assert not heard.after(0, one=waits)
    assert not heard.after(DEAF_S - 1, one=waits)
    assert heard.shown("deaf_seconds") == DEAF_S - 1
    assert heard.readiness.reasons() == {}
    assert heard.after(1, one=waits)
    assert heard.readiness.reasons() == {
        "deaf-reader": f"nothing comes of {ONE}, though brokers answer another connection, for 60 s: "
        "its connections were made anew, and this process ends after 180 s"
    }
    assert not heard.after(DEAF_S - 1, one=waits)
    assert heard.after(1, one=waits)
    assert heard.shown("connections_renewed_total") == 2
    assert not heard.after(DEAF_S - 1, one=waits)
    with pytest.raises(
        BrokerError, match=r"nothing comes of .*requests.v1 \[1\].* for 180 s; new conn"
    ):
        heard.after(1, one=waits)
    assert ENDS_AFTER * DEAF_S == 180


def test_who_is_served_again_is_as_before_and_may_be_helped_anew(heard: Heard) -> None:
    heard.after(0, one=Wait(500, more=True))
    assert heard.after(2 * DEAF_S, one=Wait(500, more=True))
    assert not heard.after(1, one=Wait(501, more=True))
    assert heard.readiness.reasons() == {}
    assert heard.shown("deaf_seconds") == 0
    assert heard.after(DEAF_S, one=Wait(501, more=True))
    assert heard.shown("connections_renewed_total") == 2


@pytest.mark.parametrize(
    "waits", [{}, {"one": Wait(500, more=False)}, {"other": Wait(7, more=True)}]
)
def test_nobody_is_deaf_to_what_is_not_there_or_not_asked_for_all_the_time(
    heard: Heard, waits: dict[str, Wait]
) -> None:
    heard.after(0, one=Wait(500, more=True))
    for _ in range(10):
        assert not heard.after(DEAF_S / 2, **waits)
        assert not heard.after(DEAF_S / 2, one=Wait(500, more=True))
    assert heard.shown("connections_renewed_total") == 0


def test_one_that_moves_hides_no_other_that_does_not(heard: Heard) -> None:
    heard.after(0, one=Wait(500, more=True), other=Wait(0, more=True))
    heard.after(DEAF_S / 2, one=Wait(500, more=True), other=Wait(1, more=True))
    assert heard.after(DEAF_S / 2, one=Wait(500, more=True), other=Wait(2, more=True))


def test_clients_are_told_apart(heard: Heard) -> None:
    heard.after(0, WRITER, one=Wait(0, more=True))
    assert heard.after(DEAF_S, WRITER, one=Wait(0, more=True))
    assert not heard.after(0, READER, one=Wait(0, more=True))
    assert heard.readiness.reasons().keys() == {"deaf-writer"}
    shown = {client: heard.shown("connections_renewed_total", client) for client in CLIENTS}
    assert shown == {"reader": 0, "writer": 1, "state": 0}
