"""Columns to JSON bytes: fixed-width members as byte matrices, the rest by one format per event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worlds.accounts import Accounts
from worlds.randomness import Ints, Words
from worlds.requests import Requests
from worlds.vocabulary import CAPABILITIES, CLIENTS, COUNTRIES, MODELS, SIGNUPS, STATUSES, TIERS

_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2").view(np.uint16)

Table = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Records:
    """A batch of records as a log holds them: keys, values, and when (ms) each was appended."""

    keys: list[bytes]
    values: list[bytes]
    timestamps: Ints

    def __len__(self) -> int:
        """Give the number of records."""
        return len(self.values)


def hex_members(before: bytes, values: Words, after: bytes, digits: int) -> list[bytes]:
    """Write each value as `before`, its lowest hex digits, `after`; a value of 0 as nothing."""
    count, left = len(values), len(before)
    matrix = np.empty((count, left + digits + len(after)), dtype=np.uint8)
    matrix[:, :left] = np.frombuffer(before, dtype=np.uint8)
    octets = values.astype(">u8").view(np.uint8)
    matrix[:, left : left + digits] = (
        _HEX[octets].view(np.uint8).reshape(count, 16)[:, 16 - digits :]
    )
    matrix[:, left + digits :] = np.frombuffer(after, dtype=np.uint8)
    matrix[values == 0] = 0  # numpy's byte strings end at their trailing zeros: nothing is left
    strings: list[bytes] = matrix.view(f"S{matrix.shape[1]}").ravel().tolist()
    return strings


def table_of(members: Sequence[bytes]) -> Table:
    """Make a table of ready members to pick from by code."""
    table = np.empty(len(members), dtype=object)
    table[:] = members
    return table


def pick(table: Table, codes: Ints) -> list[bytes]:
    """Pick the member of each code."""
    picked: list[bytes] = table[codes].tolist()
    return picked


class Writer:
    """Writes requests as contract v1 JSON, with what is fixed per account or place made once."""

    def __init__(self, accounts: Accounts, names: Words, places: Sequence[bytes]) -> None:
        keys = [b"a-%016x" % name for name in names.tolist()]
        self._keys = table_of(keys)
        self._accounts = table_of(_account_members(accounts, keys))
        self._places = table_of(places)
        self._tls = table_of([b',"tls_fp":"%b"' % c.tls.encode() for c in CLIENTS] + [b""])
        self._clients = table_of([*map(_client_members, range(len(CLIENTS))), b""])
        self._capabilities = table_of(
            [b',"capability":"%b"' % c.encode() for c in CAPABILITIES] + [b""]
        )
        self._scores = table_of([b',"cot_score":%.2f' % (s / 100) for s in range(101)] + [b""])
        self._models = table_of([m.name.encode() for m in MODELS])
        self._statuses = table_of(
            [b"%d" % s + (b',"error_class":"%b"' % e.encode() if e else b"") for s, e in STATUSES]
        )

    def records(self, rows: Requests) -> Records:
        """Serialise `rows` in their order; the timestamp of a record is its ingest time."""
        columns = zip(
            hex_members(b'{"event_id":"e-', rows.event, b'","event_time":', 16),
            rows.time.tolist(),
            rows.ingest.tolist(),
            pick(self._accounts, rows.account),
            hex_members(b',"session_id":"s-', rows.session, b'"', 12),
            pick(self._models, rows.model),
            rows.input.tolist(),
            rows.output.tolist(),
            rows.reasoning.tolist(),
            rows.cached.tolist(),
            rows.tools.tolist(),
            rows.turn.tolist(),
            hex_members(b',"payment_fp":"k1:', rows.payment, b'"', 12),
            pick(self._places, rows.place),
            hex_members(b',"device_fp":"k1:', rows.device, b'"', 12),
            pick(self._tls, rows.tls),
            pick(self._clients, rows.client),
            hex_members(b',"system_fp":"k1:', rows.system, b'"', 12),
            hex_members(b',"prompt_fp":"k1:', rows.prompt, b'"', 12),
            hex_members(b',"template_fp":"', rows.template, b'"', 16),
            pick(self._capabilities, rows.capability),
            pick(self._scores, rows.cot),
            pick(self._statuses, rows.status),
            rows.latency.tolist(),
            (rows.cost_micro / 1e6).tolist(),
            strict=True,
        )
        return Records(
            keys=pick(self._keys, rows.account),
            values=[_EVENT % row for row in columns],
            timestamps=rows.ingest,
        )


_EVENT = (
    b'%b%d,"ingest_time":%d%b%b,"model":"%b","input_tokens":%d,"output_tokens":%d'
    b',"reasoning_tokens":%d,"cached_tokens":%d,"tool_count":%d,"turn_index":%d%b%b%b%b%b%b%b%b%b%b'
    b',"status":%b,"latency_ms":%d,"cost_usd":%.6f}'
)


def _client_members(code: int) -> bytes:
    client = CLIENTS[code]
    attested = b',"client_attested":true' if client.attested else b""
    shape, path = client.shape.encode(), client.access_path.encode()
    return b',"client_fp":"%b"%b,"access_path":"%b"' % (shape, attested, path)


def _account_members(table: Accounts, keys: list[bytes]) -> list[bytes]:
    members = []
    for row, key in enumerate(keys):
        country = COUNTRIES[table.country[row]]
        parts = [
            b',"account_id":"%b","account_created_at":%d' % (key, table.created[row]),
            b',"account_tier":"%b"' % TIERS[table.tier[row]].encode(),
            b',"signup_path":"%b"' % SIGNUPS[table.signup[row]].encode(),
            b',"lang":"%b"' % country.language.encode(),
        ]
        if table.payment[row]:
            parts.append(b',"billing_country":"%b"' % country.code.encode())
        if table.org[row]:
            parts.append(b',"org_id":"o-%012x"' % int(table.org[row]))
        members.append(b"".join(parts))
    return members
