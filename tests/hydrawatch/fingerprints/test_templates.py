"""Fillings of one template lie near each other, other templates far; whatever comes, the work is bounded."""

from __future__ import annotations

import itertools
import statistics
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrawatch.fingerprints import Keys

KEYS = Keys(b"0123456789abcdef", 1)
TALES = (
    "Anna walked down to the harbour, where the boats lay idle. Nobody had told her about the storm.",
    "In 1871 the factory employed 340 people; by spring it had burned down. The owner left for Ohio.",
    "It rained. Peter's dog barked at the postman! He laughed and went on, humming an old song.",
    "The treaty was signed on 3 May by both ministers. Its terms remained secret for nearly a decade.",
)
TEMPLATES = (
    "Summarize the following article in two sentences.\n\n{}\n",
    "{}\n\nWhich category does this text belong to: news, sports or science?\n",
    'Context: {}\nQuestion: who is mentioned first?\nGive the answer as JSON with the key "name".',
    "Translate the passage below into French, and keep its tone.\n---\n{}",
    "{} Is the sentiment of this review positive or negative?",
    "You are an expert editor. Rewrite the paragraph so that a child understands it.\nText: {}",
)


def bits(a: str | None, b: str | None) -> int:
    assert a is not None
    assert b is not None
    return (int(a, 16) ^ int(b, 16)).bit_count()


@pytest.mark.parametrize("template", TEMPLATES)
def test_fillings_of_one_template_differ_in_few_bits(template: str) -> None:
    found = [KEYS.template_fp(template.format(tale)) for tale in TALES]
    assert max(bits(a, b) for a, b in itertools.combinations(found, 2)) <= 6


@pytest.mark.parametrize("tale", TALES)
def test_one_filling_in_different_templates_differs_in_many_bits(tale: str) -> None:
    found = [KEYS.template_fp(template.format(tale)) for template in TEMPLATES]
    apart = [bits(a, b) for a, b in itertools.combinations(found, 2)]
    assert min(apart) >= 16
    assert statistics.median(apart) >= 26


def test_a_page_of_filling_does_not_hide_the_frame() -> None:
    page = " ".join(TALES) * 100
    short, long = (KEYS.template_fp(TEMPLATES[0].format(text)) for text in (TALES[0], page))
    assert bits(short, long) <= 6


def test_languages_without_spaces_have_frames_too() -> None:
    one, two = (
        KEYS.template_fp(f"请总结下面的文章：{s}")
        for s in ("很久以前，有一个国王。", "昨天下雨了。")
    )
    assert bits(one, two) <= 6
    assert bits(one, KEYS.template_fp("把句子翻译成英语：昨天下雨了。")) >= 16


def test_prompts_without_a_task_word_are_near_only_if_worded_alike() -> None:
    assert bits(KEYS.template_fp("Kocham koty"), KEYS.template_fp("kocham  koty!")) <= 20
    assert bits(KEYS.template_fp("Kocham koty"), KEYS.template_fp("Gdzie jest dworzec")) >= 16


@given(st.sampled_from(TEMPLATES), st.sampled_from(["\n", "  ", "\n\n"]))
def test_white_space_at_the_ends_and_the_letters_width_change_nothing(
    template: str, blank: str
) -> None:
    text = template.format(TALES[0])
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in text)
    assert KEYS.template_fp(text.strip() + blank) == KEYS.template_fp(text.strip())
    assert KEYS.template_fp(wide) == KEYS.template_fp(text)


def test_another_key_makes_unrelated_fingerprints() -> None:
    text = TEMPLATES[0].format(TALES[0])
    assert bits(KEYS.template_fp(text), Keys(b"fedcba9876543210", 1).template_fp(text)) >= 16
    assert bits(KEYS.template_fp(text), Keys(b"0123456789abcdef", 2).template_fp(text)) >= 16


@pytest.mark.parametrize("text", ["", " \n\t", "12 34", "!!!", "\x00"])
def test_a_text_without_a_word_has_no_template(text: str) -> None:
    assert KEYS.template_fp(text) is None


@pytest.mark.parametrize(
    "piece", ['"answer ', "`", "{<[", "a@", "\ufdfa", "answer? ", "'a ", "\n- x", "请"]
)
def test_of_a_megabyte_only_the_ends_are_read(piece: str) -> None:
    text = piece * (2**20 // len(piece))
    ends = text[:4096] + "x" * 100_000 + text[-4096:]
    assert KEYS.template_fp(text) == KEYS.template_fp(ends)
    assert KEYS.prompt_sketch(text) == KEYS.prompt_sketch(ends)


def test_near_prompts_have_near_sketches_and_others_have_not() -> None:
    def sketch(text: str) -> list[int]:
        return [v - 256 if v > 127 else v for v in b64decode(KEYS.prompt_sketch(text) or "")]

    def cosine(a: list[int], b: list[int]) -> float:
        return (
            sum(x * y for x, y in zip(a, b, strict=True))
            / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
        )

    whole = sketch(" ".join(TALES))
    assert len(whole) == 32
    assert cosine(whole, sketch(" ".join(TALES).replace("Anna", "Berta"))) > 0.9
    assert cosine(whole, sketch("def f(x):\n    return [y ** 2 for y in range(x)]" * 5)) < 0.6
