"""Looks: what is worked out of a group at once is what a person would count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.groups.book import GroupBook, Picture
from detectors.interface.key_kinds import DEVICE, PAYMENT, PREFIX, SYSTEM
from detectors.interface.looks import LOOKS, OF_MEMBER
from tests.detectors.groups.scenes import BEGIN, Seen, book_of, hour_of

PLACES = {name: place for place, name in enumerate(LOOKS)}


def look(picture: Picture, kind: int, name: str) -> float:
    """One look of the only group of a kind."""
    (place,) = np.flatnonzero(picture.groups.kinds == kind)
    return float(picture.looks[place, PLACES[name]])


def strangers(count: int) -> list[Seen]:
    """Accounts that share nothing."""
    return [Seen(1000 + n, {SYSTEM: 1000 + n}, requests=1 + n % 7) for n in range(count)]


def cell() -> list[Seen]:
    """Ten accounts on one prompt: four pairs of devices, two alone; eight are new."""
    return [
        Seen(n, {SYSTEM: 5, DEVICE: 50 + n // 2 if n < 8 else 90 + n}, age_days=1 if n < 8 else 300)
        for n in range(10)
    ]


def test_members_and_small_cells_are_counted() -> None:
    picture = book_of([*cell(), *strangers(30)]).picture()
    assert look(picture, SYSTEM, "members") == pytest.approx(math.log2(10))
    assert look(picture, SYSTEM, "parties") == pytest.approx(math.log2(10))
    assert look(picture, SYSTEM, "device_known") == 1.0
    assert look(picture, SYSTEM, "device_top") == pytest.approx(0.2)
    assert look(picture, SYSTEM, "device_top3") == pytest.approx(0.6)
    assert look(picture, SYSTEM, "device_shared") == pytest.approx(0.8)
    assert look(picture, SYSTEM, "device_small") == pytest.approx(0.8)
    assert look(picture, SYSTEM, "device_cells") == pytest.approx(math.log2(5))
    assert look(picture, SYSTEM, "card_known") == 0.0
    assert look(picture, SYSTEM, "new_2d") == pytest.approx(0.8)
    assert look(picture, SYSTEM, "share") == pytest.approx(1.0)


def test_alike_is_measured_against_members_own_mix() -> None:
    picture = book_of(cell()).picture()
    # Each has one capability of its own, in turn: 4, 3 and 3 of ten.
    pooled = -sum(p * math.log(p) for p in (0.4, 0.3, 0.3))
    assert look(picture, SYSTEM, "capability_pooled") == pytest.approx(pooled, abs=1e-6)
    assert look(picture, SYSTEM, "capability_alike") == pytest.approx(pooled, abs=1e-6)
    assert look(picture, SYSTEM, "hours_alike") == pytest.approx(0.0, abs=1e-6)


def test_a_member_is_measured_against_the_streams_own_population() -> None:
    loud = [Seen(n, {PAYMENT: 7}, requests=500) for n in (1, 2)]
    picture = book_of([*loud, *strangers(200)]).picture()
    assert look(picture, PAYMENT, "mean_volume") == pytest.approx(5.0, abs=0.2)  # and no more
    quiet = [Seen(n, {PAYMENT: 7}, requests=4) for n in (1, 2)]
    ordinary = book_of([*quiet, *strangers(200)]).picture()
    assert abs(look(ordinary, PAYMENT, "mean_volume")) < 1
    assert f"mean_{next(iter(OF_MEMBER))}" in LOOKS


def test_colleagues_are_one_party_of_many_members() -> None:
    members = [Seen(n, {PREFIX: 7}, org=5 if n < 6 else 0) for n in range(8)]
    picture = book_of(members).picture()
    assert look(picture, PREFIX, "parties") == pytest.approx(math.log2(3))
    assert look(picture, PREFIX, "members") == pytest.approx(3.0)


def test_a_picture_is_the_same_after_a_restart() -> None:
    hours = [[*cell(), *strangers(20 + n)] for n in range(3)]
    whole = book_of(*hours)
    cut = book_of(*hours[:2])
    after = GroupBook(10_000, 10_000)
    after.restore({n: np.ascontiguousarray(t).view(np.uint8) for n, t in cut.tables().items()})
    after.take([hour_of(hours[2], BEGIN + 2)], BEGIN + 2)
    assert after.picture().looks.tobytes() == whole.picture().looks.tobytes()


def test_how_an_hour_is_cut_and_who_tells_it_does_not_matter() -> None:
    everyone = [*cell(), *strangers(20)]
    whole, cut = book_of(everyone), GroupBook(10_000, 10_000)
    parts = [hour_of(everyone[:7], BEGIN, 0), hour_of(everyone[7:], BEGIN, 1)]
    cut.take(parts, BEGIN)
    a, b = whole.picture(), cut.picture()
    assert a.groups.keys.tolist() == b.groups.keys.tolist()
    assert a.looks.tobytes() == b.looks.tobytes()


def test_who_is_erased_is_in_no_group() -> None:
    book = book_of(cell())
    book.erase([0, 1])
    assert book.picture().groups.sizes.tolist() == [2, 2, 2, 8]
    assert len(book.members) == 8


def test_who_has_no_known_sign_up_is_not_new() -> None:
    book = book_of([*cell(), *strangers(20)])
    book.members.rows["created"] = -1
    picture = book.picture()
    assert look(picture, SYSTEM, "new_7d") == 0.0
    assert look(picture, SYSTEM, "born_together") == 0.0
    assert look(picture, SYSTEM, "age_spread") == 1.0
    assert look(picture, SYSTEM, "mean_age") == 0.0
