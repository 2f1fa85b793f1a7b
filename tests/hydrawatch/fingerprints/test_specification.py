"""The code, the page that specifies it, and a second implementation written from the page agree."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrawatch.fingerprints import Keys, ip_prefix, mask
from hydrawatch.fingerprints.segments import tokens_of
from tests.hydrawatch.fingerprints import second
from tests.places import ROOT

SECRET, EPOCH = b"a secret of the tests", 7
KEYS = Keys(SECRET, EPOCH)
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in second.vectors()]

# Texts of what prompts are made of, so that rules meet each other.
PIECES = st.sampled_from(
    (
        *"\"'`{}[]<>@.,:;?!-*•#_ \n\t",
        *("```", "``", "''", "{{", "}}", "http://", "www.", "\n- ", "\n * "),
        *(
            "Answer",
            "the following",
            "question",
            "options",
            "cat",
            "it's",
            "3,14",
            "٣",
            "x2",
            "a.b@c.de",
        ),
        *("“", "”", "«", "»", "请总结", "下面的", "ください", "요약", "。"),
        *("Ｑ", "é", "ß", "\ud800", "\x00", "²", "½"),
    )
)
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=200))


def generator() -> ModuleType:
    path = ROOT / "docs" / "generate_fingerprints.py"
    spec = importlib.util.spec_from_file_location("generate_fingerprints", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_code_would_write() -> None:
    module = generator()
    assert module.PAGE.read_text(encoding="utf-8") == module.page()


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if "text" in v], ids=lambda v: v["text"][:20]
)
def test_the_second_implementation_computes_the_vectors_of_texts(vector: dict[str, Any]) -> None:
    secret, epoch, text = VECTORS[0]["secret"].encode(), VECTORS[0]["epoch"], vector["text"]
    assert second.mask(text) == vector["mask"]
    assert second.digest(secret, epoch, "prompt", text) == vector["prompt_fp"]
    assert second.template_fp(secret, epoch, text) == vector["template_fp"]
    assert second.prompt_sketch(secret, epoch, text) == vector["prompt_sketch"]


def test_the_second_implementation_computes_the_vectors_of_accounts_and_addresses() -> None:
    secret, epoch = VECTORS[0]["secret"].encode(), VECTORS[0]["epoch"]
    assert second.digest(secret, epoch, "account", "u-17") == VECTORS[0]["account"]
    for vector in (v for v in VECTORS if "address" in v):
        prefix = second.ip_prefix(vector["address"])
        assert prefix == vector["ip_prefix"]
        own = None if prefix is None else second.digest(secret, epoch, "ip_prefix", prefix)
        assert own == vector["ip_prefix_fp"]


@given(TEXTS)
def test_both_implementations_mask_and_split_any_text_alike(text: str) -> None:
    masked = mask(text)
    assert masked == second.mask(text)
    assert tokens_of(masked) == list(second.tokens(masked))


@given(TEXTS)
def test_both_implementations_make_the_same_fingerprints_of_any_text(text: str) -> None:
    assert KEYS.template_fp(text) == second.template_fp(SECRET, EPOCH, text)
    assert KEYS.prompt_sketch(text) == second.prompt_sketch(SECRET, EPOCH, text)
    assert KEYS.prompt_fp(text) == second.digest(SECRET, EPOCH, "prompt", text)


@settings(max_examples=10)
@given(TEXTS.filter(bool), st.integers(4000, 20_000))
def test_both_implementations_cut_long_texts_alike(text: str, length: int) -> None:
    long = (text * (length // len(text) + 1))[:length]
    assert KEYS.template_fp(long) == second.template_fp(SECRET, EPOCH, long)
    assert KEYS.prompt_sketch(long) == second.prompt_sketch(SECRET, EPOCH, long)


@given(
    st.one_of(
        st.ip_addresses().map(str), st.text(max_size=70), st.sampled_from(["1.2.3.4:5", "[::1]:2"])
    )
)
def test_both_implementations_name_the_same_network_of_anything(address: str) -> None:
    assert ip_prefix(address) == second.ip_prefix(address)
