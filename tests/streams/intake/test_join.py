"""What the account directory and Geo files add to events, and what they do not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.errors import ConfigError
from streams.intake.convert import Converter
from streams.intake.directory import Directory, read_directory
from streams.intake.geo import Geo
from streams.intake.outcome import Outcome
from tests.streams.intake.gateway_samples import KEYS, RECEIVED_MS, events
from tests.streams.intake.mmdb import write_mmdb

ACCOUNT = KEYS.digest("account", "u-17")
ABOUT = {
    "account_id": ACCOUNT,
    "account_created_at": 1_700_000_000_000,
    "account_tier": "paid",
    "signup_path": "self",
    "payment_fp": "k1:9c31",
    "device_fp": "k1:77aa",
    "billing_country": "DE",
    "updated_at": 5,
}


def outcome_of(
    directory: Directory | None = None, geo: Geo | None = None, **record: Any
) -> Outcome:
    converter = Converter(keys=KEYS, directory=directory, geo=geo, stamp=False)
    body = json.dumps({**events("envoy")[0].record, **record}).encode()
    return converter.convert("envoy", body, received_ms=RECEIVED_MS)


def event_of(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads(outcome.events[0].value))


def directory_of(*records: dict[str, Any]) -> Directory:
    directory = Directory()
    for record in records:
        assert directory.apply(record["account_id"], record) is None
    return directory


def test_an_event_has_what_the_directory_knows_of_its_account() -> None:
    outcome = outcome_of(directory_of(ABOUT))
    known = {name: value for name, value in ABOUT.items() if name != "updated_at"}
    assert known.items() <= event_of(outcome).items()
    assert outcome.unknown_accounts == 0


def test_an_account_that_the_directory_does_not_know_is_counted() -> None:
    outcome = outcome_of(directory_of({**ABOUT, "account_id": "k1:somebody"}))
    assert outcome.unknown_accounts == 1
    assert "payment_fp" not in event_of(outcome)
    assert outcome_of().unknown_accounts == 0


def test_what_the_event_itself_carries_wins() -> None:
    outcome = outcome_of(
        directory_of({**ABOUT, "org_id": "k1:of-the-directory"}), **{"x-org-id": "o"}
    )
    assert event_of(outcome)["org_id"] == KEYS.digest("org", "o")


def test_an_older_record_never_replaces_a_newer_one() -> None:
    newer = {**ABOUT, "account_tier": "free", "updated_at": 6}
    assert event_of(outcome_of(directory_of(newer, ABOUT)))["account_tier"] == "free"
    assert event_of(outcome_of(directory_of(ABOUT, newer)))["account_tier"] == "free"
    again = {**ABOUT, "account_tier": "trial"}
    assert event_of(outcome_of(directory_of(ABOUT, again)))["account_tier"] == "trial"


def test_a_record_replaces_the_whole_of_what_was_known() -> None:
    least = {"account_id": ACCOUNT, "updated_at": 9}
    assert "payment_fp" not in event_of(outcome_of(directory_of(ABOUT, least)))


def test_an_account_is_forgotten_by_a_record_without_value() -> None:
    directory = directory_of(ABOUT)
    assert directory.apply(ACCOUNT, None) is None
    assert outcome_of(directory).unknown_accounts == 1


def test_a_bad_property_is_not_known_and_counted() -> None:
    directory = directory_of(
        {
            **ABOUT,
            "account_tier": "gold",
            "payment_fp": "",
            "billing_country": "Germany",
            "device_fp": 7,
        }
    )
    assert directory.unusable == {"account_tier": 1, "billing_country": 1, "device_fp": 1}
    assert "account_tier" not in event_of(outcome_of(directory))


def test_nobody_asks_before_the_account_was_made() -> None:
    later = {**ABOUT, "account_created_at": 1_800_000_000_000}
    assert "account_created_at" not in event_of(outcome_of(directory_of(later)))


def test_a_directory_is_read_from_lines_packed_lines_and_parquet(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(record) for record in (ABOUT, {"account_id": "k1:other"}))
    (tmp_path / "d.jsonl").write_text(lines)
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    pq.write_table(
        pa.Table.from_pylist([ABOUT, {"account_id": "k1:other"}]), tmp_path / "d.parquet"
    )
    for name in ("d.jsonl", "d.jsonl.gz", "d.parquet"):
        directory = read_directory(str(tmp_path / name))
        assert len(directory) == 2
        assert event_of(outcome_of(directory))["payment_fp"] == "k1:9c31"


def test_raw_identifiers_of_a_directory_are_digested_as_the_gateway_s_are(tmp_path: Path) -> None:
    raw = {**ABOUT, "account_id": "u-17", "payment_fp": "4242 4242", "org_id": "o"}
    (tmp_path / "d.jsonl").write_text(json.dumps(raw))
    event = event_of(outcome_of(read_directory(str(tmp_path / "d.jsonl"), KEYS)))
    assert event["payment_fp"] == KEYS.digest("payment", "4242 4242")
    assert event["org_id"] == KEYS.digest("org", "o")
    assert event["device_fp"] == "k1:77aa"  # a digest already


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "record 1: no JSON object; give one a line"),
        (b'{"account_id": ""}', "record 1: account_id has 1 to 512 characters"),
        (b'{"account_id": "a"}\n{}', "record 2: account_id is required, as text"),
        (b'{"account_id": "a", "schema_version": 2}', "record 1: schema_version is not 1"),
        (gzip.compress(b'{"account_id": "a"}', mtime=0)[:-9], "cannot be read after "),
        (b"PAR1 and no more", "cannot be read after 0 records"),
    ],
)
def test_a_directory_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_directory(str(path))
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    with pytest.raises(ConfigError, match="No such file"):
        read_directory(str(tmp_path / "none"))


def test_an_address_has_a_country_and_an_autonomous_system(tmp_path: Path) -> None:
    country = write_mmdb(
        tmp_path / "country.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "DE"}}}
    )
    asn = write_mmdb(
        tmp_path / "asn.mmdb",
        {
            "203.0.113.0/25": {"autonomous_system_number": 64500},
            "198.51.100.0/24": {"asn": "AS64501", "is_hosting_provider": True},
        },
    )
    geo = Geo(country, asn)
    event = event_of(outcome_of(geo=geo))
    assert (event["geo_country"], event["asn"]) == ("DE", 64500)
    event = event_of(outcome_of(geo=geo, **{"x-forwarded-for": "198.51.100.9"}))
    assert "geo_country" not in event
    assert (event["asn"], event["ip_class"]) == (64501, "hosting")
    for nowhere in ("192.0.2.1", "2001:db8::1", "-"):
        assert "asn" not in event_of(outcome_of(geo=geo, **{"x-forwarded-for": nowhere}))
    geo.close()


def test_a_geo_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.mmdb"
    with pytest.raises(ConfigError, match=r"no\.mmdb: cannot be read: No such file"):
        Geo(str(path))
    path.write_bytes(b"no such thing")
    with pytest.raises(ConfigError, match="give a file in MaxMind's format"):
        Geo(str(path))
