"""The campaign owner's state as a checkpoint, and back: its books as plain data, names as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from detectors.alerts.advice_budget import Spent
from detectors.alerts.lifecycle import LiveAlert
from detectors.campaigns.account_directory import AccountDirectory
from detectors.campaigns.account_evidence import OwnEvidence
from detectors.campaigns.clusters import Campaign
from detectors.campaigns.controls import ControlBook, KeptControls
from detectors.campaigns.flagged_values import FlaggedKey, KeyId
from detectors.campaigns.population_book import KeptGroup
from detectors.exchange.loss import Loss
from detectors.owner.campaign_watch import WholeEvidence
from detectors.owner.inbox import KeptInbox
from detectors.owner.news import Due
from detectors.owner.variant import Variant
from detectors.state.checkpoint import Bytes, Checkpoint

BOOKS = "books"


class Agenda(msgspec.Struct, frozen=True):
    """What the owner itself keeps: how far it is, what has come, and what control events wait."""

    closed: int
    control_due: set[int]
    inbox: KeptInbox
    cohorts: dict[str, list[Any]]
    loss: Loss | None = None  # the last time that reports were deleted unread
    unheard: set[int] = set()  # sources that have said nothing since


class KeptVariant(msgspec.Struct, frozen=True):
    """One variant's books in order; dicts keep theirs."""

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
    population: list[KeptGroup]
    whole: dict[str, list[WholeEvidence]]

    @classmethod
    def of(cls, variant: Variant) -> KeptVariant:
        """A variant as plain data."""
        books, alerts = variant.books, variant.alerts
        return cls(
            due=variant.due,
            key_waits=variant.key_waits,
            dirty=variant.dirty,
            flagged=list(books.flagged.keys.values()),
            campaigns=list(books.campaigns.campaigns.values()),
            own=books.own.accounts,
            accounts=alerts.accounts,
            networks=alerts.networks,
            shed=(books.flagged.evicted, books.own.evicted, alerts.held_back),
            spent=alerts.budget.spent,
            population=books.population.kept,
            whole=variant.watch.found,
        )

    def fill(self, variant: Variant, closed: int) -> None:
        """Fill an empty variant with what was kept; `closed` is the last tick that was judged."""
        books = variant.books
        flagged, own, held_back = self.shed
        variant.due, variant.key_waits = self.due, self.key_waits
        variant.dirty = self.dirty
        books.flagged.restore(self.flagged, flagged)
        books.campaigns.restore(self.campaigns)
        books.own.accounts, books.own.evicted = self.own, own
        books.population.kept, variant.watch.found = self.population, self.whole
        variant.alerts.restore(self.accounts, self.networks, held_back, self.spent)
        variant.forget_deaf(closed)


class Kept(msgspec.Struct, frozen=True):
    """Everything but the names, which are in tables."""

    agenda: Agenda
    controls: KeptControls
    names_evicted: int
    variants: dict[str, KeptVariant]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Kept)


def checkpoint_of(
    agenda: Agenda, names: AccountDirectory, control: ControlBook, variants: Mapping[str, Variant]
) -> Checkpoint:
    """The owner's state as it is."""
    tables = names.tables()
    kept = Kept(
        agenda=agenda,
        controls=control.kept(),
        names_evicted=names.evicted,
        variants={name: KeptVariant.of(one) for name, one in variants.items()},
    )
    for name, one in variants.items():
        for table, rows in one.watch.host.tables(0).items():
            tables[f"{table}.{name}"] = rows
    tables[BOOKS] = np.frombuffer(_encoder.encode(kept), np.uint8)
    return Checkpoint(tables, b"")


def restore(
    tables: Mapping[str, Bytes],
    names: AccountDirectory,
    control: ControlBook,
    variants: Mapping[str, Variant],
) -> Agenda:
    """Fill empty books with what was kept (uint8, by table); gives the rest for the owner to take.

    Raises msgspec.MsgspecError, before anything is filled, for books that another version wrote.
    """
    kept = _decoder.decode(tables[BOOKS].tobytes())
    control.restore(kept.controls, kept.agenda.closed)
    names.restore(tables, kept.names_evicted)
    for name, variant in variants.items():
        if name in kept.variants:
            kept.variants[name].fill(variant, kept.agenda.closed)
            own = {t.removesuffix(f".{name}"): rows for t, rows in tables.items()}
            variant.watch.host.restore(own)
    return kept.agenda
