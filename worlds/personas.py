"""What kinds of user there are, and what each asks for, how, how much and when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from worlds.accounts import Accounts, cumulative
from worlds.clock import EVENING, MACHINE, OFFICE, STUDENT
from worlds.randomness import Floats, Ints, choose
from worlds.vocabulary import CAPABILITIES, CLIENTS


class Persona(NamedTuple):
    """A kind of user; `mix` weighs the capabilities, `extra_log` shifts the log of daily volume."""

    name: str
    weight: float
    mix: dict[str, float]
    paths: tuple[str, ...]
    rhythm: int
    free_form: float
    extra_log: float
    turns: float
    input_tokens: float
    output_tokens: float


PERSONAS = (
    Persona(
        "developer",
        0.34,
        {"coding": 8, "agentic": 3, "tools": 2, "reasoning": 1, "chat": 1},
        ("cli", "api"),
        OFFICE,
        0.45,
        0.3,
        10,
        1500,
        500,
    ),
    Persona(
        "writer",
        0.18,
        {"rewrite": 6, "chat": 5, "other": 1},
        ("web",),
        EVENING,
        0.7,
        -0.4,
        6,
        350,
        350,
    ),
    Persona(
        "talker",
        0.16,
        {"chat": 8, "other": 2, "rewrite": 1, "vision": 1},
        ("web",),
        EVENING,
        0.8,
        -0.3,
        8,
        150,
        250,
    ),
    Persona(
        "analyst",
        0.10,
        {"reasoning": 4, "math": 2, "tools": 2, "rewrite": 2, "chat": 2},
        ("web", "api"),
        OFFICE,
        0.5,
        0.0,
        7,
        900,
        450,
    ),
    Persona(
        "student",
        0.09,
        {"math": 4, "coding": 3, "chat": 3, "rewrite": 3, "reasoning": 1},
        ("web",),
        STUDENT,
        0.65,
        -0.2,
        6,
        300,
        400,
    ),
    Persona(
        "pipeline",
        0.05,
        {"other": 5, "rewrite": 4, "tools": 3, "grading": 2, "vision": 1},
        ("api", "batch", "cloud_a", "cloud_b"),
        MACHINE,
        0.03,
        1.0,
        20,
        1200,
        180,
    ),
    Persona(
        "agent builder",
        0.06,
        {"agentic": 6, "tools": 5, "coding": 4, "reasoning": 1},
        ("api", "cloud_a"),
        OFFICE,
        0.25,
        0.5,
        16,
        2500,
        350,
    ),
    Persona(
        "evaluator",
        0.02,
        {"grading": 8, "reasoning": 1, "math": 1},
        ("api", "batch"),
        MACHINE,
        0.02,
        0.6,
        20,
        1400,
        40,
    ),
)
DEVELOPER, WRITER, TALKER, ANALYST, STUDENT_PERSONA, PIPELINE, AGENT_BUILDER, EVALUATOR = range(8)


def draw_mix(rng: np.random.Generator, weights: Floats, focus: float) -> Floats:
    """Draw each account's own capability mix around its row of `weights`; larger focus, closer."""
    share = weights / weights.sum(axis=1, keepdims=True)
    return cumulative(rng.gamma(share * focus + 0.01) + 1e-9)


def mix_row(mix: dict[str, float]) -> list[float]:
    """Give a mix as weights in the contract's order of capabilities."""
    return [mix.get(name, 0.0) for name in CAPABILITIES]


def client_weights(paths: tuple[str, ...]) -> list[float]:
    """Weigh the clients that come by one of `paths`."""
    return [client.weight if client.access_path in paths else 0.0 for client in CLIENTS]


def dress(rng: np.random.Generator, table: Accounts, persona: Ints) -> None:
    """Fill in what accounts ask for, how much and when: their persona's, with variation."""
    count = len(persona)
    table.capability_cum = draw_mix(
        rng, np.array([mix_row(p.mix) for p in PERSONAS])[persona], 12.0
    )
    for code, kind in enumerate(PERSONAS):
        here = np.flatnonzero(persona == code)
        table.client[here] = choose(rng, client_weights(kind.paths), len(here))
    columns = np.array(
        [
            (p.rhythm, p.free_form, p.extra_log, p.turns, p.input_tokens, p.output_tokens)
            for p in PERSONAS
        ]
    )[persona]
    table.rhythm = columns[:, 0].astype(np.int64)
    table.free_form = np.clip(columns[:, 1] + rng.normal(0, 0.1, count), 0.0, 0.95)
    table.daily_log = rng.normal(np.log(11.0), 1.2, count) + columns[:, 2]
    table.daily_spread = rng.uniform(0.4, 0.8, count)
    table.active_share = rng.beta(1.2, 2.4, count)
    steady = table.rhythm == MACHINE
    table.active_share[steady] = rng.uniform(0.7, 1.0, int(steady.sum()))
    table.turns = columns[:, 3] * rng.lognormal(0, 0.4, count)
    table.input_log = np.log(columns[:, 4]) + rng.normal(0, 0.7, count)
    table.output_log = np.log(columns[:, 5]) + rng.normal(0, 0.5, count)
    table.cot = rng.beta(1.5, 9.0, count)
    table.error_share = rng.gamma(1.2, 0.007, count)
