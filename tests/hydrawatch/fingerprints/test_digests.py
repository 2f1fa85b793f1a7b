"""Digests say nothing of the value, and say which key and epoch made them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrawatch.fingerprints import Keys

SECRET = b"0123456789abcdef"


@given(st.text(), st.sampled_from(["account", "session"]), st.integers(0, 2**31 - 1))
def test_a_digest_names_its_epoch_and_fits_into_an_event(value: str, kind: str, epoch: int) -> None:
    digest = Keys(SECRET, epoch).digest(kind, value)
    assert re.fullmatch(rf"k{epoch}:[0-9a-f]{{36}}", digest)
    assert len(digest) <= 64


@given(st.text(), st.text())
def test_different_values_have_different_digests_and_the_same_value_the_same(
    a: str, b: str
) -> None:
    keys = Keys(SECRET, 1)
    assert (keys.digest("account", a) == Keys(SECRET, 1).digest("account", b)) == (a == b)


def test_kinds_epochs_and_secrets_keep_digests_apart() -> None:
    keys = Keys(SECRET, 1)
    others = [
        keys.digest("session", "u"),
        Keys(SECRET, 2).digest("account", "u"),
        Keys(SECRET[::-1], 1).digest("account", "u"),
    ]
    tails = {digest.partition(":")[2] for digest in [keys.digest("account", "u"), *others]}
    assert len(tails) == 4


def test_digests_of_one_key_begin_alike_and_those_of_another_secret_do_not() -> None:
    one, other = Keys(SECRET, 1), Keys(SECRET[::-1], 1)
    assert one.digest("account", "a")[:7] == one.digest("session", "b")[:7]
    assert one.digest("account", "a")[:7] != other.digest("account", "a")[:7]


def test_half_a_surrogate_pair_has_a_digest() -> None:
    assert Keys(SECRET, 1).digest("account", "\ud83d") != Keys(SECRET, 1).digest(
        "account", "\ud83e"
    )


def test_a_short_secret_and_an_epoch_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="16 or more"):
        Keys(b"short", 1)
    for epoch in (-1, 2**31):
        with pytest.raises(ValueError, match="not within"):
            Keys(SECRET, epoch)


def test_keys_print_without_their_secret() -> None:
    assert repr(Keys(SECRET, 3)) == "Keys(epoch=3)"
