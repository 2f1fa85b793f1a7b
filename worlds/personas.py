"""What kinds of user there are, and what each asks for, how, how much and when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from worlds.actors import Actors, cumulative
from worlds.clock import EVENING, MACHINE, OFFICE, STUDENT
from worlds.laws import CONTEXT_IN, CONTEXT_OUT, CONVERSATION_IN, CONVERSATION_OUT, Law
from worlds.randomness import Floats, Ints, choose
from worlds.vocabulary import CAPABILITIES, CLIENTS, SILENT_CLI


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
    reads: Law
    writes: Law


_TALK, _WORK = (CONVERSATION_IN, CONVERSATION_OUT), (CONTEXT_IN, CONTEXT_OUT)
_CODE = {"coding": 8.0, "agentic": 3.0, "tools": 2.0, "reasoning": 1.5, "chat": 1.0}
_PROSE = {"rewrite": 6.0, "chat": 5.0, "other": 1.0}
_CHAT = {"chat": 8.0, "other": 2.0, "rewrite": 1.0, "vision": 1.0}
_ANALYSIS = {"reasoning": 4.0, "math": 2.0, "tools": 2.0, "rewrite": 2.0, "chat": 2.0}
_STUDY = {"math": 4.0, "coding": 3.0, "chat": 3.0, "rewrite": 3.0, "reasoning": 1.0}
_BATCH = {"other": 5.0, "rewrite": 4.0, "tools": 3.0, "grading": 2.0, "vision": 1.0}
_AGENTS = {"agentic": 6.0, "tools": 5.0, "coding": 4.0, "reasoning": 1.5}
_GRADES = {"grading": 8.0, "reasoning": 1.0, "math": 1.0}
_PIPES = ("api", "batch", "cloud_a", "cloud_b")

PERSONAS = (
    Persona("developer", 0.34, _CODE, ("cli", "api"), OFFICE, 0.45, 0.3, 10, *_WORK),
    Persona("writer", 0.18, _PROSE, ("web",), EVENING, 0.7, -0.4, 6, *_TALK),
    Persona("talker", 0.16, _CHAT, ("web",), EVENING, 0.8, -0.3, 8, *_TALK),
    Persona("analyst", 0.10, _ANALYSIS, ("web", "api"), OFFICE, 0.5, 0.0, 7, *_TALK),
    Persona("student", 0.09, _STUDY, ("web",), STUDENT, 0.65, -0.2, 6, *_TALK),
    Persona("pipeline", 0.05, _BATCH, _PIPES, MACHINE, 0.03, 1.0, 20, *_TALK),
    Persona("agent builder", 0.06, _AGENTS, ("api", "cloud_a"), OFFICE, 0.25, 0.5, 16, *_WORK),
    Persona("evaluator", 0.02, _GRADES, ("api", "batch"), MACHINE, 0.02, 0.6, 20, *_TALK),
)
DEVELOPER, WRITER, TALKER, ANALYST, STUDENT_PERSONA, PIPELINE, AGENT_BUILDER, EVALUATOR = range(8)
TECHNICAL = (DEVELOPER, PIPELINE, AGENT_BUILDER, EVALUATOR)

# The log of daily volume: accounts of people are read as log-normal around ten a day; automated
# clients spread wider (151 clients of a provider over 14 days: standard deviation 2.5 of the log
# of their rates; ServeGen at f891d11, Apache-2.0). Here less, as a rate limit ends the tail.
_VOLUME_MEDIAN, _VOLUME_SPREAD, _MACHINE_SPREAD = 10.0, 1.2, 1.35
# From the same traces: a client's days spread by 0.3 to 1.9 (quartiles), median 0.6; its
# inter-arrival times within ten minutes have the CVs below at the shares above them. A log-normal
# of spread s has the CV sqrt(exp(s^2) - 1), which gives an automated client's s.
_DAY_SPREAD = (0.3, 0.9)
_CV_SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
_CVS = (0.85, 0.91, 1.03, 1.27, 2.5, 5.2, 8.6, 12.0)
_THINK_SPREAD = (0.85, 1.4)  # people's
_MACHINE_WAIT_MS = 3_000.0  # median between two requests of a run
# Accounts whose person writes in two languages, and whose product serves users in many: assumptions.
_BILINGUAL, _SERVES, _SERVED = 0.2, 0.12, (4, 17)
_OWN_LENGTH = 0.5  # how far, in logs, an account's lengths lie from its persona's


def draw_mix(rng: np.random.Generator, weights: Floats, focus: float) -> Floats:
    """Draw each account's own capability mix around its row of `weights`; larger focus, closer."""
    share = weights / weights.sum(axis=1, keepdims=True)
    return cumulative(rng.gamma(share * focus + 0.01) + 1e-9)


