"""The messages of a request as spans carry them, in one form: [{"role": ..., "content": text}], in order.

They are used in memory for fingerprints, and nothing of them goes on. Where a span has them in several ways
the first counts: the conventions' `gen_ai.input.messages` (parts) and `gen_ai.system_instructions`;
OpenInference's `llm.input_messages.N.message.*`; OpenLLMetry's `gen_ai.prompt.N.*`, once `llm.prompts.N.*`;
one JSON text (`gen_ai.prompt`); events named `gen_ai.<role>.message` and `gen_ai.content.prompt`.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from streams.intake.otlp import Attributes, Signal

Message = dict[str, str]

_MOST: Final = 4096  # messages looked at in one request

# Flattened lists: prefix, the role's name behind the number, names of the content.
_FLAT: Final = (
    ("llm.input_messages.", ("message.role",), ("message.content",)),
    ("gen_ai.prompt.", ("role",), ("content",)),
    ("llm.prompts.", ("role",), ("content", "user", "prompt.text")),
)
_PREFIXES: Final = tuple(prefix for prefix, _, _ in _FLAT)
_JSON: Final = ("gen_ai.prompt", "llm.prompts", "gen_ai.request.messages")
_ROLES: Final = ("system", "user", "assistant", "tool")


def messages_of(signal: Signal) -> list[Message]:
    """The request's messages; empty where the span has none."""
    a = signal.attributes
    found = _list(a.get("gen_ai.input.messages"))
    if not found and (flat := {name: a[name] for name in a if name.startswith(_PREFIXES)}):
        for prefix, role, contents in _FLAT:
            found = found or _flat(flat, prefix, role, contents)
    for name in _JSON:
        found = found or _list(a.get(name))
    found = found or _events(signal)
    instructions = _content(_parsed(a.get("gen_ai.system_instructions")))
    if instructions and not any(message["role"] == "system" for message in found):
        found.insert(0, {"role": "system", "content": instructions})
    return found


def _parsed(value: Any) -> Any:
    """What a JSON text holds; the text itself where it is none."""
    if type(value) is str and value[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _list(value: Any) -> list[Message]:
    value = _parsed(value)
    if type(value) is str and value:
        return [{"role": "user", "content": value}]
    if type(value) is dict:  # a request, or one message
        value = value.get("messages", [value])
    if type(value) is not list:
        return []
    made = []
    for each in value[:_MOST]:
        message = _message(_parsed(each))
        if message is not None:
            made.append(message)
    return made


def _message(value: Any) -> Message | None:
    if type(value) is str:
        return {"role": "user", "content": value}
    if type(value) is not dict:
        return None
    role = value.get("role")
    content = _content(value.get("parts", value.get("content")))
    return {"role": role if type(role) is str else "user", "content": content}


def _content(value: Any) -> str:
    """The text of a message: itself, or of its parts those that are text, a line each."""
    if type(value) is str:
        return value
    if type(value) is dict:
        inner = value.get("content", value.get("text"))
        return inner if type(inner) is str else ""
    if type(value) is list:
        return "\n".join(
            filter(None, (_content(part) for part in value[:_MOST] if part is not value))
        )
    return ""


def _flat(
    a: Attributes, prefix: str, roles: tuple[str, ...], contents: tuple[str, ...]
) -> list[Message]:
    numbered: dict[int, dict[str, str]] = {}
    parts: dict[int, list[tuple[int, str]]] = {}
    for name, value in a.items():
        if not name.startswith(prefix) or type(value) is not str:
            continue
        number, _, rest = name[len(prefix) :].partition(".")
        if not number.isdecimal() or len(number) > 5:
            continue
        if rest in roles:
            numbered.setdefault(int(number), {})["role"] = value
        elif rest in contents:
            numbered.setdefault(int(number), {})["content"] = value
        elif rest.startswith("message.contents.") and rest.endswith(".message_content.text"):
            part = rest.removeprefix("message.contents.").partition(".")[0]
            if part.isdecimal() and len(part) <= 5:
                parts.setdefault(int(number), []).append((int(part), value))
    for index, pieces in parts.items():
        text = "\n".join(piece for _, piece in sorted(pieces))
        numbered.setdefault(index, {}).setdefault("content", text)
    return [
        {"role": each.get("role", "user"), "content": _content(_parsed(each.get("content", "")))}
        for _, each in sorted(numbered.items())[:_MOST]
    ]


def _events(signal: Signal) -> list[Message]:
    made: list[Message] = []
    for name, attributes in signal.events[:_MOST]:
        role = name.removeprefix("gen_ai.").removesuffix(".message")
        if name == "gen_ai.content.prompt":
            made += _list(attributes.get("gen_ai.prompt"))
        elif name == f"gen_ai.{role}.message" and role in _ROLES:
            content = _content(_parsed(attributes.get("content")))
            if content:
                made.append({"role": role, "content": content})
    return made
