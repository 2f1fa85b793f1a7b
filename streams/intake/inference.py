"""Which spans and log records are requests to a model, and which are what lies around them.

An agent's, a chain's and a workflow's span sum the tokens of the calls below them; a tool's, a retrieval's,
an embedding's and an HTTP span are no request to a model that writes. A span says itself what it is, by the
first of these that it has; one "no" outweighs what else it carries:

| attribute | of whom | counts where |
|---|---|---|
| `openinference.span.kind` | OpenInference | `LLM` |
| `traceloop.span.kind` | OpenLLMetry | never: workflow, task, agent, tool (its model calls have none) |
| `langfuse.observation.type` | Langfuse | `generation` |
| `litellm.request.purpose` | LiteLLM | never: a call of the gateway's own |
| `gen_ai.operation.name` | the conventions | one of `OPERATIONS` |
| `llm.request.type` | OpenLLMetry, LiteLLM | one of `OPERATIONS` |
| none of them | vLLM, the oldest | a model is named, and a usage or (no server's span) a provider |

Two of one request may still both count: a gateway's server span around the provider client's, LangChain's
around OpenAI's. Where both are in one body, the innermost is the request, and takes from those around it who
asked (`counted_within` counts the others). Spans of one request in different bodies cannot be told: keep
traces together on the way (the collector's `groupbytrace`), or instrument once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.intake.otlp import SERVER, Signal

DETAILS: Final = "gen_ai.client.inference.operation.details"

# gen_ai.operation.name of requests to a model that writes, and what gateways call the same.
OPERATIONS: Final = frozenset(
    (
        *("chat", "text_completion", "generate_content"),  # the conventions
        *("completion", "acompletion", "atext_completion", "responses", "aresponses"),  # LiteLLM
        *("anthropic_messages", "agenerate_content", "generate_content_stream"),
        *("agenerate_content_stream", "pass_through_endpoint", "allm_passthrough_route"),
        *("chat_completion", "chat.completions", "create_response", "messages", "message"),
        *("generate", "generate_text", "stream_text", "generation", "converse", "invoke_model"),
        *("llm_request", "text.generation"),
    )
)
MODELS: Final = (
    *("gen_ai.response.model", "gen_ai.request.model"),
    *("llm.response.model_name", "llm.model_name", "llm.request.model_name"),
    *("llm.response.model", "llm.request.model", "llm.model"),
)
_USAGES: Final = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    *("llm.usage.completion_tokens", "llm.usage.prompt_tokens"),
    *("llm.token_count.completion", "llm.token_count.prompt"),
)
_PROVIDERS: Final = ("gen_ai.provider.name", "gen_ai.system", "llm.vendor", "llm.system")
# First words of span names of instrumentations that say it nowhere else.
_NAMES_OF_OTHERS: Final = frozenset(
    (
        *(
            "invoke_agent",
            "create_agent",
            "execute_tool",
            "invoke_workflow",
            "agent",
            "tool",
            "plan",
        ),
        *("embeddings", "embedding", "retrieval", "rerank", "workflow", "task", "running"),
    )
)
_SAYS: Final = {
    "openinference.span.kind": frozenset(("llm",)),
    "langfuse.observation.type": frozenset(("generation",)),
    "gen_ai.operation.name": OPERATIONS,
    "llm.request.type": OPERATIONS,
}
_MOST_AROUND: Final = 64  # spans walked up from each request


def is_inference(signal: Signal) -> bool:
    """Whether a span or log record is a request to a model, by what it says of itself."""
    a = signal.attributes
    if signal.is_log and signal.name != DETAILS and signal.name.startswith("gen_ai."):
        return False  # messages, choices, evaluations and exceptions of a request
    if "traceloop.span.kind" in a and a["traceloop.span.kind"] != "unknown":
        return False
    if "litellm.request.purpose" in a:
        return False
    said = [str(a[name]).lower() in these for name, these in _SAYS.items() if name in a]
    if said:
        return all(said)
    if not any(name in a for name in MODELS) or _first_word(signal.name) in _NAMES_OF_OTHERS:
        return False
    if any(name in a for name in _USAGES):
        return True
    return signal.kind != SERVER and any(name in a for name in _PROVIDERS)


def _first_word(name: str) -> str:
    return name.split(" ", 1)[0].split(".", 1)[0].lower()


def counted_within(inferences: list[Signal], all_spans: Iterable[Signal]) -> set[int]:
    """Which of a body's inference spans are around another of them, by `id()`.

    The one within takes from them what it lacks of who asked and from where.
    """
    if len(inferences) < 2:
        return set()
    places = {(s.trace_id, s.span_id): s for s in all_spans if s.span_id and not s.is_log}
    wanted = {id(s) for s in inferences}
    around: set[int] = set()
    for signal in inferences:
        if id(signal) in around or not signal.parent_id:
            continue
        inner, above = signal, signal
        for _ in range(_MOST_AROUND):
            found = places.get((above.trace_id, above.parent_id))
            if found is None or found is inner:
                break
            above = found
            if id(above) in wanted:
                around.add(id(above))
                _inherit(inner, above)
    return around | _same_answer([s for s in inferences if id(s) not in around])


def _same_answer(inferences: list[Signal]) -> set[int]:
    """Server spans beside (not around) the client's span of the same answer."""
    answers: dict[tuple[str, object], Signal] = {}
    for signal in inferences:
        answer = signal.attributes.get("gen_ai.response.id")
        if signal.kind != SERVER and isinstance(answer, str) and answer and signal.trace_id:
            answers.setdefault((signal.trace_id, answer), signal)
    beside: set[int] = set()
    for signal in inferences:
        if signal.kind == SERVER and answers:
            answer = signal.attributes.get("gen_ai.response.id")
            if isinstance(answer, str) and (inner := answers.get((signal.trace_id, answer))):
                beside.add(id(signal))
                _inherit(inner, signal)
    return beside


# What a span around says of itself and its own call, and not of who asked.
_OF_THE_CALL: Final = (
    "gen_ai.",
    "llm.",
    "error.",
    "exception.",
    "http.",
    "input.",
    "output.",
    "url.",
)
_OF_WHO_ASKED: Final = frozenset(
    ("gen_ai.conversation.id", "gen_ai.user", "llm.user", "http.client_ip", "http.user_agent")
)


def _inherit(inner: Signal, outer: Signal) -> None:
    for name, value in outer.attributes.items():
        if name in _OF_WHO_ASKED or not name.startswith(_OF_THE_CALL):
            inner.attributes.setdefault(name, value)
