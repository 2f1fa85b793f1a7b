"""Which client a user agent names: the family of SDK, tool or browser, whatever its version.

docs/fingerprints.md, section 4.
"""

from __future__ import annotations

import re
from functools import lru_cache

OTHER = "other"
_LONGEST = 512  # characters looked at
_LONGEST_NAME = 32

# First match wins: what calls through a library names itself before the library.
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("claude-code", r"claude-cli/|claude-code/"),
    ("codex", r"codex[_-]?cli|codex_exec|codex_vscode"),
    ("gemini-cli", r"geminicli/|gemini-cli/"),
    ("github-copilot", r"githubcopilot|copilot-"),
    ("cursor", r"\bcursor/"),
    ("cline", r"\b(?:cline|roo-?code|kilo-?code)/"),
    ("opencode", r"\bopencode/"),
    ("aider", r"\baider[/-]"),
    ("litellm", r"litellm"),
    ("langchain", r"langchain|langgraph|langsmith"),
    ("llama-index", r"llama-?_?index"),
    ("vercel-ai", r"\bai-sdk/|\bai/\d"),
    ("pydantic-ai", r"pydantic[_-]ai"),
    ("openai-agents", r"\bagents/python|openai-agents"),
    ("semantic-kernel", r"semantic-?kernel"),
    ("haystack", r"haystack"),
    ("dspy", r"\bdspy"),
    ("openai-python", r"openai/(?:v\d+ )?python(?:bindings)?\b|openai-python"),
    ("openai-node", r"openai/(?:v\d+ )?(?:js|node)\b|openai-node|openai-ts"),
    ("openai-dotnet", r"openai/\S+ .*\.net\b|openai[/.-](?:\.net|dotnet|csharp)"),
    ("openai-go", r"openai/go\b|go-openai|openai-go"),
    ("openai-java", r"openai/(?:java|kotlin)|openai-java"),
    ("openai-ruby", r"openai/ruby|ruby-openai"),
    ("openai-php", r"openai-php"),
    ("openai-rust", r"async-openai/"),
    ("anthropic-python", r"anthropic(?:bedrock|vertex)?/python|anthropic-python"),
    ("anthropic-node", r"anthropic(?:bedrock|vertex)?/(?:js|node)|anthropic-(?:node|typescript)"),
    ("anthropic-go", r"anthropic/go\b"),
    ("anthropic-java", r"anthropic/(?:java|kotlin)\b"),
    ("google-genai", r"google-genai-sdk|genai-js|google-?generativeai"),
    ("google-api", r"google-api-(?:python|nodejs|java)-client|gl-python|gl-node|gapic"),
    ("mistral", r"mistral[a-z-]*/|mistral-client|speakeasy-sdk/\w+ .*mistral"),
    ("cohere", r"\bcohere"),
    ("groq", r"\bgroq/"),
    ("together", r"\btogether/"),
    ("ollama", r"\bollama"),
    ("huggingface", r"hf_hub|huggingface|text-generation"),
    ("azure-sdk", r"azsdk-|azureopenai"),
    ("aws-sdk", r"\bboto3|botocore|aws-sdk|aws-cli"),
    ("openrouter", r"openrouter"),
    ("aiohttp", r"\baiohttp/"),
    ("python-httpx", r"python-httpx|\bhttpx/"),
    ("python-requests", r"python-requests"),
    ("python-urllib", r"python-urllib"),
    ("curl", r"^(?:lib)?curl/|pycurl"),
    ("wget", r"^wget/"),
    ("httpie", r"^httpie/"),
    ("go-http", r"go-http-client|\bresty/|\bfasthttp"),
    ("okhttp", r"okhttp"),
    ("apache-httpclient", r"apache-httpclient|apache-httpasyncclient"),
    ("java-http", r"^java[/-]"),
    ("reactor-netty", r"reactornetty"),
    ("axios", r"\baxios/"),
    ("undici", r"^undici|^node-fetch|^node(?:\.js)?(?:/|$)"),
    ("got", r"^got[ /(]"),
    ("bun", r"^bun/"),
    ("deno", r"^deno/"),
    ("reqwest", r"\breqwest/|\bhyper/|\bureq/"),
    ("guzzle", r"guzzlehttp"),
    ("ruby", r"^ruby|faraday|httparty|rest-client/"),
    ("perl", r"libwww-perl|^lwp::"),
    ("dotnet-http", r"restsharp|\.net[ -]?(?:core|framework|/)"),
    ("powershell", r"powershell/"),
    ("postman", r"postmanruntime|insomnia|bruno-?runtime"),
    ("load-test", r"^k6/|grafanak6|locust|^ab/|apachebench|^wrk"),
)
# One expression with a group per family; compiled on first use, because most imports never ask.
_BROWSER = re.compile(r"^(?:Mozilla|Opera)/", re.IGNORECASE)
_VERSION = re.compile(r"\d+")
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z._-]{1,31}(?=[/ ;(]|$)")


def client_family(user_agent: str) -> str | None:
    """Name the family of a user agent, at most 40 characters: `openai-python`, `curl`, `chrome`.

    Versions do not separate families. A tool that nobody listed is `other:<product>`, its first
    product in lower case where that is a plain name of at most 32 letters, dots and dashes; all
    else is `other`. None for a blank agent.
    """
    agent = " ".join(user_agent[:_LONGEST].split())
    return _family(_VERSION.sub("0", agent)) if agent else None


@lru_cache(maxsize=4096)
def _family(agent: str) -> str:
    """Name the family of an agent whose versions are gone."""
    pattern = _known()
    if known := pattern.search(agent):
        return _FAMILIES[(known.lastindex or 1) - 1][0]
    if _BROWSER.match(agent):
        return _browser(agent)
    product = _PRODUCT.match(agent)
    return f"{OTHER}:{product[0].lower().strip('._-')}" if product else OTHER


@lru_cache(maxsize=1)
def _known() -> re.Pattern[str]:
    """Compile the listed families, a group each."""
    groups = (f"({re.sub(r'[(](?![?])', '(?:', pattern)})" for _, pattern in _FAMILIES)
    return re.compile("|".join(groups), re.IGNORECASE)


def _browser(agent: str) -> str:
    """Name a browser, or whatever else calls itself Mozilla, by ua-parser's list."""
    from ua_parser import parse_user_agent

    found = parse_user_agent(agent)
    if found is None:
        return f"{OTHER}:mozilla"
    return "-".join(found.family.lower().split())[: _LONGEST_NAME + 8]
