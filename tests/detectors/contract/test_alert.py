import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.campaigns.account_directory import AccountDirectory
from detectors.contract import alert as alerts
from detectors.contract.alert import Alert, as_of, body, encode, in_contract_words
from detectors.exchange.names import NameBatch
from detectors.interface.detector import Evidence
from tests.owner_stories import ALERT_SCHEMA, Story, check

HYDRA = "0 key payment_fp:1 1-30\n0 key template:1 1-30\n0 key ip_prefix_fp:1 1-30\n1 end"


@pytest.fixture(scope="module")
def told() -> list[Alert]:
    return Story(HYDRA).tell()


def test_every_alert_is_valid_and_reads_back_as_itself(told: list[Alert]) -> None:
    for alert in told:
        check(alert)
        assert alerts.decode(encode(alert)) == alert


def test_the_body_leaves_out_mode_and_trace_alone(told: list[Alert]) -> None:
    whole = json.loads(encode(told[0]))
    assert json.loads(body(told[0])) == {k: whole[k] for k in whole if k not in ("mode", "trace")}


def test_an_alerts_id_depends_on_kind_subject_and_tick() -> None:
    ids = {
        alerts.alert_id(kind, subject, tick)
        for kind in ("account", "network")
        for subject in ("a1", "a2")
        for tick in (1, 2)
    }
    assert len(ids) == 8
    assert alerts.alert_id("account", "a1", 1).startswith("acc-")
    assert as_of(0) == 60_000


def test_explanations_say_what_was_seen_and_what_is_normal_and_name_no_account(told) -> None:
    for alert in told:
        assert "30 accounts" in alert.explanation
        assert "is normal" in alert.explanation
        assert (alert.account_id or "a1") not in alert.explanation.split()
        assert alert.suspected == "extraction"


def test_evidence_stands_strongest_first_and_is_bounded() -> None:
    many = "".join(f"0 key payment_fp:{i} 1-3 surprise={10 + i}\n" for i in range(30))
    for alert in Story(many + "0 key template:1 1-3 surprise=9\n1 end").tell():
        nats = [e.surprise_nats for e in alert.evidence]
        assert nats == sorted(nats, reverse=True)
        assert len(nats) == len(alert.links) == 20
        assert {e.family for e in alert.evidence} == {"identity", "content"}


@given(st.floats(), st.floats(), st.floats())
def test_evidence_is_written_with_finite_numbers_whatever_a_detector_says(a, b, c) -> None:
    evidence = Evidence("d", "volume", "p", a, b, "u", c, 0, 1)
    written = in_contract_words(evidence)
    assert all(math.isfinite(x) for x in (written.observed, written.expected))
    assert 0 <= written.surprise_nats <= 100


def test_the_contract_itself_is_checked_by_its_example() -> None:
    ALERT_SCHEMA.check_schema(ALERT_SCHEMA.schema)
    for example in ALERT_SCHEMA.schema["examples"]:
        assert ALERT_SCHEMA.is_valid(example)


def batch(first: int, count: int, org: int = 7, called: str = "") -> NameBatch:
    fps = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    ids = [called.encode() or b"account-%08d" % i for i in range(first, first + count)]
    seen = np.arange(first, first + count, dtype=np.int64) * 1000 + 1_700_000_000_000
    return NameBatch(
        0, 0, fps, np.full(count, org, np.uint64), seen, np.full(count, -1, np.int64),
        np.array([len(i) for i in ids], np.uint16), np.frombuffer(b"".join(ids), np.uint8),
        np.zeros(count, np.uint16), np.zeros(0, np.uint8),
    )  # fmt: skip


def fp(number: int) -> int:
    return number * 0x9E3779B97F4A7C15 % (1 << 64)


def test_names_are_found_by_fingerprint_and_of_two_the_later_holds() -> None:
    book = AccountDirectory(100_000)
    book.add(batch(1, 50_000))
    book.add(batch(7, 1, 9, "renamed"))
    book.add(batch(60_000, 1, 0, "später"))
    for _ in range(2):
        found, renamed, late = book.find(fp(3)), book.find(fp(7)), book.find(fp(60_000))
        assert found == ("account-00000003", 7, 1_700_000_003_000, -1)
        assert renamed == ("renamed", 9, 1_700_000_007_000, -1)
        assert late == ("später", 0, 1_700_060_000_000, -1)
        book.add(batch(70_000, 1))
    assert book.find(fp(50_001)) is None


def test_a_full_name_book_lets_the_oldest_go_and_keeps_the_rest_readable() -> None:
    book = AccountDirectory(1_000)
    for first in range(0, 5_000, 500):
        book.add(batch(first, 500))
        assert len(book) <= 1_000
    assert book.evicted >= 4_000
    newest = book.find(fp(4_999))
    assert newest is not None
    assert newest.account_id == "account-00004999"
    assert book.find(fp(3)) is None


def test_a_million_names_fit_in_eighty_bytes_each() -> None:
    book = AccountDirectory(2_000_000)
    for first in range(0, 1_000_000, 250_000):
        book.add(batch(first, 250_000))
    assert book.nbytes <= 80 * len(book)
