"""A file that holds no events is told from one with a few bad records, and what it is instead is said."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from detectors.decode.decoder import Decoder
from detectors.decode.rejects import Rejected
from streams.records.appearance import Sight, half_read, unreadable
from streams.records.event_files import EventFileError, read_chunks
from tests.stage_stories import KEY, START, request

EVENTS = [request(number, START) for number in range(20)]
TEXT = "".join(json.dumps(event) + "\n" for event in EVENTS)


def said_of(content: bytes, where: Path) -> str:
    """What a replay would say of a file; nothing if it is one of events."""
    path = where / "events"
    path.write_bytes(content)
    sight, decoder = Sight(), Decoder(KEY)
    records = rejected = 0
    first: Rejected | None = None
    for values in read_chunks(str(path), sight=sight):
        decoded = decoder.decode(values)
        if first is None and decoded.rejected:
            one = decoded.rejected[0]
            first = Rejected(records + one.row, one.reason, one.message)
        records += len(values)
        rejected += len(decoded.rejected)
    return unreadable("events", records - rejected, rejected, first, sight)


def csv() -> str:
    lines = [",".join(EVENTS[0])] + [",".join(map(str, event.values())) for event in EVENTS]
    return "\n".join(lines)


LOOKS: dict[str, tuple[bytes, str]] = {
    "an array, a line each": (
        ("[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]\n").encode(),
        r"only 1 of 22 records .* record 1 .* not_json: .* a JSON array; .* jq -c '\.\[\]'",
    ),
    "an array of one": (
        f"[\n{json.dumps(EVENTS[0])}\n]\n".encode(),
        r"only 1 of 3 records .* a JSON array",
    ),
    "an array on one line": (
        json.dumps(EVENTS).encode(),
        r"none of 1 record .* not_object: .* a JSON array",
    ),
    "pretty-printed": (
        "\n".join(json.dumps(event, indent=2) for event in EVENTS).encode(),
        r"none of \d+ records .* JSON over several lines; .* jq -c \. ",
    ),
    "the inside of an array": (
        ",\r\n".join(map(json.dumps, EVENTS[:3])).encode(),
        r"only 1 of 3 records .* record 1 .* the inside of a JSON array; .* sed 's/,",
    ),
    "an object whose first line ends as one of an array": (
        b'{"usage": {"cached": 0},\n"event_id": "e-1"}\n' * 9,
        r"JSON over several lines",
    ),
    "several on a line": (
        "".join(map(json.dumps, EVENTS[:3])).encode(),
        r"Several objects share a line; .* jq -c \.",
    ),
    "UTF-16 with a mark": (TEXT.encode("utf-16"), r"looks like UTF-16; .* iconv -f UTF-16"),
    "UTF-16 without": (TEXT.encode("utf-16-le"), r"looks like UTF-16"),
    "UTF-16 the other way": (TEXT.encode("utf-16-be"), r"looks like UTF-16"),
    "UTF-32": (TEXT.encode("utf-32"), r"looks like UTF-32; .* iconv -f UTF-32"),
    "UTF-32 without": (TEXT.encode("utf-32-be"), r"looks like UTF-32"),
    "CSV": (csv().encode(), r"looks like CSV; .*pyarrow"),
    "CSV with a word in front": (
        b"PARENT_ID,event_id\n" + b"1,e-1\n" * 9,
        r"looks like CSV",
    ),
    "TSV": (csv().replace(",", "\t").encode(), r"looks like CSV"),
    "Python's own": ("\n".join(map(str, EVENTS)).encode(), r"what Python prints of a dict"),
    "a web page": (b"<!doctype html>\n<p>404</p>\n", r"XML or a web page"),
    "noise": (bytes(range(128, 256)) * 40, r"binary data of no kind known here"),
    "alerts": (b'{"alert_id":"a","kind":"account"}\n' * 9, r"looks like a file of alerts"),
    "times in no known unit": (
        TEXT.replace(f'"event_time": {START}', '"event_time": -1').encode(),
        r"none of 20 records .* out_of_range: event_time",
    ),
    "events of another product": (
        b'{"id":"1","user":"u"}\n' * 9,
        r"missing_property: event_id .* The first object has no event_id, event_time",
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_what_holds_no_events_is_told_with_the_rule_the_look_and_the_mend(
    look: str, tmp_path: Path
) -> None:
    content, pattern = LOOKS[look]
    for packed in (content, gzip.compress(content)):
        said = said_of(packed, tmp_path)
        assert said.startswith("events: ")
        with pytest.raises(AssertionError, match=pattern):
            raise AssertionError(said)


def archive(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as packed:
            packed.writestr("events.jsonl", TEXT)
    else:
        with tarfile.open(fileobj=out, mode=f"w:{kind}") as packed_tar:
            info = tarfile.TarInfo("events.jsonl")
            info.size = len(TEXT)
            packed_tar.addfile(info, io.BytesIO(TEXT.encode()))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive("zip"), "a zip archive; .* unzip -p"),
        (archive(""), "a tar archive; .* tar -xOf"),
        (archive("gz"), "a tar archive"),
        (archive("xz"), "a tar archive"),
        (gzip.compress(gzip.compress(TEXT.encode())), "compressed twice"),
        (b"\x04\x22\x4d\x18" + bytes(30), "compressed with lz4; pipe it: lz4 -dc"),
        (b"\xff\x06\x00\x00sNaPpY" + bytes(30), "compressed with snappy"),
        (b"Obj\x01" + bytes(30), "an Avro file; .* parquet"),
        (b"ARROW1\x00\x00" + bytes(30), "an Arrow file"),
        (b"FEA1\x00\x00\x00\x00\x01,|;" + bytes(30), "a Feather file; .* parquet"),
        (b"PARE*\x00\x00\x00\x94,|;ksX", "an encrypted parquet file; .* without encryption"),
        (gzip.compress(b"PAR1" + bytes(30)), "a parquet file, compressed as a whole"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # contents hold the time of day
)
def test_an_archive_or_another_compression_is_named_before_it_is_read(
    content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "events"
    path.write_bytes(content)
    with pytest.raises(EventFileError, match=f"events: it is {said}"):
        list(read_chunks(str(path)))


@pytest.mark.parametrize(
    "odd", [b"[", b"\xff\xfejunk", b"<a>", b"a,b", b"{", b"{}", b'{"alert_id":1}']
)
@pytest.mark.parametrize("good", [1, 20])
def test_one_odd_record_at_the_beginning_says_nothing_of_the_others(
    odd: bytes, good: int, tmp_path: Path
) -> None:
    lines = TEXT.encode().splitlines(keepends=True)[:good]
    assert said_of(odd + b"\n" + b"".join(lines), tmp_path) == ""


def test_nearly_nothing_is_less_than_one_in_ten(tmp_path: Path) -> None:
    lines = TEXT.encode().splitlines(keepends=True)
    assert said_of(lines[0] + b'{"event_id":3}\n' * 9, tmp_path) == ""
    assert "only 1 of 11 records" in said_of(lines[0] + b'{"event_id":3}\n' * 10, tmp_path)


def test_less_than_half_is_told_with_the_share_and_the_first_rule_that_was_broken() -> None:
    first = Rejected(1_233, "not_json", "no value")
    assert half_read("events", 50, 50, first) == ""
    assert half_read("events", 5, 0, None) == ""
    said = half_read("events", 1, 9_999, first)
    assert said.startswith("events: 9,999 of 10,000 records (99 %) could not be read as an event")
    assert said.endswith("record 1,234 is the first that could not: not_json: no value")


def test_a_file_of_events_and_an_empty_one_are_said_nothing_of(tmp_path: Path) -> None:
    assert said_of(TEXT.encode(), tmp_path) == ""
    assert said_of(b"", tmp_path) == ""
    assert said_of(b"\xef\xbb\xbf" + TEXT.encode(), tmp_path) == ""
