"""What a file looks like that holds no events, and how it becomes one that does.

That is said where nothing, or nearly nothing, of it could be read: one odd record at its beginning says
nothing of the others, and costs nothing but itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from detectors.contract.request_event import REQUIRED
from detectors.decode.rejects import Rejected

NEARLY_NOTHING = 10  # fewer than one record in so many could be read
AGAIN = "FILE | hydrawatch ... -"

# Archives and formats that hold no lines: (where, first bytes, name, mend).
_FOREIGN = (
    (0, b"PK\x03\x04", "a zip archive", f"unpack it: unzip -p {AGAIN}"),
    (0, b"PK\x05\x06", "an empty zip archive", "give the file that holds the events"),
    (257, b"ustar", "a tar archive", f"take the files out: tar -xOf {AGAIN}"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", f"unpack it: 7z x -so {AGAIN}"),
    (0, b"Rar!\x1a\x07", "a rar archive", f"unpack it: unrar p -inul {AGAIN}"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", f"pipe it: lz4 -dc {AGAIN}"),
    (0, b"\xff\x06\x00\x00sNaPpY", "compressed with snappy", f"pipe it: snzip -dc {AGAIN}"),
    (0, b"\x1f\x9d", "compressed with compress", f"pipe it: uncompress -c {AGAIN}"),
    (0, b"LZIP", "compressed with lzip", f"pipe it: lzip -dc {AGAIN}"),
    (0, b"\x89LZO\x00", "compressed with lzop", f"pipe it: lzop -dc {AGAIN}"),
    (0, b"\x5d\x00\x00", "compressed with lzma", f"pipe it: xz --format=lzma -dc {AGAIN}"),
    (0, b"x\x9c", "compressed with zlib", f"pipe it: zlib-flate -uncompress < {AGAIN}"),
    (0, b"x\xda", "compressed with zlib", f"pipe it: zlib-flate -uncompress < {AGAIN}"),
    (0, b"x\x01", "compressed with zlib", f"pipe it: zlib-flate -uncompress < {AGAIN}"),
    (0, b"\x1f\x8b", "compressed twice", f"unpack it once: gzip -dc {AGAIN}"),
    (0, b"\x28\xb5\x2f\xfd", "compressed twice", f"unpack it once, then pipe it: zstd -dc {AGAIN}"),
    (0, b"\xfd7zXZ\x00", "compressed twice", f"unpack it once, then pipe it: xz -dc {AGAIN}"),
    (0, b"BZh91AY&SY", "compressed twice", f"unpack it once, then pipe it: bzip2 -dc {AGAIN}"),
    (0, b"PAR1", "a parquet file, compressed as a whole", "unpack it and give the file's path"),
    (0, b"PARE", "an encrypted parquet file", "write it again without encryption"),
    (0, b"FEA1", "a Feather file", "write it again as parquet, or as a JSON object a line"),
    (0, b"Obj\x01", "an Avro file", "write it again as parquet, or as a JSON object a line"),
    (0, b"ARROW1", "an Arrow file", "write it again as parquet, or as a JSON object a line"),
    (0, b"ORC", "an ORC file", "write it again as parquet, or as a JSON object a line"),
    (0, b"SQLite format 3\x00", "a SQLite database", "export a JSON object a line"),
    (0, b"%PDF-", "a PDF", "give the file that holds the events"),
)
_WORDS = (b"PARE",)  # a heading of CSV may begin so too, and has no zeros
_UTF = (
    (b"\xff\xfe\x00\x00", "32"),
    (b"\x00\x00\xfe\xff", "32"),
    (b"\xff\xfe", "16"),
    (b"\xfe\xff", "16"),
)
_IN_UTF_16 = re.compile(rb"\s*(?:[\x09-\x7e]\x00){3}|\s*(?:\x00[\x09-\x7e]){3}").match
_IN_UTF_32 = re.compile(rb"(?:[\x09-\x7e]\x00{3}){3}|(?:\x00{3}[\x09-\x7e]){3}").match


@dataclass(slots=True)
class Sight:
    """A file's first bytes, unpacked; of parquet the required properties that it has no column for."""

    head: bytes = b""
    lacking: tuple[str, ...] | None = None


def foreign(head: bytes) -> str:
    """What a file is of which no line can be an event, and the mend; nothing if it may be one of lines."""
    for at, magic, what, mend in _FOREIGN:
        if head.startswith(magic, at) and (magic not in _WORDS or b"\0" in head):
            return f"it is {what}; {mend}"
    return ""


