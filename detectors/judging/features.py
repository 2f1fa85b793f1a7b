"""What a detector may read of a closed window, by name: `FEATURES`, one row each.

A stage hands over closed windows as they lie in its tables (`Closed`); a feature is a function from
them to one number per window. Names are looked up once, when a configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.errors import ConfigError
from detectors.interface.detector import GROUPS, Card, Entity, Span
from detectors.interface.looks import LOOKS

Column = NDArray[np.float64]


class Closed(NamedTuple):
    """n windows that closed, as they lie in a stage's tables.

    `entities` (uint64, n) are fingerprints, `rows` (int64, n) their rows in the stage's table of
    entities. `windows` is a structured array of which the closed ones are at `at` (int64, n). `more`
    (n each) are columns that the stage worked out, `facts` (float64, n each) what is known of others.
    """

    entities: NDArray[np.uint64]
    rows: NDArray[np.int64]
    windows: NDArray[Any]
    at: NDArray[np.int64]
    more: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Column]

    def column(self, field: str) -> Column:
        """A field of the closed windows, as float64 (n, or n rows of several)."""
        found = self.more.get(field)
        return (self.windows[field][self.at] if found is None else found).astype(np.float64)

    def some(self, places: NDArray[np.int64]) -> Closed:
        """Those at some places (int64, m)."""
        return Closed(
            self.entities[places],
            self.rows[places],
            self.windows,
            self.at[places],
            {name: column[places] for name, column in self.more.items()},
            {name: column[places] for name, column in self.facts.items()},
        )


class Feature(NamedTuple):
    """A name that `Card.reads` may give: of which entities' windows of which span, and what it is.

    `of` works it out, float64 (n).
    """

    name: str
    entities: tuple[Entity, ...]
    span: Span
    what: str
    of: Callable[[Closed], Column]


def _field(field: str) -> Callable[[Closed], Column]:
    return lambda closed: closed.column(field)


def _ratio(of: str, to: str) -> Callable[[Closed], Column]:
    def ratio(closed: Closed) -> Column:
        """One field per another; nan where one of both is 0."""
        return _quotient(closed.column(of), closed.column(to))

    return ratio


def _evenness(closed: Closed) -> Column:
    """Squared sum per sum of squares and account (Jain's index); nan where there is no load."""
    total, squares = closed.column("load_requests"), closed.column("load_squares")
    return _quotient(total * total, squares * closed.column("load_accounts"))


def _quotient(over: Column, under: Column) -> Column:
    found = np.full(over.size, np.nan)
    np.divide(over, under, out=found, where=(over > 0) & (under > 0))
    return found


def _entropy(field: str) -> Callable[[Closed], Column]:
    def of(closed: Closed) -> Column:
        """In nats; nan where nothing was counted."""
        found = closed.more.get(field)
        counts = (closed.windows[field][closed.at] if found is None else found).astype(np.float64)
        total = counts.sum(axis=1)
        share = np.divide(counts, total[:, None], out=np.ones_like(counts), where=counts > 0)
        entropy = -(share * np.log(share)).sum(axis=1)
        return np.where(total > 0, entropy, np.nan)

    return of


def _fields(entity: Entity, span: Span, **what: str) -> tuple[Feature, ...]:
    """Features that are called as the field that they are, and what each is."""
    return tuple(
        Feature(name, (entity,), span, about, _field(name)) for name, about in what.items()
    )


def _of_a_day(entities: tuple[Entity, ...], before: str = "") -> tuple[Feature, ...]:
    """What is read of a closed day; `before` stands before its fields' names where it is kept."""
    out, given = f"{before}output", f"{before}input"
    return (
        Feature("day_requests", entities, "day", "requests in the UTC day",
                _field(f"{before}requests")),
        Feature("day_input_tokens", entities, "day", "tokens in", _field(given)),
        Feature("day_output_tokens", entities, "day", "tokens out", _field(out)),
        Feature("day_output_input_ratio", entities, "day", "tokens out per token in",
                _ratio(out, given)),
        Feature("day_capability_entropy", entities, "day", "nats; how evenly requests fall on "
                "capabilities", _entropy(f"{before}capability")),
    )  # fmt: skip


_DAILY: tuple[Entity, ...] = ("account", *GROUPS)
FEATURES: tuple[Feature, ...] = (
    Feature("requests_24h", ("account",), "hour", "requests in the 24 hours up to now",
            _field("trailing")),
    Feature("hour_requests", ("account",), "hour", "requests in the hour", _field("requests")),
    Feature("hour_input_tokens", ("account",), "hour", "tokens in", _field("input")),
    Feature("hour_output_tokens", ("account",), "hour", "tokens out", _field("output")),
    *_of_a_day(_DAILY),
    Feature("day_template_entropy", _DAILY, "day", "nats; how evenly prompts fall on 16 groups of "
            "templates", _entropy("templates")),
    Feature("day_accounts", ("organisation", "cohort"), "day", "accounts active in the UTC day",
            _field("accounts")),
    *_fields(
        "key",
        "minute",
        parties_1d="parties (an organisation is one) that joined while new, in a day",
        parties_7d="the same in seven days",
        own_births="accounts that joined while new, before these seven days",
        own_days="days of the value's past before these seven",
        minute_requests="requests in the minute",
        minute_accounts="accounts active in the minute",
    ),
    *_of_a_day(("key",), before="past_"),
    Feature("day_load_evenness", ("key",), "day", "0 to 1; how evenly its accounts load it, 1: alike",
            _evenness),
    Feature("day_accounts", ("key",), "day", "accounts that ever held the value", _field("accounts")),
    *_fields("group", "hour", **LOOKS),
    *_fields(
        "campaign",
        "hour",
        size="accounts in it",
        core="accounts at its core",
        values="shared values that join it",
        hard_values="cards and devices among them",
    ),
    Feature("requests_1d", ("campaign",), "hour", "requests of a day on its busiest value",
            _field("requests")),
    Feature("output_tokens_1d", ("campaign",), "hour", "tokens out of a day on that value",
            _field("output")),
    Feature("capability_entropy_1d", ("campaign",), "hour", "nats; how evenly that value's requests "
            "fall on capabilities", _entropy("capability")),
)  # fmt: skip


def resolved(card: Card) -> tuple[Feature, ...]:
    """The features that a card reads. Raises ConfigError for a name that its entity has not."""
    known = {f.name: f for f in FEATURES if card.entity in f.entities}
    for name in card.reads:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.0)
            raise ConfigError(
                f"detector {card.name}: reads {name!r}, which no window of a {card.entity} has; did "
                f"you mean {close[0]!r}? Known are {', '.join(sorted(known))}"
            )
    return tuple(known[name] for name in card.reads)
