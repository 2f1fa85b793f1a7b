"""What reaches a terminal: text of others made harmless, and output that no character can break.

Ids, messages and files are written by producers, and producers by attackers: a control sequence would
rewrite what an analyst sees, a bidirectional or invisible character disguise it, markup colour it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Characters that Unicode has shown as nothing at all (Default_Ignorable_Code_Point) though Python counts
# them as printable, and a Braille pattern without dots.
_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
_invisible = re.compile(f"[{_INVISIBLE}]").search
MOST_MARKS = 2  # combining marks on one character: more of them paint over the lines around
_BETWEEN_TOKENS = str.maketrans("\r\n\t", "   ")


def shown(text: object) -> str:
    """Text of whatever origin as one line of characters that show themselves; others as escapes.

    `\\x1b` for a control character, `\\u202e` for one that would turn the line around.
    """
    return _harmless(str(text), _escaped)


def shown_lines(text: object) -> list[str]:
    """The same of text that may have several lines."""
    return [shown(line) for line in str(text).split("\n")]


def json_text(value: bytes) -> str:
    """Valid JSON as one line that harms no terminal: the same value to whoever parses it."""
    return _harmless(value.decode().strip().translate(_BETWEEN_TOKENS), _in_json)


class JsonLines:
    """Prints valid JSON on stdout, a line each; what its encoding cannot say is escaped, and nothing lost."""

    def write(self, value: bytes) -> int:
        """Print one; it reaches a reader when stdout is flushed."""
        return sys.stdout.write(_for_stdout(json_text(value)) + "\n")


def indented(value: Any) -> None:
    """Print a result for scripts, and for people who look at it: JSON over several lines."""
    sys.stdout.write("\n".join(map(_for_stdout, json_of(value, indent=2).split("\n"))) + "\n")
    sys.stdout.flush()


def json_of(value: Any, indent: int | None = None) -> str:
    """A value of ours as harmless JSON; a path of bytes that are no text does not stop it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    return "\n".join(_harmless(line, _in_json) for line in text.split("\n"))


def console(*, stderr: bool = False, **options: Any) -> Console:
    """A console that takes every text as it is: no markup, no emoji names, no colours by guess."""
    from rich.console import Console

    given = {"markup": False, "emoji": False, "highlight": False, **options}
    return Console(stderr=stderr, **given)


def forgiving() -> None:
    """Let a character that stdout or stderr cannot show cost itself alone, never the command."""
    for stream, instead in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=instead)


def _harmless(text: str, escape: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    made: list[str] = []
    marks = MOST_MARKS  # a mark at the beginning would sit on what stands before it
    for character in text:
        if unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
            shows = marks <= MOST_MARKS
        else:
            shows = character == "\u00a0" or character.isprintable()
            marks = 0 if shows else MOST_MARKS
        made.append(character if shows and not _invisible(character) else escape(character))
    return "".join(made)


def _for_stdout(text: str) -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(c if c.isascii() else _in_json(c) for c in text)
    return text


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else str(value)  # type: ignore[arg-type]


def _escaped(character: str) -> str:
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
