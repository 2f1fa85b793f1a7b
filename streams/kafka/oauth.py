"""Tokens for OAUTHBEARER: from a file that somebody renews, or from a client-credentials endpoint.

A token is asked for whenever a connection is made. The endpoint's is kept until shortly before it
expires; the file is read each time, as Kubernetes and others replace it. Neither a token nor the
client's secret appears in an error.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
import time
import urllib.error
import urllib.request
from codecs import BOM_UTF8
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from detectors.errors import ConfigError, HydrawatchError
from streams.settings.settings import Settings

ANSWER_S = 10.0
# A token that ends while a broker checks it is refused; and clocks differ a little.
MARGIN_S = 30.0
UNTOLD_LIFE_S = 300.0  # RFC 6749 only recommends that the answer says how long the token lives
MAX_BYTES = 64 * 1024


class TokenError(HydrawatchError, OSError):
    """No token to be had. An OSError as well: clients then try again, as with a lost connection."""


class _Answer(msgspec.Struct):
    """What RFC 6749 (5.1, 5.2) puts into the endpoint's answer."""

    access_token: str = ""
    expires_in: float | None = None
    error: str = ""


class TokenSource:
    """Where the tokens of one configuration come from; used by all threads of a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._kept = ""
        self._until = 0.0

    def token(self) -> str:
        """Return a token that is good for a while. Blocks; raises TokenError."""
        if self._settings.oauth_token_file is not None:
            return self._from_file()
        with self._lock:
            if time.monotonic() >= self._until:
                answer = self._ask()
                life = UNTOLD_LIFE_S if answer.expires_in is None else answer.expires_in
                # At least half a life, where that is shorter than the margin.
                self._until = time.monotonic() + max(life - MARGIN_S, life / 2)
                self._kept = answer.access_token
            return self._kept

    def _from_file(self) -> str:
        path = self._settings.oauth_token_file
        assert path is not None
        try:
            token = path.read_bytes().removeprefix(BOM_UTF8).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            what = type(error).__name__
            raise TokenError(
                f"HYDRAWATCH_OAUTH_TOKEN_FILE = '{path}': unreadable ({what})"
            ) from None
        if not token or not token.isprintable() or " " in token:
            raise TokenError(f"HYDRAWATCH_OAUTH_TOKEN_FILE = '{path}' holds no token")
        return token

    def _ask(self) -> _Answer:
        settings = self._settings
        url, secret = settings.oauth_token_url, settings.oauth_client_secret
        assert url
        assert secret
        assert settings.oauth_client_id
        pair = f"{quote_plus(settings.oauth_client_id)}:{quote_plus(secret.get_secret_value())}"
        form = {"grant_type": "client_credentials"}
        if settings.oauth_scope:
            form["scope"] = settings.oauth_scope
        request = urllib.request.Request(
            url,
            data=urlencode(form).encode(),
            headers={
                "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                "Accept": "application/json",
            },
        )
        try:
            with _opener(settings).open(request, timeout=ANSWER_S) as response:
                answer = _read(response)
        except urllib.error.HTTPError as error:
            with error:
                said = _read(error).error or error.reason
            raise TokenError(f"{url} gave no token: {error.code} {said}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise TokenError(f"{url} gave no token: {type(reason).__name__}: {reason}") from None
        if not answer.access_token:
            raise TokenError(f"{url} answered without an access_token; is it a token endpoint?")
        return answer


@lru_cache(maxsize=8)
def token_source(settings: Settings) -> TokenSource:
    """Return the one source of a configuration: its clients share tokens."""
    return TokenSource(settings)


def asyncio_provider(settings: Settings) -> Any:
    """What aiokafka and Faust take as `sasl_oauth_token_provider`."""
    from aiokafka.abc import AbstractTokenProvider

    _hear_refusals()

    class Provider(AbstractTokenProvider):
        async def token(self) -> str:
            return await asyncio.to_thread(token_source(settings).token)

    return Provider()


def _hear_refusals() -> None:
    """Make aiokafka notice that a broker refuses a token.

    A broker says so in a challenge (RFC 7628, 3.2.2) that aiokafka 0.14 does not look at: it
    takes itself for connected, misreads the next answer, and asks again without a pause for ever.
    """
    from aiokafka.conn import OAuthAuthenticator
    from aiokafka.errors import SaslAuthenticationFailed

    if getattr(OAuthAuthenticator.step, "hears_refusals", False):
        return
    step = OAuthAuthenticator.step

    async def heard(self: Any, payload: bytes | None) -> Any:
        if payload:
            raise SaslAuthenticationFailed("the broker refuses the token")
        return await step(self, payload)

    heard.hears_refusals = True  # type: ignore[attr-defined]
    OAuthAuthenticator.step = heard


def blocking_provider(settings: Settings) -> Any:
    """What kafka-python takes as `sasl_oauth_token_provider`."""
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):
        def token(self) -> str:
            return token_source(settings).token()

    return Provider()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow nobody: the client's secret would go along."""


def _opener(settings: Settings) -> urllib.request.OpenerDirector:
    authorities = str(settings.oauth_ca) if settings.oauth_ca else None
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise ConfigError(
            f"HYDRAWATCH_OAUTH_CA = '{authorities}': no PEM certificates in it: {error}"
        ) from error
    return urllib.request.build_opener(_NoRedirect(), urllib.request.HTTPSHandler(context=context))


def _read(response: Any) -> _Answer:
    try:
        return msgspec.json.decode(response.read(MAX_BYTES), type=_Answer)
    except msgspec.DecodeError:
        return _Answer()
