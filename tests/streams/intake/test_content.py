"""What is computed of a request's text, in the dialects in which requests are written."""

from __future__ import annotations

import pytest

from streams.intake.content import fingerprints
from tests.streams.intake.gateway_samples import KEYS

PROMPT = "What is 17 times 3?"
SYSTEM = "Be short."
SAID = {
    "prompt_fp": KEYS.prompt_fp(PROMPT),
    "template_fp": KEYS.template_fp(PROMPT),
    "system_fp": KEYS.system_fp(SYSTEM),
}


@pytest.mark.parametrize(
    "request_body",
    [
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
        {
            "messages": [
                {"role": "developer", "content": SYSTEM},
                {"role": "user", "content": "Earlier."},
                {"role": "assistant", "content": "Yes."},
                {"role": "user", "content": [{"type": "text", "text": PROMPT}]},
            ]
        },
        {"instructions": SYSTEM, "input": PROMPT},
        {
            "instructions": SYSTEM,
            "input": [{"role": "user", "content": [{"type": "input_text", "text": PROMPT}]}],
        },
        {
            "system": [{"type": "text", "text": SYSTEM}],
            "messages": [{"role": "user", "content": PROMPT}],
        },
        {
            "systemInstruction": {"parts": [{"text": SYSTEM}]},
            "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
        },
    ],
)
def test_a_request_says_the_same_in_every_dialect(request_body: object) -> None:
    assert fingerprints(KEYS, request_body) == SAID


@pytest.mark.parametrize(
    "nothing",
    [
        *([], {}, "", 7, None, {"messages": 7}, {"messages": [7, None]}, [{"role": "user"}]),
        [{"role": "user", "content": "redacted-by-litellm"}],
        [{"role": "system", "content": "redacted"}, {"role": "user", "content": "REDACTED"}],
        *('{"model": "large-5", "messages": [{"ro', "Body too large for webhook, please fetch it"),
    ],
)
def test_what_is_no_text_of_a_user_has_no_fingerprint(nothing: object) -> None:
    assert fingerprints(KEYS, nothing) == {}


def test_images_and_reasoning_that_is_handed_back_are_noticed() -> None:
    made = fingerprints(
        KEYS,
        [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "signature": "sealed"}]},
        ],
    )
    assert made == {"has_image": True, "reasoning_fp": KEYS.reasoning_fp("sealed")}
    made = fingerprints(KEYS, {"input": [{"type": "reasoning", "encrypted_content": "sealed"}]})
    assert made == {"reasoning_fp": KEYS.reasoning_fp("sealed")}
