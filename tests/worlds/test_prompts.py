"""Frameworks' prompts are texts, and their templates fingerprints of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hydrawatch.fingerprints import Keys
from worlds.clock import DAY_MS, Period
from worlds.ground import ground
from worlds.prompts import framework_prompt, framework_templates

NUMBERS = st.integers(1, 2**64 - 1)


@given(NUMBERS)
def test_a_number_composes_one_prompt_and_its_fingerprint(number: int) -> None:
    expected = Keys(b"the key of simulated gateways", 1).template_fp(framework_prompt(number))
    found = framework_templates(np.array([number], dtype=np.uint64))
    assert f"{int(found[0]):016x}" == expected


@given(NUMBERS, st.text("abc de", min_size=20), st.text("xyz uv", min_size=20))
def test_a_framework_prompt_keeps_its_fingerprint_when_it_is_filled_in(
    number: int, one: str, two: str
) -> None:
    keys = Keys(b"the key of simulated gateways", 1)
    texts = (framework_prompt(number).replace("{text}", filling) for filling in (one, two))
    a, b = (int(keys.template_fp(text) or "0", 16) for text in texts)
    assert (a ^ b).bit_count() <= 6


def test_only_a_worlds_share_of_framework_prompts_is_text_and_all_else_stays_as_it_is() -> None:
    period = Period(1_777_000_000_000 - DAY_MS, 1_777_000_000_000)
    drawn = ground(1, period, 2_000, 0.5)
    texts = ground(1, period, 2_000, 0.5, texts=0.4)
    count = round(0.4 * len(drawn.commons.templates))
    assert texts.commons.templates[:count].tolist() == (
        framework_templates(drawn.commons.templates[:count]).tolist()
    )
    assert (texts.commons.templates[count:] == drawn.commons.templates[count:]).all()
    assert (texts.commons.systems == drawn.commons.systems).all()
    assert texts.rng.integers(2**63) == drawn.rng.integers(2**63)
