"""Hand-overs and reports: what goes in comes out, in records that Kafka takes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detectors.errors import ContractError
from detectors.exchange import hand_over as handover
from detectors.exchange import report as reports
from detectors.exchange.findings import (
    AccountFinding,
    CohortSum,
    GroupSum,
    KeyFinding,
    TickFindings,
)
from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.exchange.names import NameBatch
from detectors.exchange.report import Report
from detectors.exchange.rows import EDGE, SUM
from detectors.interface.detector import Evidence
from detectors.judging.soundness import EVIDENCE_BYTES


def _hand_over(edges: int, sums: int) -> HandOver:
    rng = np.random.default_rng(1)
    table = np.zeros(edges, EDGE)
    names = b"".join(b"name-%d;" % i for i in range(edges))
    lengths = np.array([len(b"name-%d;" % i) for i in range(edges)], np.int64)
    table["name_len"] = lengths
    table["name_at"] = np.cumsum(lengths) - lengths
    table["key"] = rng.integers(1, 2**63, edges)
    totals = np.zeros(sums, SUM)
    totals["key"] = rng.integers(1, 2**63, sums)
    totals["requests"] = 3
    empty = watermark_only(2, 77)
    return empty._replace(edges=table, names=np.frombuffer(names, np.uint8), sums=totals)


def _named(part: HandOver) -> list[bytes]:
    return [part.names[e["name_at"] : e["name_at"] + e["name_len"]].tobytes() for e in part.edges]


def test_a_small_hand_over_is_one_record_and_comes_back_whole() -> None:
    sent = _hand_over(3, 5)
    (record,) = handover.encode(sent)
    back = handover.decode(record)
    assert (back.source, back.tick, back.part, back.last) == (2, 77, 0, True)
    assert (back.edges == sent.edges).all()
    assert (back.sums == sent.sums).all()
    assert back.names.tobytes() == sent.names.tobytes()


def test_a_large_hand_over_is_cut_into_records_under_a_megabyte() -> None:
    sent = _hand_over(20_000, 30_000)
    records = list(handover.encode(sent))
    parts = [handover.decode(r) for r in records]
    assert len(records) > 2
    assert max(map(len, records)) < 1_000_000
    assert [p.part for p in parts] == list(range(len(parts)))
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]
    assert [n for p in parts for n in _named(p)] == _named(sent)
    assert (np.concatenate([p.sums for p in parts]) == sent.sums).all()


@pytest.mark.parametrize("decode", [handover.decode, reports.decode])
@pytest.mark.parametrize("record", [b"", b"junk", b"\x93\x01\x02\x03"])
def test_bytes_that_no_sender_wrote_are_an_error(decode, record: bytes) -> None:
    with pytest.raises(ContractError):
        decode(record)


def test_another_format_is_refused_by_name() -> None:
    (record,) = handover.encode(watermark_only(0, 1))
    wire = bytearray(record)
    wire[1] = 9  # the first field of the array
    with pytest.raises(ContractError, match="format 9"):
        handover.decode(bytes(wire))


def _evidence() -> Evidence:
    return Evidence("volume.v1", "volume", "requests_24h", 500.0, 20.0, "requests", 12.5, 0, 60_000)


def _births() -> Evidence:
    return msgspec.structs.replace(_evidence(), detector="births.v1", family="identity")


def test_a_report_comes_back_as_it_was() -> None:
    account = AccountFinding(5, _evidence(), 3, 1, 2, 500, 900, 12, 2.0, 0.5)
    key = KeyFinding(
        0, 9, "k1:aa", (_evidence(), _births()), (1, 2, 3), 3, 6.0, 0, 0, 1, 2, 7, 8, (1,) * 10
    )
    found = TickFindings(
        77, (account,), (CohortSum("volume.own_past", 1, 2, 3, 4, 5, 6, 7),), (key,)
    )
    (record,) = reports.encode(Report(4, 77, found))
    assert reports.decode(record) == Report(4, 77, found)


def test_a_report_with_many_names_and_findings_is_cut_under_a_megabyte() -> None:
    count = 40_000
    ids = np.frombuffer(b"a-0123456789abcdef" * count, np.uint8)
    columns = np.arange(count)
    names = NameBatch(
        4,
        77,
        columns.astype("<u8"),
        columns.astype("<u8"),
        columns,
        columns,
        np.full(count, 18, np.uint16),
        ids,
        np.zeros(count, np.uint16),
        np.zeros(0, np.uint8),
    )
    account = AccountFinding(5, _evidence(), 3, 1, 2, 500, 900, 12, 2.0, 0.5)
    found = TickFindings(77, (account,) * 2500)
    parts = [reports.decode(r) for r in reports.encode(Report(4, 77, found, names))]
    assert max(len(r) for r in reports.encode(Report(4, 77, found, names))) < 1_000_000
    assert sum(len(p.findings.accounts) for p in parts if p.findings) == 2500
    accounts = np.concatenate([p.names.accounts for p in parts if p.names])
    assert (accounts == columns).all()
    assert [p.last for p in parts][-1]


LONG = msgspec.structs.replace(_evidence(), parameter="p" * (EVIDENCE_BYTES - 80))
LARGE = {
    "accounts": AccountFinding(2**63, LONG, 3, 1, 2, 2**31, 2**31, 2**40, 2.0, 0.5),
    "keys": KeyFinding(
        1, 2**63, "k1:aa", (LONG,) * 3, (2**63,) * 512, 3, 6.0, 0, 0, 1, 2, 7, 8, (2**31,) * 16
    ),
    "groups": GroupSum("organisation", 2**63, 2**40, 2**40, 2**40, 2**31, (2**31,) * 16,
                       (2**31,) * 16, "o" * 300),
    "cohorts": CohortSum("d" * 60, 255, *(2**60,) * 6),
    "erased": 2**63,
}  # fmt: skip


@pytest.mark.parametrize("field", [*LARGE])
def test_whatever_a_report_is_full_of_it_is_cut_under_a_megabyte_and_comes_back(field: str) -> None:
    assert len(msgspec.msgpack.encode(LONG)) <= EVIDENCE_BYTES
    count = 2_500_000 // len(msgspec.msgpack.encode(LARGE[field]))
    rest = {name: (one,) for name, one in LARGE.items() if name != field}
    found = TickFindings(77, **rest, **{field: (LARGE[field],) * count})
    records = list(reports.encode(Report(4, 77, found)))
    assert max(map(len, records)) < 1_000_000
    parts = [reports.decode(record) for record in records]
    assert [p.part for p in parts] == list(range(len(parts)))
    assert [p.last for p in parts] == [False] * (len(parts) - 1) + [True]
    for name in LARGE:
        told = [one for p in parts if p.findings for one in getattr(p.findings, name)]
        assert told == list(getattr(found, name))
