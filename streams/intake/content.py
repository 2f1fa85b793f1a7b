"""What is computed of a request's text where a gateway logs it: fingerprints, and whether it has images.

The text is read, and nothing of it goes on: it is in no event, count, message or log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys

# What stands where a gateway took the text out: the same for everybody, and no prompt.
_MARKERS: Final = ("redacted", "[redacted", "<redacted", "***", "body too large")
_LONGEST_MARKER: Final = 128
_SYSTEM: Final = frozenset({"system", "developer"})
_TURNS: Final = (
    "messages",
    "input",
    "contents",
    "prompt",
)  # OpenAI, Responses, Gemini, completions
_SYSTEMS: Final = ("system", "instructions", "systemInstruction", "system_instruction")
_IMAGES: Final = frozenset({"image", "image_url", "input_image"})
_MOST_MESSAGES: Final = 4096


def fingerprints(keys: Keys, value: Any) -> dict[str, Any]:
    """Properties of the contract that a request's text gives; empty where there is no text.

    `value`: a list of messages, a request body, or a prompt as text. The prompt is the last message of
    the user's; the system prompt, all that the developer wrote.
    """
    if value.__class__ is list and value and _is_marker(value[-1]):
        return {}
    request = value if value.__class__ is dict else {"messages": value}
    messages = _messages(request)
    said = [m for m in messages if m.get("role", "user") == "user"]
    prompt = next((text for m in reversed(said) if (text := _text(_content(m)))), "")
    if _taken_out(prompt):
        return {}
    made: dict[str, Any] = {}
    if prompt:
        made["prompt_fp"] = keys.prompt_fp(prompt)
        made["template_fp"] = keys.template_fp(prompt)
    system = [_text(request.get(name)) for name in _SYSTEMS]
    system += [_text(_content(m)) for m in messages if m.get("role") in _SYSTEM]
    if (instructed := "\n".join(filter(None, system))) and not _taken_out(instructed):
        made["system_fp"] = keys.system_fp(instructed)
    if any(_has_image(m) for m in said):
        made["has_image"] = True
    if block := next(filter(None, map(_reasoning, reversed(messages))), None):
        made["reasoning_fp"] = keys.reasoning_fp(block)
    return {name: found for name, found in made.items() if found is not None}


def _messages(request: dict[str, Any]) -> list[dict[str, Any]]:
    turns = next((t for name in _TURNS if (t := request.get(name))), None)
    if turns.__class__ is dict:
        turns = [turns]
    if turns.__class__ is list and turns and all(isinstance(entry, str) for entry in turns):
        turns = turns[-1]  # of several prompts, the last
    if turns.__class__ is str:
        # What begins as JSON is a body that was cut, or of another kind than ours.
        return [] if turns.startswith(("{", "[")) else [{"role": "user", "content": turns}]
    if turns.__class__ is not list:
        return []
    return [message for message in turns[-_MOST_MESSAGES:] if isinstance(message, dict)]


def _content(message: dict[str, Any]) -> Any:
    content = message.get("content")
    return message.get("parts") if content is None else content


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = content.get("parts", [content])
    if not isinstance(content, list):
        return ""
    return "\n".join(
        part if isinstance(part, str) else part["text"]
        for part in content
        if isinstance(part, str) or (isinstance(part, dict) and isinstance(part.get("text"), str))
    )


def _parts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = _content(message)
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict))


def _has_image(message: dict[str, Any]) -> bool:
    return any(
        part.get("type") in _IMAGES or "inline_data" in part or "inlineData" in part
        for part in _parts(message)
    )


def _reasoning(message: dict[str, Any]) -> str | None:
    """The encrypted reasoning that a request hands back, of the dialects that have it."""
    for block in (message, *_parts(message)):
        for kind, name in (
            ("reasoning", "encrypted_content"),
            ("redacted_thinking", "data"),
            ("thinking", "signature"),
        ):
            found = block.get(name)
            if block.get("type") == kind and isinstance(found, str) and found:
                return found
    return None


def _is_marker(message: Any) -> bool:
    """Whether a message is the user's, and its text was taken out: what most gateways send."""
    if message.__class__ is not dict or message.get("role") != "user":
        return False
    content = message.get("content")
    return content.__class__ is str and content.startswith("redacted") and _taken_out(content)


def _taken_out(text: str) -> bool:
    start = text.strip().lower()
    return len(start) <= _LONGEST_MARKER and start.startswith(_MARKERS)
