"""The account directory: what a platform knows of an account and no gateway sees (account-directory.v1).

A file of it, or records one by one as a topic has them; the newer `updated_at` wins.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from detectors.errors import ConfigError
from streams.intake.digesting import KINDS, fingerprint
from streams.intake.gate import CHECKS

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys

PROPERTIES: Final = (
    *("org_id", "account_created_at", "account_tier", "signup_path"),
    *("referral_fp", "payment_fp", "device_fp", "billing_country"),
)
DIGESTS: Final = ("account_id", "org_id", "referral_fp", "payment_fp", "device_fp")
MOST_LINE: Final = 64 << 10


class Directory:
    """Accounts by id. `unusable`: properties that were there and not valid, by name.

    A record is small, and so is what is kept of it; memory grows with the accounts alone.
    """

    def __init__(self) -> None:
        self.unusable: Counter[str] = Counter()
        self._accounts: dict[str, tuple[int, dict[str, Any]]] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    def get(self, account_id: str) -> dict[str, Any] | None:
        """What is known of an account, as properties of the contract; not to be changed."""
        found = self._accounts.get(account_id)
        return None if found is None else found[1]

    def apply(self, account_id: str, record: dict[str, Any] | None) -> str | None:
        """Take a record; None forgets the account. Gives what is wrong with it, without its values."""
        if not account_id or len(account_id) > 512:
            return "account_id has 1 to 512 characters"
        if record is None:
            self._accounts.pop(account_id, None)
            return None
        if record.get("schema_version") not in (None, 1):
            return "schema_version is not 1, the only version read here"
        updated = record.get("updated_at")
        if updated.__class__ is not int:
            if updated is not None:
                self.unusable["updated_at"] += 1
            updated = 0  # of unknown age: whatever comes later is as new
        before = self._accounts.get(account_id)
        if before is not None and before[0] > updated:
            return None
        self._accounts[account_id] = updated, self._known(record)
        return None

    def _known(self, record: dict[str, Any]) -> dict[str, Any]:
        known = {}
        for name in PROPERTIES:
            value = record.get(name)
            if value is None or value == "":
                continue
            if value.__class__ is float and value.is_integer():
                value = int(value)  # as JSON Schema has it
            if CHECKS[name](value):
                known[name] = value
            else:
                self.unusable[name] += 1
        return known


class Digesting:
    """Makes digests of a directory's identifiers, as the intake makes them of a gateway's."""

    def __init__(self, keys: Keys) -> None:
        self._of = {name: fingerprint(keys, KINDS[name]) for name in DIGESTS}

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with digests for its identifiers; what is a digest already stays."""
        made = dict(record)
        for name, digest in self._of.items():
            if record.get(name) is not None:
                made[name] = digest(record[name])
        return made


def read_directory(path: str, digest_ids: Keys | None = None) -> Directory:
    """The directory in a file: .jsonl, .jsonl.gz or .parquet. `digest_ids`: its identifiers are raw.

    ConfigError for a file that cannot be read, and for a record without an account_id.
    """
    directory = Directory()
    for number, account, record in accounts_in(path, digest_ids):
        if problem := directory.apply(account, record):
            raise ConfigError(f"{path}, record {number:,}: {problem}")
    return directory


def accounts_in(
    path: str, digest_ids: Keys | None = None
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number, account and record of each in a file. ConfigError as `read_directory`."""
    digested = None if digest_ids is None else Digesting(digest_ids)
    for number, record in enumerate(records_in(path), 1):
        if record is None:
            raise ConfigError(f"{path}, record {number:,}: no JSON object; give one a line")
        made = record if digested is None else digested(record)
        account = made.get("account_id")
        if not isinstance(account, str):
            raise ConfigError(f"{path}, record {number:,}: account_id is required, as text")
        yield number, account, made


def records_in(path: str) -> Iterator[dict[str, Any] | None]:
    """The records of a file, None for one that is no JSON object. ConfigError where it cannot be read."""
    number = 0
    try:
        for record in _records(path):
            number += 1
            yield record
    except (OSError, EOFError, ValueError, zlib.error) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(
            f"{path}: cannot be read after {number:,} records: {said}; "
            "give a directory as .jsonl, .jsonl.gz or .parquet"
        ) from error


def parse_line(line: bytes) -> dict[str, Any] | None:
    """A record of the directory, None where it is no JSON object."""
    if len(line) > MOST_LINE:
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _records(path: str) -> Iterator[dict[str, Any] | None]:
    with Path(path).open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head == b"PAR1":
            yield from _rows(path)
            return
        lines = gzip.GzipFile(fileobj=raw) if head.startswith(b"\x1f\x8b") else raw
        while line := lines.readline(MOST_LINE + 1):
            if not line.isspace():
                yield parse_line(line.removeprefix(b"\xef\xbb\xbf"))


def _rows(path: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ("schema_version", "account_id", "updated_at", *PROPERTIES)
    try:
        with pq.ParquetFile(path) as table:
            columns = [name for name in table.schema_arrow.names if name in wanted]
            for batch in table.iter_batches(10_000, columns=columns, use_threads=False):
                for row in batch.to_pylist():
                    yield {name: _plain(value) for name, value in row.items()}
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    """A time as milliseconds; all else as it is."""
    if hasattr(value, "timestamp"):
        from streams.intake.times import since_epoch

        return since_epoch(value)
    return value
