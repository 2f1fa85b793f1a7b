"""The campaign owner's state as a checkpoint, and back: its books as plain data, names as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from detectors.advice_budget import Spent
from detectors.campaigns import Campaign
from detectors.cases import Books
from detectors.checkpoint import Bytes, Checkpoint
from detectors.control_book import KeptControls
from detectors.flagged import FlaggedKey, KeyId
from detectors.inbox import KeptInbox
from detectors.lifecycle import LiveAlert
from detectors.name_book import Name
from detectors.own_evidence import OwnEvidence
from detectors.standing import AlertBook

BOOKS = "books"

Due = tuple[
    str, int | str | KeyId
]  # what waits (key, own, account, network, control, group), and which


class Agenda(msgspec.Struct, frozen=True):
    """What the owner itself keeps: how far it is, and what comes due when."""

    closed: int
    due: dict[int, set[Due]]
    key_waits: set[KeyId]
    dirty: set[KeyId]


class Kept(msgspec.Struct, frozen=True):
    """All books in order; dicts keep theirs."""

    agenda: Agenda
    inbox: KeptInbox
    cohorts: list[Any]
    flagged: list[FlaggedKey]
    campaigns: list[Campaign]
    own: dict[int, list[OwnEvidence]]
    controls: KeptControls
    names: dict[int, Name]  # those that are in no table yet
    accounts: dict[int, LiveAlert]
    networks: dict[str, LiveAlert]
    shed: tuple[int, int, int, int]  # flagged keys, own evidence, names, alerts held back
    spent: Spent = Spent()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


def checkpoint_of(
    agenda: Agenda, inbox: KeptInbox, cohorts: list[Any], books: Books, alerts: AlertBook
) -> Checkpoint:
    """The owner's state as it is."""
    tables = books.names.tables()
    kept = Kept(
        agenda=agenda,
        inbox=inbox,
        cohorts=cohorts,
        flagged=list(books.flagged.keys.values()),
        campaigns=list(books.campaigns.campaigns.values()),
        own=books.own.accounts,
        controls=books.control.kept(),
        names=books.names.pending,
        accounts=alerts.accounts,
        networks=alerts.networks,
        shed=(books.flagged.evicted, books.own.evicted, books.names.evicted, alerts.held_back),
        spent=alerts.budget.spent,
    )
    tables[BOOKS] = np.frombuffer(_encoder.encode(kept), np.uint8)
    return Checkpoint(tables, b"")


def restored(tables: Mapping[str, Bytes], books: Books, alerts: AlertBook) -> Kept:
    """Fill empty books with what was kept; gives the rest for the owner to take."""
    kept = _decoder.decode(tables[BOOKS].tobytes())
    flagged, own, names, held_back = kept.shed
    books.flagged.take_back(kept.flagged, flagged)
    books.campaigns.take_back(kept.campaigns)
    books.own.accounts, books.own.evicted = kept.own, own
    books.control.take_back(kept.controls, kept.agenda.closed)
    books.names.take_back(tables, kept.names, names)
    alerts.take_back(kept.accounts, kept.networks, held_back, kept.spent)
    return kept
