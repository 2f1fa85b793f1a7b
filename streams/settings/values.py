"""What an address, a topic's name, a file and a secret must look like to be a setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

MASK = "********"

_INVISIBLE = {
    " ": "a space",
    "\t": "a tab",
    "\n": "a line end",
    "\r": "a carriage return",
    "\u00a0": "a no-break space",
    "\ufeff": "a byte-order mark",
}
_USER_PART = re.compile(r"[^/,\s]*@")


def without_user(text: str) -> str:
    """The text with user and password of any address in it masked."""
    return _USER_PART.sub(f"{MASK}@", text)


def padded(text: str) -> str:
    """What a credential has at an end that nobody sees: where, and what; nothing if it has none."""
    for where, end in (("ends", text[-1:]), ("begins", text[:1])):
        if end and (end.isspace() or not end.isprintable()):
            return f"{where} with {_INVISIBLE.get(end, 'a character that does not show')}"
    return ""


def _one_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    plain = ":" not in host or (host.startswith("[") and host.endswith("]"))
    plain = plain and "@" not in host
    return bool(host and colon and plain and port.isdecimal() and 0 < int(port) < 65_536)


def _addresses(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    bad = [part for part in parts if not _one_address(part)]
    if bad:
        shown = without_user(bad[0])
        msg = f"give host:port,host:port,... with ports from 1 to 65535; {shown!r} is none"
        raise ValueError(msg)
    return ",".join(parts)


def _topic_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", text) or text in {".", ".."}:
        msg = "a topic's name is 1 to 249 of the characters a-z A-Z 0-9 . _ -"
        raise ValueError(msg)
    return text


def _file(path: Path) -> Path:
    if not path.is_file():
        msg = "there is no such file; give its path or unset the variable"
        raise ValueError(msg)
    return path


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret) < 16:
        msg = f"has {len(secret)} characters; give 16 or more that nobody can guess"
        raise ValueError(msg)
    return secret


Addresses = Annotated[str, AfterValidator(_addresses)]
TopicName = Annotated[str, AfterValidator(_topic_name)]
ExistingFile = Annotated[Path, AfterValidator(_file)]
Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
