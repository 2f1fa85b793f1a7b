"""Which settings of the intake go together, and the secrets it reads from files.

A message names settings and mends; values appear only where they cannot be secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detectors.errors import ConfigError
from streams.settings.security import LOOPBACK

KEY_CHARACTERS = 16
TOKEN_CHARACTERS = 16


def conflicts(settings: Any) -> Iterator[str]:
    """One message per combination that cannot work or would not do what it seems to."""
    for secret in ("intake_key", "intake_token"):
        if getattr(settings, secret) and getattr(settings, f"{secret}_file"):
            name = f"HYDRAWATCH_{secret.upper()}"
            yield f"{name} and {name}_FILE are two sources of one secret: unset one of them"
    if bool(settings.intake_tls_cert) != bool(settings.intake_tls_key):
        yield "HYDRAWATCH_INTAKE_TLS_CERT and HYDRAWATCH_INTAKE_TLS_KEY go together: set both or neither"
    if settings.intake_tls_client_ca and not settings.intake_tls_cert:
        yield (
            "HYDRAWATCH_INTAKE_TLS_CLIENT_CA does nothing without HYDRAWATCH_INTAKE_TLS_CERT and "
            "HYDRAWATCH_INTAKE_TLS_KEY"
        )


def intake_secret(settings: Any) -> bytes:
    """The key of the intake's digests. Raises ConfigError where there is none or it is too short."""
    if settings.intake_key is not None:
        return bytes(settings.intake_key.get_secret_value().encode())
    if settings.intake_key_file is None:
        raise ConfigError(
            "HYDRAWATCH_INTAKE_KEY is not set: the digests of accounts and addresses need a secret, the "
            f"same for every intake; give {KEY_CHARACTERS} characters or more that nobody can guess, or "
            "name a file that holds them in HYDRAWATCH_INTAKE_KEY_FILE"
        )
    text = _text(settings.intake_key_file, "HYDRAWATCH_INTAKE_KEY_FILE").strip()
    if len(text) < KEY_CHARACTERS:
        raise ConfigError(
            f"HYDRAWATCH_INTAKE_KEY_FILE = '{settings.intake_key_file}': holds {len(text)} characters; "
            f"give {KEY_CHARACTERS} or more that nobody can guess"
        )
    return text.encode()


def intake_tokens(settings: Any) -> tuple[bytes, ...]:
    """The tokens that clients may show; none where none are asked for. Raises ConfigError."""
    if settings.intake_token is not None:
        name, found = "HYDRAWATCH_INTAKE_TOKEN", settings.intake_token.get_secret_value().split(",")
    elif settings.intake_token_file is not None:
        name = "HYDRAWATCH_INTAKE_TOKEN_FILE"
        found = _text(settings.intake_token_file, name).splitlines()
    else:
        return ()
    tokens = tuple(token.strip().encode() for token in found if token.strip())
    short = [len(token) for token in tokens if len(token) < TOKEN_CHARACTERS]
    if not tokens or short:
        what = f"one of {short[0]} characters" if short else "none"
        raise ConfigError(
            f"{name} holds {what}: give tokens of {TOKEN_CHARACTERS} characters or more, several "
            "separated by commas (in a file: one a line)"
        )
    return tokens


def refuse_open_doors(settings: Any) -> None:
    """Raise ConfigError where anybody on a network could write events."""
    known = settings.intake_token or settings.intake_token_file or settings.intake_tls_client_ca
    if settings.intake_host not in LOOPBACK and not known:
        raise ConfigError(
            f"HYDRAWATCH_INTAKE_HOST = {settings.intake_host}: others than this machine could write "
            "events; set HYDRAWATCH_INTAKE_TOKEN (or _TOKEN_FILE), or HYDRAWATCH_INTAKE_TLS_CLIENT_CA "
            "with certificates, or listen on 127.0.0.1"
        )


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} = '{path}': cannot be read as UTF-8 text: {error}") from error
