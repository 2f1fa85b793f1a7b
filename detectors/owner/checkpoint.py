"""The campaign owner's state as a checkpoint, and back: its books as plain data, names as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from detectors.alerts.advice_budget import Spent
from detectors.alerts.lifecycle import LiveAlert
from detectors.campaigns.account_directory import Name, NameBook
from detectors.campaigns.account_evidence import OwnEvidence
from detectors.campaigns.clusters import Campaign
from detectors.campaigns.controls import ControlBook, KeptControls
from detectors.campaigns.flagged_values import FlaggedKey, KeyId
from detectors.owner.inbox import KeptInbox
from detectors.owner.variant import Due, Judgement
from detectors.state.checkpoint import Bytes, Checkpoint

BOOKS = "books"


class Agenda(msgspec.Struct, frozen=True):
    """What the owner itself keeps: how far it is, what has come, and what control events wait."""

    closed: int
    control_due: set[int]
    inbox: KeptInbox
    cohorts: list[Any]


class KeptJudgement(msgspec.Struct, frozen=True):
    """One judgement's books in order; dicts keep theirs."""

    due: dict[int, set[Due]]
    key_waits: set[KeyId]
    dirty: set[KeyId]
    flagged: list[FlaggedKey]
    campaigns: list[Campaign]
    own: dict[int, list[OwnEvidence]]
    accounts: dict[int, LiveAlert]
    networks: dict[str, LiveAlert]
    shed: tuple[int, int, int]  # flagged keys, own evidence, alerts held back
    spent: Spent

    @classmethod
    def of(cls, judgement: Judgement) -> KeptJudgement:
        """A judgement as plain data."""
        books, alerts = judgement.books, judgement.alerts
        return cls(
            due=judgement.due,
            key_waits=judgement.key_waits,
            dirty=judgement.dirty,
            flagged=list(books.flagged.keys.values()),
            campaigns=list(books.campaigns.campaigns.values()),
            own=books.own.accounts,
            accounts=alerts.accounts,
            networks=alerts.networks,
            shed=(books.flagged.evicted, books.own.evicted, alerts.held_back),
            spent=alerts.budget.spent,
        )

    def fill(self, judgement: Judgement) -> None:
        """Fill an empty judgement with what was kept."""
        books = judgement.books
        flagged, own, held_back = self.shed
        judgement.due, judgement.key_waits = self.due, self.key_waits
        judgement.dirty = self.dirty
        books.flagged.take_back(self.flagged, flagged)
        books.campaigns.take_back(self.campaigns)
        books.own.accounts, books.own.evicted = self.own, own
        judgement.alerts.take_back(self.accounts, self.networks, held_back, self.spent)


class Kept(msgspec.Struct, frozen=True):
    """Everything but the names that are in tables."""

    agenda: Agenda
    controls: KeptControls
    names: dict[int, Name]  # those that are in no table yet
    names_evicted: int
    judgements: dict[str, KeptJudgement]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


def checkpoint_of(
    agenda: Agenda, names: NameBook, control: ControlBook, judgements: Mapping[str, Judgement]
) -> Checkpoint:
    """The owner's state as it is."""
    tables = names.tables()
    kept = Kept(
        agenda=agenda,
        controls=control.kept(),
        names=names.pending,
        names_evicted=names.evicted,
        judgements={name: KeptJudgement.of(one) for name, one in judgements.items()},
    )
    tables[BOOKS] = np.frombuffer(_encoder.encode(kept), np.uint8)
    return Checkpoint(tables, b"")


def restored(
    tables: Mapping[str, Bytes],
    names: NameBook,
    control: ControlBook,
    judgements: Mapping[str, Judgement],
) -> Agenda:
    """Fill empty books with what was kept; gives the rest for the owner to take.

    Raises msgspec.MsgspecError, before anything is filled, for books that another version wrote.
    """
    kept = _decoder.decode(tables[BOOKS].tobytes())
    control.take_back(kept.controls, kept.agenda.closed)
    names.take_back(tables, kept.names, kept.names_evicted)
    for name, judgement in judgements.items():
        if name in kept.judgements:
            kept.judgements[name].fill(judgement)
    return kept.agenda
