"""A university class: new accounts within two days, one campus, one assignment, no shared card."""

from __future__ import annotations

import numpy as np

from worlds.accounts import Accounts, blank, cumulative
from worlds.clock import DAY_MS, STUDENT, Period
from worlds.personas import STUDENT_PERSONA, dress
from worlds.places import EDU, RESIDENTIAL, Places
from worlds.population import Commons, set_habits, set_silences
from worlds.randomness import choose, fingerprints, skeletons
from worlds.vocabulary import CLASS, COUNTRIES


def classroom(
    rng: np.random.Generator,
    places: Places,
    shared: Commons,
    students: int,
    period: Period,
) -> Accounts:
    """Make a class of `students` whose term starts a quarter into the period."""
    table = blank(students, CLASS)
    dress(rng, table, np.full(students, STUDENT_PERSONA, dtype=np.int64))
    set_habits(rng, table, shared, np.zeros(students, dtype=np.bool_))
    country = choose(rng, [c.weight for c in COUNTRIES], 1)
    table.country[:] = country[0]
    opens = period.start + (period.end - period.start) // 4
    table.created = opens + rng.integers(0, 2 * DAY_MS, students)
    table.starts = table.created.copy()
    table.tier = choose(rng, [0.6, 0.0, 0.1, 0.0, 0.3], students)
    table.signup[:] = 1
    own_card = rng.random(students) < 0.1
    table.payment = np.where(own_card, fingerprints(rng, students), np.uint64(0))
    table.rhythm[:] = STUDENT
    table.active_share = rng.uniform(0.35, 0.8, students)
    table.daily_log = rng.normal(np.log(12.0), 0.6, students)

    table.places[:, 0] = places.add(EDU, country)[0]
    table.places[:, 1] = places.add(RESIDENTIAL, table.country)
    away = rng.uniform(0.1, 0.6, students)
    table.places_cum = cumulative(np.stack([1 - away, away, np.zeros(students)], axis=1))

    table.templates[:, -1] = skeletons(rng, 1)[0]  # the assignment sheet
    own = np.diff(table.templates_cum, axis=1, prepend=0.0)[:, :-1]
    own = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-9)
    table.templates_cum = cumulative(np.concatenate([own, np.full((students, 1), 2.0)], axis=1))
    table.free_form[:] = 0.3
    set_silences(rng, table)
    return table
