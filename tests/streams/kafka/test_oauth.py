"""Tokens: where they come from, how long they are kept, and what an error says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detectors.errors import ConfigError
from streams.kafka.oauth import TokenError, TokenSource, asyncio_provider, blocking_provider
from streams.settings.settings import Settings
from tests.tokens import Endpoint, token_endpoint

SECRET = "sesame/open & +"


def by_endpoint(endpoint: Endpoint, **more: object) -> Settings:
    return Settings(
        sasl_mechanism="OAUTHBEARER",
        oauth_token_url=endpoint.url,
        oauth_client_id="hydra",
        oauth_client_secret="wrong-secret" if more.pop("wrong", False) else SECRET,
        **more,
    )


def by_file(path: Path) -> Settings:
    return Settings(sasl_mechanism="OAUTHBEARER", oauth_token_file=path)


def encoded() -> str:
    return "sesame%2Fopen+%26+%2B"  # RFC 6749 2.3.1: form-encoded before base64


def test_a_token_is_asked_for_once_and_kept_while_it_lives() -> None:
    with token_endpoint(encoded()) as endpoint:
        source = TokenSource(by_endpoint(endpoint, oauth_scope="kafka write"))
        assert source.token() == source.token()
        assert endpoint.asked == [{"grant_type": ["client_credentials"], "scope": ["kafka write"]}]


@pytest.mark.parametrize("life_s", [0.0, -5.0])
def test_a_token_that_has_expired_is_asked_for_again(life_s: float) -> None:
    with token_endpoint(encoded(), life_s) as endpoint:
        source = TokenSource(by_endpoint(endpoint))
        source.token()
        source.token()
        assert len(endpoint.asked) == 2


def test_a_token_of_untold_life_is_kept_for_a_while() -> None:
    with token_endpoint(encoded(), None) as endpoint:
        source = TokenSource(by_endpoint(endpoint))
        assert source.token() == source.token()
        assert len(endpoint.asked) == 1


def test_both_kinds_of_clients_share_one_token() -> None:
    with token_endpoint(encoded()) as endpoint:
        mine = by_endpoint(endpoint)
        first = asyncio.run(asyncio_provider(mine).token())
        assert blocking_provider(mine).token() == first
        assert len(endpoint.asked) == 1


def test_a_refused_client_is_told_why_without_its_secret() -> None:
    with token_endpoint(encoded()) as endpoint:
        with pytest.raises(TokenError, match="gave no token: 401 invalid_client") as caught:
            TokenSource(by_endpoint(endpoint, wrong=True)).token()
        assert endpoint.url in str(caught.value)
        assert "wrong-secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_redirect_is_not_followed_because_the_secret_would_go_along() -> None:
    with token_endpoint(encoded()) as elsewhere, token_endpoint(encoded()) as endpoint:
        endpoint.redirect = elsewhere.url
        with pytest.raises(TokenError, match="302"):
            TokenSource(by_endpoint(endpoint)).token()
        assert elsewhere.asked == []


def test_an_endpoint_that_is_down_is_named() -> None:
    with token_endpoint(encoded()) as endpoint:
        pass
    with pytest.raises(TokenError, match="gave no token: ConnectionRefusedError"):
        TokenSource(by_endpoint(endpoint)).token()


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    with token_endpoint(encoded()) as endpoint:
        source = TokenSource(by_endpoint(endpoint, oauth_ca=wrong))
        with pytest.raises(ConfigError, match="HYDRAWATCH_OAUTH_CA"):
            source.token()


def test_a_token_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    source = TokenSource(by_file(path))
    assert source.token() == "one"
    path.write_text("two\n")
    assert source.token() == "two"


@pytest.mark.parametrize("content", ["", "two words", "a\nb", "\x00\xff"])
def test_a_file_that_holds_no_token_is_named_and_not_repeated(content: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(TokenError, match="HYDRAWATCH_OAUTH_TOKEN_FILE") as caught:
        TokenSource(by_file(path)).token()
    assert not content or content not in str(caught.value)


def test_a_token_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbfa.b.c\r\n")
    assert TokenSource(by_file(path)).token() == "a.b.c"
