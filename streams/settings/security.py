"""Which settings of SASL, OAuth and TLS go together, and what to say of those that do not.

A message names settings and mends; values appear only where they cannot be secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

OAUTH = "OAUTHBEARER"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ENDPOINT = ("oauth_token_url", "oauth_client_id", "oauth_client_secret")
_ONLY_ENDPOINT = ("oauth_client_id", "oauth_client_secret", "oauth_scope", "oauth_ca")


def conflicts(settings: Any) -> Iterator[str]:
    """One message per combination that cannot work or would not do what it seems to."""
    yield from _sasl(settings)
    yield from _oauth(settings)
    yield from _tls(settings)


def _sasl(settings: Any) -> Iterator[str]:
    mechanism = settings.sasl_mechanism
    by_password = settings.sasl_username or settings.sasl_password
    if mechanism == OAUTH and by_password:
        yield (
            "HYDRAWATCH_SASL_MECHANISM = OAUTHBEARER takes a token, no HYDRAWATCH_SASL_USERNAME or "
            "HYDRAWATCH_SASL_PASSWORD: unset these, or choose PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
    elif mechanism == OAUTH and not (settings.oauth_token_file or settings.oauth_token_url):
        yield (
            "HYDRAWATCH_SASL_MECHANISM = OAUTHBEARER needs HYDRAWATCH_OAUTH_TOKEN_FILE, or "
            "HYDRAWATCH_OAUTH_TOKEN_URL with HYDRAWATCH_OAUTH_CLIENT_ID and _CLIENT_SECRET"
        )
    elif mechanism not in {None, OAUTH} and not (settings.sasl_username and settings.sasl_password):
        yield (
            f"HYDRAWATCH_SASL_MECHANISM = {mechanism} needs "
            "HYDRAWATCH_SASL_USERNAME and HYDRAWATCH_SASL_PASSWORD"
        )
    elif not mechanism and by_password:
        yield (
            "HYDRAWATCH_SASL_USERNAME and HYDRAWATCH_SASL_PASSWORD do nothing without "
            "HYDRAWATCH_SASL_MECHANISM (PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512)"
        )


def _oauth(settings: Any) -> Iterator[str]:
    given = [
        n for n in ("oauth_token_file", *_ENDPOINT, "oauth_scope", "oauth_ca") if _set(settings, n)
    ]
    if given and settings.sasl_mechanism != OAUTH:
        yield (
            f"{_names(given)} do{'es' * (len(given) == 1)} nothing unless "
            "HYDRAWATCH_SASL_MECHANISM = OAUTHBEARER"
        )
        return
    if settings.oauth_token_file and settings.oauth_token_url:
        yield (
            "HYDRAWATCH_OAUTH_TOKEN_FILE and HYDRAWATCH_OAUTH_TOKEN_URL are two sources of one "
            "token: unset one of them"
        )
    elif settings.oauth_token_url:
        missing = [name for name in _ENDPOINT if not _set(settings, name)]
        if missing:
            yield f"HYDRAWATCH_OAUTH_TOKEN_URL needs {_names(missing)} as well"
        yield from _endpoint(settings.oauth_token_url)
    elif idle := [name for name in _ONLY_ENDPOINT if _set(settings, name)]:
        yield (
            f"{_names(idle)} do{'es' * (len(idle) == 1)} nothing without HYDRAWATCH_OAUTH_TOKEN_URL"
        )


def _endpoint(url: str) -> Iterator[str]:
    # The URL itself is not repeated: what is wrong with it may be the secret in it.
    try:
        parts: SplitResult = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in {"https", "http"}:
        yield "HYDRAWATCH_OAUTH_TOKEN_URL is no URL; give https://host/path"
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield (
            "HYDRAWATCH_OAUTH_TOKEN_URL holds more than host and path, and URLs are printed: put "
            "credentials into HYDRAWATCH_OAUTH_CLIENT_ID and _CLIENT_SECRET"
        )
    elif parts.scheme == "http" and host not in LOOPBACK:
        yield (
            "HYDRAWATCH_OAUTH_TOKEN_URL is http: the client's secret would cross the network in "
            "clear; give an https URL (http is for this machine only)"
        )


def _tls(settings: Any) -> Iterator[str]:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        yield "HYDRAWATCH_TLS_CERT and HYDRAWATCH_TLS_KEY go together: set both or neither"
    if settings.tls_key_password and not settings.tls_key:
        yield "HYDRAWATCH_TLS_KEY_PASSWORD does nothing without HYDRAWATCH_TLS_KEY"
    if not settings.tls and (settings.tls_ca or settings.tls_cert):
        yield "HYDRAWATCH_TLS_CA, _CERT and _KEY do nothing unless HYDRAWATCH_TLS = true"


def _set(settings: Any, name: str) -> bool:
    return bool(getattr(settings, name))


def _names(fields: list[str]) -> str:
    return " and ".join(f"HYDRAWATCH_{name.upper()}" for name in fields)