def unreadable(
    name: str, accepted: int, rejected: int, first: Rejected | None, sight: Sight
) -> str:
    """What is to be said of a file of which nothing, or nearly nothing, could be read; else nothing.

    `first` is the first record set aside, its row counted from the file's beginning.
    """
    total = accepted + rejected
    what = looks_like(sight, first)
    # An array of few events may hold one on a line of its own.
    text = _text(sight.head)
    lines = (text.startswith(b"{") and not _in_array(text)) or sight.lacking is not None
    share = 2 if what and not lines else NEARLY_NOTHING
    if first is None or accepted * share >= total:
        return ""
    how = "none" if not accepted else f"only {accepted:,}"
    records = "record" if total == 1 else "records"
    return f"{name}: {how} of {total:,} {records} could be read as an event; {_broken(first)}. " + (
        what or "Give a file with one JSON object of the contract's properties a line, or parquet"
    )


def half_read(name: str, accepted: int, rejected: int, first: Rejected | None) -> str:
    """What is to be said of a file of which less than half could be read as events; else nothing."""
    total = accepted + rejected
    if first is None or rejected * 2 <= total:
        return ""
    share = rejected * 100 // total  # never 100 % of a file that was read in part
    return (
        f"{name}: {rejected:,} of {total:,} records ({share} %) could not be read as an event, and the "
        f"alerts know nothing of them; {_broken(first)}"
    )


def looks_like(sight: Sight, first: Rejected | None = None) -> str:
    """What a file looks like instead of a JSON object a line, and the mend; nothing if one cannot tell."""
    if sight.lacking is not None:
        columns = ", ".join(sight.lacking)
        return f"It is a parquet file without columns {columns}; name them so" if columns else ""
    head = sight.head
    for mark, width in _UTF:
        if head.startswith(mark):
            return _in_utf(width)
    if _IN_UTF_32(head):
        return _in_utf("32")
    if _IN_UTF_16(head):
        return _in_utf("16")
    text = _text(head)
    line = text.split(b"\n", 1)[0].rstrip()
    if text.startswith(b"\x1e"):
        return f"It looks like a JSON text sequence; take its marks out: jq --seq -c . {AGAIN}"
    if text.startswith(b"["):
        return f"It looks like a JSON array; give an object a line: jq -c '.[]' {AGAIN}"
    if _in_array(text):
        return (
            "It looks like the inside of a JSON array; take the comma off each line's end: "
            f"sed 's/,[[:space:]]*$//' {AGAIN}"
        )
    if line == b"{" or (text.startswith(b"{") and not _closes(line, head)):
        return f"It looks like JSON over several lines; give an object a line: jq -c . {AGAIN}"
    if text.startswith((b"{'", b"{u'")):
        return "It looks like what Python prints of a dict; write it with json.dumps"
    if text.startswith(b"{"):
        if first is not None and first.reason == "not_json" and re.search(rb"\}\s*\{", line):
            return f"Several objects share a line; give an object a line: jq -c . {AGAIN}"
        if first is not None and first.reason == "missing_property":
            return _of_another_kind(line)
        return ""
    if text.startswith(b"<"):
        return "It looks like XML or a web page; give a JSON object a line, or parquet"
    words = re.split(rb"[,;|\t]", line)
    if len(words) > 1 and b"{" not in line:
        return (
            "It looks like CSV; write a JSON object a line, or parquet: "
            'python -c "import pyarrow.csv as c, pyarrow.parquet as p; '
            "p.write_table(c.read_csv('FILE'), 'FILE.parquet')\""
        )
    if b"\x00" in head or sum(c >= 0x80 for c in head) * 4 > len(head):
        return (
            "It looks like binary data of no kind known here; give a JSON object a line, or parquet"
        )
    return ""


def _broken(first: Rejected) -> str:
    return f"record {first.row + 1:,} is the first that could not: {first.reason}: {first.message}"


def _text(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _in_array(text: bytes) -> bool:
    """Whether the first line is an object and a comma, as between the brackets of an array."""
    line = text.split(b"\n", 1)[0].rstrip()
    if not (line.startswith(b"{") and line.endswith(b"},")):
        return False
    try:
        orjson.loads(line[:-1])
    except orjson.JSONDecodeError:
        return False
    return True


def _in_utf(width: str) -> str:
    return (
        f"It looks like UTF-{width}; write it as UTF-8: iconv -f UTF-{width} -t UTF-8 {AGAIN} "
        "(in PowerShell: Out-File -Encoding utf8)"
    )


def _closes(line: bytes, head: bytes) -> bool:
    """Whether the first line ends an object, as far as one can see it."""
    return line.endswith(b"}") or len(line) >= len(head.strip()) > 1000


def _of_another_kind(line: bytes) -> str:
    for mark, what in (
        (b'"alert_id"', "alerts"),
        (b'"control_id"', "control events"),
        (b'"campaigns"', "the truth of a world"),
    ):
        if mark in line:
            return f"It looks like a file of {what}; give one of request events"
    if b'"payload"' in line or b'"value"' in line:
        return (
            f"Each object seems to carry an event within; take it out, as in: jq -c .value {AGAIN}"
        )
    lacking = [name for name in REQUIRED if b'"%s"' % name.encode() not in line]
    return f"The first object has no {', '.join(lacking)}" if lacking else ""
