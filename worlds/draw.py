"""What each request carries: place, device, prompt fingerprints, capability, tokens, outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from worlds.actors import TEMPLATE_SLOTS, Actors
from worlds.kernel import draw, kernel, mix, normal, pick, quantile, unit
from worlds.laws import SHAPES
from worlds.plan import Planned
from worlds.vocabulary import CAPABILITIES, CLIENTS, COUNTRIES, LANGUAGES, MODELS, NEWEST, OLDEST

UNKNOWN_CAPABILITY = len(CAPABILITIES)
UNKNOWN_CLIENT = len(CLIENTS)
UNKNOWN_SCORE = 101  # scores are hundredths, 0 to 100

# A fingerprint of 0 and a place of 0 mean 'not known'.
REQUEST = np.dtype(
    [
        ("actor", np.int64),
        ("guilty", np.bool_),
        ("event", np.uint64),
        ("time", np.int64),
        ("ingest", np.int64),
        ("session", np.uint64),
        ("turn", np.int64),
        ("place", np.int64),
        ("payment", np.uint64),
        ("device", np.uint64),
        ("tls", np.int64),
        ("client", np.int64),
        ("system", np.uint64),
        ("prompt", np.uint64),
        ("template", np.uint64),
        ("block", np.uint64),  # of the reasoning that the request hands back
        ("capability", np.int64),
        ("cot", np.int64),
        ("grading", np.int64),
        ("language", np.int64),
        ("model", np.int64),
        ("input", np.int64),
        ("output", np.int64),
        ("reasoning", np.int64),
        ("cached", np.int64),
        ("tools", np.int64),
        ("status", np.int64),
        ("latency", np.int64),
        ("cost_micro", np.int64),
        ("untold", np.bool_),  # its usage never came: the stream was broken off
        ("again", np.bool_),  # a second copy
    ],
    align=True,
)
Requests = npt.NDArray[np.void]

_LOST = 0.03  # share of events that lack a given optional field, whoever sends them
_BROKEN_OFF = 0.004  # share of answered requests whose usage never comes: an assumption
_HANDED_BACK = (
    0.5  # of the later turns that reason, with the block of the turn before: an assumption
)
_STAYS = 0.8  # share of a session's requests for what the session is about
_REASONERS = np.array([name in ("coding", "agentic", "math", "reasoning") for name in CAPABILITIES])
_CALLERS = np.array([name in ("agentic", "tools") for name in CAPABILITIES])
_PRICES = np.array([(m.per_input, m.per_output) for m in MODELS])
_HOME_LANGUAGE = np.array([LANGUAGES.index(c.language) for c in COUNTRIES])
_LANGUAGES = len(LANGUAGES)
_MOST_IN, _MOST_OUT = 180_000, 32_000
_48_BITS = np.uint64((1 << 48) - 1)


def requests(actors: Actors, planned: Planned) -> Requests:
    """Draw what planned requests carry, in their order."""
    drawn = np.zeros(len(planned), dtype=REQUEST)
    _draw(actors, planned, drawn)
    return drawn


@kernel
def _draw(actors: Any, planned: Any, drawn: Any) -> None:  # pragma: no cover (compiled)
    for i in range(len(planned)):
        p = planned[i]
        a = actors[p.actor]
        r = drawn[i]
        key = mix(p.key)
        # a session has one place, one device, one leaning; so has a person
        own = mix(p.session)
        r.actor = p.actor
        r.guilty = a.guilty
        r.again = p.again
        r.event = p.key
        r.time = p.time
        r.ingest = p.ingest
        r.session = p.session
        r.turn = p.turn
        r.status = p.status
        r.place = a.places[pick(a.places_cum, unit(draw(own, 1)))]
        if unit(draw(key, 1)) < _LOST:
            r.place = 0
        r.payment = a.payment
        if unit(draw(key, 2)) < _LOST:
            r.payment = 0
        r.device = a.devices[pick(a.devices_cum, unit(draw(own, 2)))]
        if a.silent[0] > 0 or unit(draw(key, 3)) < _LOST:
            r.device = 0
        r.tls = a.client
        if a.silent[1] > 0 or unit(draw(key, 4)) < _LOST:
            r.tls = UNKNOWN_CLIENT
        r.client = a.client
        if a.silent[1] > 0 or unit(draw(key, 5)) < _LOST:
            r.client = UNKNOWN_CLIENT
        r.system = a.systems[pick(a.systems_cum, unit(draw(own, 3)))]
        if a.silent[3] > 0 or unit(draw(key, 6)) < _LOST:
            r.system = 0
        r.language = _HOME_LANGUAGE[a.country]
        if a.tongues > 1:
            r.language = (r.language + int(unit(draw(own, 4)) * a.tongues)) % _LANGUAGES
        if unit(draw(key, 7)) < _LOST:
            r.language = _LANGUAGES

        leaning = unit(draw(own, 5)) if unit(draw(key, 8)) < _STAYS else unit(draw(key, 9))
        capability = pick(a.capability_cum, leaning)
        reasons = _REASONERS[capability] and unit(draw(key, 10)) < 0.7
        model = pick(a.model_cum, unit(draw(key, 11)))
        if model == OLDEST and p.time >= a.leaves:
            model = 0
        if p.time >= a.adopts and unit(draw(key, 12)) < a.moves:
            model = NEWEST
        r.model = model

        log_in = a.input_log + a.input_spread * quantile(SHAPES[a.input_law], unit(draw(key, 13)))
        log_out = a.output_log + a.output_spread * quantile(
            SHAPES[a.output_law], unit(draw(key, 14))
        )
        r.input = min(4 + int(np.exp(log_in)), _MOST_IN)
        output = min(1 + int(np.exp(log_out)), _MOST_OUT)
        reasoning = int(output * (0.2 + 1.3 * unit(draw(key, 15)))) if reasons else 0
        r.latency = 200 + int((output + reasoning) * np.exp(2.3 + 0.4 * normal(draw(key, 16))))
        if p.status == 0:
            r.output = output
            r.reasoning = reasoning
            r.cost_micro = int(
                _PRICES[model, 0] * r.input + _PRICES[model, 1] * (output + reasoning)
            )
            r.untold = unit(draw(key, 30)) < _BROKEN_OFF
        r.cached = int(r.input * (0.3 + 0.6 * unit(draw(key, 17)))) if p.turn > 0 else 0
        if _CALLERS[capability]:
            r.tools = 1 + int(8 * unit(draw(key, 18)))
        if reasons and p.turn > 0 and unit(draw(key, 31)) < _HANDED_BACK:
            r.block = (draw(own, 64 + p.turn) & _48_BITS) | np.uint64(1)

        cot = a.cot + (0.25 if reasons else 0.0) + 0.08 * normal(draw(key, 19))
        r.cot = int(100 * min(max(cot, 0.0), 1.0) + 0.5)
        if unit(draw(key, 20)) < _LOST:
            r.cot = UNKNOWN_SCORE
        grading = a.grading + 0.05 * normal(draw(key, 21)) + (0.6 if capability == 6 else 0.0)
        r.grading = int(100 * min(max(grading, 0.0), 1.0) + 0.5)
        if unit(draw(key, 22)) < _LOST:
            r.grading = UNKNOWN_SCORE
        r.capability = capability
        if unit(draw(key, 23)) < _LOST:
            r.capability = UNKNOWN_CAPABILITY

        if a.prompts > 0:
            chosen = int(unit(draw(key, 24)) * a.prompts)
            r.prompt = (mix(a.prompt_set + np.uint64(chosen)) & _48_BITS) | np.uint64(1)
        else:
            r.prompt = (draw(key, 24) & _48_BITS) | np.uint64(1)
        if not (a.silent[2] > 0 or unit(draw(key, 25)) < _LOST):
            r.template = _template(a, key)


@kernel
def _template(a: Any, key: Any) -> Any:  # pragma: no cover (compiled)
    """SimHash of the prompt: of its template with a few bits moved, or of a free-form prompt."""
    slot = pick(a.templates_cum, unit(draw(key, 26)))
    value = a.templates[min(slot, TEMPLATE_SLOTS - 1)]
    if value == 0 or unit(draw(key, 27)) < a.free_form:
        return draw(key, 28) | np.uint64(1)
    moved = a.jitter_from + int(unit(draw(key, 29)) * (a.jitter - a.jitter_from + 1))
    for step in range(moved):
        value ^= np.uint64(1) << (draw(key, 32 + step) & np.uint64(63))
    return value
