"""User agents become families: versions do not part them, unknown ones stay bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrawatch.fingerprints import client_family

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("OpenAI/Python 1.30.1", "openai-python"),
        ("AsyncOpenAI/Python 2.0.0", "openai-python"),
        ("OpenAI/v1 PythonBindings/0.27.0", "openai-python"),
        ("OpenAI/JS 4.52.0", "openai-node"),
        ("openai-node/3.3.0", "openai-node"),
        ("Anthropic/Python 0.39.0", "anthropic-python"),
        ("AsyncAnthropic/Python 0.39.0", "anthropic-python"),
        ("Anthropic/JS 0.27.1", "anthropic-node"),
        ("langchainjs-openai/1.0.0 (node/20.1)", "langchain"),
        ("litellm/1.60.2", "litellm"),
        ("curl/8.9.1", "curl"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("python-requests/2.32.3", "python-requests"),
        ("Python/3.12 aiohttp/3.10.5", "aiohttp"),
        ("Go-http-client/2.0", "go-http"),
        ("node", "undici"),
        (CHROME.format("131.0.0.0"), "chrome"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "firefox"),
        ("MyTool/1.2 (linux)", "other:mytool"),
        ("Mozilla/5.0 zork", "other:mozilla"),
        ("17b3-9c", "other"),
    ],
)
def test_an_agent_has_the_family_of_its_sdk_tool_or_browser(agent: str, family: str) -> None:
    assert client_family(agent) == family


@pytest.mark.parametrize("shape", ["OpenAI/Python {}", "curl/{}", "MyTool/{}", CHROME])
@given(numbers=st.lists(st.integers(0, 10**6), min_size=3, max_size=4))
def test_versions_do_not_part_families(shape: str, numbers: list[int]) -> None:
    version = ".".join(map(str, numbers))
    assert client_family(shape.format(version)) == client_family(shape.format("1.0.0"))


@given(st.text())
def test_any_agent_has_a_short_family_or_none_if_it_is_blank(agent: str) -> None:
    family = client_family(agent)
    assert (family is None) == (not agent[:512].strip())
    assert family is None or (len(family) <= 40 and family.isprintable())


def test_a_name_that_looks_like_an_id_or_a_key_is_not_kept() -> None:
    assert client_family("sk-4f9a11b2c3d4e5f6/1.0") == "other"
    assert client_family("x" * 100_000) == "other"