def mix_row(mix: dict[str, float]) -> list[float]:
    """Give a mix as weights in the contract's order of capabilities."""
    return [mix.get(name, 0.0) for name in CAPABILITIES]


def set_mix(rng: np.random.Generator, table: Actors, mix: dict[str, float], focus: float) -> None:
    """Give every actor its own variation of one capability mix."""
    rows = np.tile(np.array([mix_row(mix)]), (len(table), 1))
    table["capability_cum"] = draw_mix(rng, rows, focus)


def draw_clients(rng: np.random.Generator, paths: tuple[str, ...], count: int) -> Ints:
    """Draw the client programs of `count` accounts that come by one of `paths`."""
    return choose(rng, [c.weight if c.access_path in paths else 0.0 for c in CLIENTS], count)


def set_lengths(
    rng: np.random.Generator, table: Actors, rows: Ints, reads: Law, writes: Law
) -> None:
    """Give actors lengths by a law: their own median, and what is left of its spread."""
    for side, law in (("input", reads), ("output", writes)):
        table[f"{side}_law"][rows] = law.shape
        table[f"{side}_log"][rows] = np.log(law.median) + rng.normal(0, _OWN_LENGTH, len(rows))
        table[f"{side}_spread"][rows] = np.sqrt(law.spread**2 - _OWN_LENGTH**2)


def dress(rng: np.random.Generator, table: Actors, persona: Ints) -> None:
    """Fill in what accounts ask for, how much and when: their persona's, with variation."""
    count = len(persona)
    mixes = np.array([mix_row(p.mix) for p in PERSONAS])[persona]
    table["capability_cum"] = draw_mix(rng, mixes, 12.0)
    for code, kind in enumerate(PERSONAS):
        here = np.flatnonzero(persona == code)
        table["client"][here] = draw_clients(rng, kind.paths, len(here))
        set_lengths(rng, table, here, kind.reads, kind.writes)
        table["rhythm"][here] = kind.rhythm
        table["free_form"][here] = kind.free_form
        table["turns"][here] = kind.turns
        table["daily_log"][here] = kind.extra_log
    table["free_form"] = np.clip(table["free_form"] + rng.normal(0, 0.1, count), 0.0, 0.95)
    machine = table["rhythm"] == MACHINE
    spread = np.where(machine, _MACHINE_SPREAD, _VOLUME_SPREAD)
    table["daily_log"] += np.log(_VOLUME_MEDIAN) + rng.normal(0, 1, count) * spread
    table["daily_spread"] = rng.uniform(*_DAY_SPREAD, count)
    cv = np.interp(rng.random(count), _CV_SHARES, _CVS)
    table["think_spread"] = np.where(
        machine, np.sqrt(np.log1p(cv**2)), rng.uniform(*_THINK_SPREAD, count)
    )
    waits = np.log(_MACHINE_WAIT_MS) + rng.normal(0, 0.8, count)
    table["think_log"] = np.where(machine, waits, table["think_log"])
    table["active"] = np.where(machine, rng.uniform(0.7, 1.0, count), rng.beta(1.2, 2.4, count))
    table["turns"] *= rng.lognormal(0, 0.4, count)
    table["cot"] = rng.beta(1.5, 9.0, count)
    table["error_share"] = rng.gamma(1.2, 0.007, count)
    tongues = rng.random(count)
    several = rng.integers(*_SERVED, count)
    serves = (tongues < _SERVES) & np.isin(persona, TECHNICAL)
    table["tongues"] = np.where(serves, several, np.where(tongues > 1 - _BILINGUAL, 2, 1))
    # the newest model is not out yet: nobody leans to it
    table["model_cum"] = 1.0
    table["model_cum"][:, :4] = draw_mix(rng, np.tile([[0.48, 0.30, 0.12, 0.10]], (count, 1)), 6.0)
    old_cli = (table["client"] == SILENT_CLI) & (rng.random(count) < 0.3)
    table["silent"][old_cli, 1] = 1
