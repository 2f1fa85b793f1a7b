"""Columns to JSON lines: one kernel that copies ready fragments and writes digits, no objects.

Serialising with Python's formats costs some 5 microseconds an event; this, a tenth of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from worlds.actors import Actors
from worlds.draw import Requests
from worlds.kernel import kernel
from worlds.randomness import Bools, Ints, Words, mix64
from worlds.vocabulary import (
    CAPABILITIES,
    CLIENTS,
    COUNTRIES,
    LANGUAGES,
    MODELS,
    SIGNUPS,
    STATUSES,
    TIERS,
)

_LOGGED_IN = [n for n, client in enumerate(CLIENTS) if client.access_path == "web"]
_EITHER_WAY = [n for n, client in enumerate(CLIENTS) if client.access_path == "cli"]
_CLI_BY_KEY = np.uint64(40)  # percent of accounts whose cli calls by key: an assumption
_LONGEST = 1_400  # bytes of an event, with room: the contract's fields at their longest here


class Fragments(NamedTuple):
    """Ready pieces of text, one after another; piece i is text[starts[i]:starts[i + 1]]."""

    text: npt.NDArray[np.uint8]
    starts: Ints


def fragments(pieces: Sequence[bytes]) -> Fragments:
    """Lay out pieces of text for the kernel."""
    starts = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=starts[1:])
    return Fragments(np.frombuffer(b"".join(pieces) + b"\0", dtype=np.uint8), starts)


class Lines:
    """Records of one slice, in order of arrival; keys and values are split off when asked for.

    `guilty` says which requests were sent for a campaign: truth, which no event carries.
    """

    def __init__(self, text: bytes, ends: Ints, rows: Requests, keys: Sequence[bytes]) -> None:
        self._text = text
        self._ends = ends
        self._names = keys
        self.rows = rows
        self.timestamps: Ints = rows["ingest"]
        self.guilty: Bools = rows["guilty"]

    def __len__(self) -> int:
        """Give the number of records."""
        return len(self.rows)

    def joined(self) -> bytes:
        """Give all values as lines, each ended."""
        return self._text

    @cached_property
    def values(self) -> list[bytes]:
        """Give the values, one per record."""
        text = self._text
        starts = [0, *self._ends.tolist()]
        return [text[a : b - 1] for a, b in pairwise(starts)]

    @cached_property
    def keys(self) -> list[bytes]:
        """Give the keys, one per record: the account ids."""
        return [self._names[actor] for actor in self.rows["actor"].tolist()]


class LineWriter:
    """Writes requests as contract v1 JSON, with what is fixed per actor or place made once."""

    def __init__(self, actors: Actors, names: Words, places: Sequence[bytes]) -> None:
        ids = [b"a-%016x" % name for name in names.tolist()]
        self._keys = [ids[account] for account in actors["account"].tolist()]
        self._actors = fragments(_actor_members(actors, self._keys, api_keys_of(actors, names)))
        self._places = fragments(places)
        self._scratch = np.empty(0, dtype=np.uint8)

    def lines(self, rows: Requests) -> Lines:
        """Serialise `rows` in their order; the timestamp of a record is its ingest time."""
        if len(self._scratch) < len(rows) * _LONGEST:  # kept: fresh pages cost as much as the text
            self._scratch = np.empty(len(rows) * _LONGEST, dtype=np.uint8)
        ends = np.zeros(len(rows), dtype=np.int64)
        length = _write(rows, self._actors, self._places, _WORDS, _TABLES, self._scratch, ends)
        return Lines(self._scratch[:length].tobytes(), ends, rows, self._keys)


_MEMBERS = (
    b'{"event_id":"e-',
    b'","event_time":',
    b',"ingest_time":',
    b',"session_id":"s-',
    b',"input_tokens":',
    b',"output_tokens":',
    b',"reasoning_tokens":',
    b',"cached_tokens":',
    b',"tool_count":',
    b',"turn_index":',
    b',"payment_fp":"k1:',
    b',"device_fp":"k1:',
    b',"system_fp":"k1:',
    b',"prompt_fp":"k1:',
    b',"template_fp":"',
    b',"latency_ms":',
    b',"cost_usd":',
    b"}\n",
    b',"reasoning_fp":"k1:',
    b',"input_tokens":null,"output_tokens":null',
)
_WORDS = fragments(_MEMBERS)


def _tables() -> tuple[Fragments, ...]:
    """Members by code: tls, client, capability, cot, grading, language, model, status."""
    clients = []
    for client in CLIENTS:
        attested = b',"client_attested":true' if client.attested else b""
        clients.append(
            b',"client_fp":"%b"%b,"access_path":"%b"'
            % (client.shape.encode(), attested, client.access_path.encode())
        )
    columns = (
        [b',"tls_fp":"%b"' % c.tls.encode() for c in CLIENTS] + [b""],
        [*clients, b""],
        [b',"capability":"%b"' % name.encode() for name in CAPABILITIES] + [b""],
        [b',"cot_score":%.2f' % (s / 100) for s in range(101)] + [b""],
        [b',"grading_score":%.2f' % (s / 100) for s in range(101)] + [b""],
        [b',"lang":"%b"' % name.encode() for name in LANGUAGES] + [b""],
        [b',"model":"%b"' % m.name.encode() for m in MODELS],
        [
            b',"status":%d' % s + (b',"error_class":"%b"' % e.encode() if e else b"")
            for s, e in STATUSES
        ],
    )
    return tuple(fragments(column) for column in columns)


_TABLES = _tables()
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


# Places in the text are unsigned, so that no index is looked at for being negative.


@kernel
def _copy(text: Any, at: Any, pieces: Any, number: int) -> Any:  # pragma: no cover (compiled)
    first = np.uint64(pieces.starts[number])
    length = np.uint64(pieces.starts[number + 1]) - first
    for i in range(length):
        text[at + i] = pieces.text[first + i]
    return at + length


@kernel
def _digits(text: Any, at: Any, value: Any) -> Any:  # pragma: no cover (compiled)
    ten = np.uint64(10)
    rest = np.uint64(value)
    count = np.uint64(1)
    limit = ten
    while rest >= limit:
        count += np.uint64(1)
        limit *= ten
    end = at + count
    for i in range(count):
        whole = rest // ten
        text[end - np.uint64(1) - i] = np.uint8(np.uint64(48) + rest - whole * ten)
        rest = whole
    return end


@kernel
def _hex(text: Any, at: Any, value: Any, digits: Any) -> Any:  # pragma: no cover (compiled)
    end = at + np.uint64(digits)
    for i in range(np.uint64(digits)):
        text[end - np.uint64(1) - i] = _HEX[value & np.uint64(15)]
        value >>= np.uint64(4)
    return end


@kernel
def _fingerprint(
    text: Any, at: Any, words: Any, member: int, value: Any, digits: int
) -> Any:  # pragma: no cover (compiled)
    """Write a member with a fingerprint; one of 0 as nothing."""
    if value == 0:
        return at
    at = _hex(text, _copy(text, at, words, member), value, digits)
    text[at] = 34
    return at + np.uint64(1)


@kernel
def _write(
    rows: Any, actors: Any, places: Any, words: Any, tables: Any, text: Any, ends: Any
) -> Any:  # pragma: no cover (compiled)
    tls, client, capability, cot, grading, language, model, status = tables
    at = np.uint64(0)
    for i in range(len(rows)):
        r = rows[i]
        at = _hex(text, _copy(text, at, words, 0), r.event, 16)
        at = _digits(text, _copy(text, at, words, 1), r.time)
        at = _digits(text, _copy(text, at, words, 2), r.ingest)
        at = _copy(text, at, actors, r.actor)
        at = _fingerprint(text, at, words, 3, r.session, 12)
        at = _copy(text, at, model, r.model)
        if r.untold:
            at = _copy(text, at, words, 19)
        else:
            at = _digits(text, _copy(text, at, words, 4), r.input)
            at = _digits(text, _copy(text, at, words, 5), r.output)
            at = _digits(text, _copy(text, at, words, 6), r.reasoning)
            at = _digits(text, _copy(text, at, words, 7), r.cached)
        at = _digits(text, _copy(text, at, words, 8), r.tools)
        at = _digits(text, _copy(text, at, words, 9), r.turn)
        at = _fingerprint(text, at, words, 10, r.payment, 12)
        at = _copy(text, at, places, r.place)
        at = _fingerprint(text, at, words, 11, r.device, 12)
        at = _copy(text, at, tls, r.tls)
        at = _copy(text, at, client, r.client)
        at = _fingerprint(text, at, words, 12, r.system, 12)
        at = _fingerprint(text, at, words, 13, r.prompt, 12)
        at = _fingerprint(text, at, words, 14, r.template, 16)
        at = _fingerprint(text, at, words, 18, r.block, 12)
        at = _copy(text, at, capability, r.capability)
        at = _copy(text, at, cot, r.cot)
        at = _copy(text, at, grading, r.grading)
        at = _copy(text, at, language, r.language)
        at = _copy(text, at, status, r.status)
        at = _digits(text, _copy(text, at, words, 15), r.latency)
        if not r.untold:
            at = _digits(text, _copy(text, at, words, 16), r.cost_micro // 1_000_000)
            # six decimals: the digits of a million and the rest, whose leading 1 the point overwrites
            end = _digits(text, at, 1_000_000 + r.cost_micro % 1_000_000)
            text[at] = 46
            at = end
        at = _copy(text, at, words, 17)
        ends[i] = at
    return at


def api_keys_of(actors: Actors, names: Words) -> Words:
    """Give each actor the key that it calls by, 0 for none: who logs in, in a browser or a cli, has none.

    A key is its account's, whoever uses it, until the epoch of its organisation's identifiers changes.
    """
    word = mix64(names[actors["account"]] ^ np.uint64(0xA0761D6478BD642F))
    logs_in = np.isin(actors["client"], _LOGGED_IN) | (
        np.isin(actors["client"], _EITHER_WAY) & (word % np.uint64(100) >= _CLI_BY_KEY)
    )
    keys = mix64(word + actors["epoch"].astype(np.uint64)) & np.uint64((1 << 48) - 1)
    given: Words = np.where(logs_in, np.uint64(0), keys | np.uint64(1))
    return given


def _actor_members(actors: Actors, keys: Sequence[bytes], api_keys: Words) -> list[bytes]:
    members = []
    columns = [
        actors[name].tolist()
        for name in ("created", "tier", "signup", "country", "payment", "org", "referral", "epoch")
    ]
    for key, api_key, created, tier, signup, country, payment, org, referral, epoch in zip(
        keys, api_keys.tolist(), *columns, strict=True
    ):
        parts = [
            b',"account_id":"%b","account_created_at":%d' % (key, created),
            b',"account_tier":"%b"' % TIERS[tier].encode(),
            b',"signup_path":"%b"' % SIGNUPS[signup].encode(),
        ]
        if payment:
            parts.append(b',"billing_country":"%b"' % COUNTRIES[country].code.encode())
        if org:
            parts.append(b',"org_id":"o-%012x"' % org)
        if referral:
            parts.append(b',"referral_fp":"k1:%012x"' % referral)
        if epoch:
            parts.append(b',"id_epoch":%d' % epoch)
        if api_key:
            parts.append(b',"api_key_id":"key-%012x"' % api_key)
        members.append(b"".join(parts))
    return members
