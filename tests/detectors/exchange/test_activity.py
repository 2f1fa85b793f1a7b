"""Activity on its way to the owner: what is cut comes together again, and names find their values."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from detectors.exchange.activity import ACTIVITY, HOLDING, ActivityBatch, Spellings, spellings_of
from detectors.exchange.hand_over import watermark_only
from detectors.exchange.records import MAX_RECORD_BYTES
from detectors.exchange.report import Report, decode, encode
from detectors.exchange.rows import EDGE
from detectors.interface.key_kinds import PAYMENT, TLS


def random_rows(dtype: np.dtype, count: int) -> np.ndarray:
    """So many rows of noise."""
    raw = np.random.default_rng(1).integers(0, 256, count * dtype.itemsize, dtype=np.uint8)
    return raw.view(dtype)


def test_a_large_hour_is_cut_into_records_that_say_the_same() -> None:
    accounts, holdings = random_rows(ACTIVITY, 9_000), random_rows(HOLDING, 40_000)
    holdings["account"] = accounts["account"][np.arange(holdings.size) % accounts.size]
    report = Report(3, 59, activity=ActivityBatch(3, 59, accounts, holdings))
    records = list(encode(report))
    assert len(records) > 1
    assert max(map(len, records)) <= MAX_RECORD_BYTES
    parts = [decode(record) for record in records]
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    batches = [part.activity for part in parts if part.activity is not None]
    assert [batch.part for batch in batches] == list(range(len(batches)))
    for batch in batches:
        assert np.isin(batch.holdings["account"], batch.accounts["account"]).all()
    for name, sent in (("accounts", accounts), ("holdings", holdings)):
        rows = np.concatenate([getattr(batch, name) for batch in batches])
        assert sorted(map(bytes, rows)) == sorted(map(bytes, sent))


def test_names_travel_with_their_values() -> None:
    lengths = np.array([3, 0, 5], np.uint16)
    names = np.frombuffer(b"abcdefgh", np.uint8)
    told = Spellings(
        1, 7, np.arange(3, dtype=np.uint8), np.arange(3, dtype=np.uint64), lengths, names
    )
    (record,) = encode(Report(1, 7, spellings=told))
    found = decode(record).spellings
    assert found is not None
    for one, other in zip(found[2:], told[2:], strict=True):
        assert_array_equal(one, other)


def test_of_first_sightings_those_are_named_that_may_make_a_group() -> None:
    edges = np.zeros(2, EDGE)
    edges["kind"], edges["key"] = (PAYMENT, TLS), (11, 12)
    edges["name_at"], edges["name_len"] = (0, 4), (4, 3)
    hand_over = watermark_only(0, 5)._replace(
        edges=edges, names=np.frombuffer(b"cardtls", np.uint8)
    )
    found = spellings_of([hand_over], 0, 5)
    assert found is not None
    assert (found.kinds.tolist(), found.keys.tolist()) == ([PAYMENT], [11])
    assert found.names.tobytes() == b"card"
    assert spellings_of([watermark_only(0, 5)], 0, 5) is None
