"""What each request carries: place, device, prompt fingerprints, capability, tokens, outcome."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from worlds.accounts import Accounts
from worlds.activity import Activity
from worlds.randomness import (
    Bools,
    Ints,
    Words,
    choose,
    choose_each,
    fingerprints,
    mix64,
    skeletons,
)
from worlds.vocabulary import CAPABILITIES, CLIENTS, MODELS, RETRIED_FROM

UNKNOWN_CAPABILITY = len(CAPABILITIES)
UNKNOWN_CLIENT = len(CLIENTS)
UNKNOWN_SCORE = 101  # scores are hundredths, 0 to 100

_LOST = 0.03  # share of events that lack a given optional field, whoever sends them
_REASONERS = np.array([name in ("coding", "agentic", "math", "reasoning") for name in CAPABILITIES])
_RETRIES = 0.7


@dataclass
class Requests:
    """Requests as columns of one length. A fingerprint of 0 and a place of 0 mean 'not known'."""

    event: Words
    time: Ints
    ingest: Ints
    account: Ints
    session: Words
    turn: Ints
    place: Ints
    payment: Words
    device: Words
    tls: Ints
    client: Ints
    system: Words
    prompt: Words
    template: Words
    capability: Ints
    cot: Ints
    model: Ints
    input: Ints
    output: Ints
    reasoning: Ints
    cached: Ints
    tools: Ints
    status: Ints
    latency: Ints
    cost_micro: Ints

    def __len__(self) -> int:
        """Give the number of requests."""
        return len(self.event)

    def take(self, rows: Ints | Bools | slice) -> Requests:
        """Give the rows asked for, in the order asked for."""
        return Requests(**{f.name: getattr(self, f.name)[rows] for f in fields(Requests)})


def appended(*tables: Requests) -> Requests:
    """Put tables of requests one after another."""
    return Requests(
        **{
            f.name: np.concatenate([getattr(table, f.name) for table in tables])
            for f in fields(Requests)
        }
    )


def requests(rng: np.random.Generator, table: Accounts, moments: Activity) -> Requests:
    """Draw what the requests of `moments` carry, then add the retries of those refused."""
    who, session, count = moments.account, moments.session, len(moments.account)
    of_session = moments.session_account
    sessions = len(of_session)
    every_session = np.arange(sessions)

    # a session has one place, one device, one leaning; so has a person
    place = table.places[of_session, choose_each(rng, table.places_cum[of_session])]
    device = table.devices[of_session, choose_each(rng, table.devices_cum[of_session])]
    system = table.systems[of_session, choose_each(rng, table.systems_cum[of_session])]
    leaning = choose_each(rng, table.capability_cum[of_session])
    session_word = mix64(every_session.astype(np.uint64) + fingerprints(rng, 1))

    stays = rng.random(count) < 0.8
    capability = np.where(stays, leaning[session], choose_each(rng, table.capability_cum[who]))
    model = choose_each(rng, table.model_cum[who])
    tokens_in = 8 + rng.lognormal(table.input_log[who], 0.8, count).astype(np.int64)
    tokens_out = 1 + rng.lognormal(table.output_log[who], 0.8, count).astype(np.int64)
    tokens_in, tokens_out = np.minimum(tokens_in, 180_000), np.minimum(tokens_out, 32_000)
    reasons = _REASONERS[capability] & (rng.random(count) < 0.7)
    reasoning = np.where(reasons, tokens_out * rng.uniform(0.2, 1.5, count), 0).astype(np.int64)
    cached = (tokens_in * rng.uniform(0.3, 0.9, count)).astype(np.int64)
    status = np.where(
        rng.random(count) < table.error_share[who],
        1 + choose(rng, [0.2, 0.5, 0.15, 0.15], count),
        0,
    )
    failed = status > 0
    tokens_out[failed] = 0
    reasoning[failed] = 0
    cot = np.clip(table.cot[who] + 0.25 * reasons + rng.normal(0, 0.08, count), 0, 1)
    prices = np.array([(m.per_input, m.per_output) for m in MODELS])[model]
    cost = prices[:, 0] * tokens_in + prices[:, 1] * (tokens_out + reasoning)

    def lost() -> Bools:
        gone: Bools = rng.random(count) < _LOST
        return gone

    silent = table.silent[who].T
    client = table.client[who]
    drawn = Requests(
        event=np.zeros(count, dtype=np.uint64),
        time=moments.time,
        ingest=moments.time,
        account=who,
        session=session_word[session],
        turn=moments.turn,
        place=np.where(lost(), 0, place[session]),
        payment=np.where(lost(), np.uint64(0), table.payment[who]),
        device=np.where(lost() | silent[0], np.uint64(0), device[session]),
        tls=np.where(lost() | silent[1], UNKNOWN_CLIENT, client),
        client=np.where(lost() | silent[1], UNKNOWN_CLIENT, client),
        system=np.where(lost() | silent[3], np.uint64(0), system[session]),
        prompt=np.where(lost(), np.uint64(0), fingerprints(rng, count)),
        template=np.where(lost() | silent[2], np.uint64(0), _templates(rng, table, who)),
        capability=np.where(lost(), UNKNOWN_CAPABILITY, capability),
        cot=np.where(rng.random(count) < 0.3, UNKNOWN_SCORE, np.round(cot * 100)).astype(np.int64),
        model=model,
        input=tokens_in,
        output=tokens_out,
        reasoning=reasoning,
        cached=np.where(moments.turn > 0, cached, 0),
        tools=np.where(np.isin(capability, (1, 2)), rng.integers(1, 9, count), 0),
        status=status,
        latency=200 + ((tokens_out + reasoning) * rng.lognormal(2.3, 0.4, count)).astype(np.int64),
        cost_micro=np.where(failed, 0, cost).astype(np.int64),
    )
    return appended(drawn, _retries(rng, drawn))


def _templates(rng: np.random.Generator, table: Accounts, who: Ints) -> Words:
    """SimHashes of the prompts: of the template with a few bits moved, or of a free-form prompt."""
    count = len(who)
    chosen = table.templates[who, choose_each(rng, table.templates_cum[who])]
    moved = rng.integers(0, table.jitter[who] + 1)
    for step in range(int(table.jitter.max(initial=0))):
        bit = np.uint64(1) << rng.integers(0, 64, count, dtype=np.uint64)
        chosen = np.where(moved > step, chosen ^ bit, chosen)
    return np.where(rng.random(count) < table.free_form[who], skeletons(rng, count), chosen)


def _retries(rng: np.random.Generator, drawn: Requests) -> Requests:
    """Most refused requests are sent again seconds later: the same prompt, this time answered."""
    refused = np.flatnonzero(drawn.status >= RETRIED_FROM)
    again = drawn.take(refused[rng.random(len(refused)) < _RETRIES])
    count = len(again)
    again.time = again.time + rng.integers(1_000, 20_000, count)
    again.status = np.zeros(count, dtype=np.int64)
    again.output = 1 + rng.lognormal(5.8, 0.8, count).astype(np.int64)
    again.latency = again.latency + again.output * 10
    prices = np.array([(m.per_input, m.per_output) for m in MODELS])[again.model]
    again.cost_micro = (prices[:, 0] * again.input + prices[:, 1] * again.output).astype(np.int64)
    return again
