"""A world as a LiteLLM proxy in front of it would tell it: its callback's records, with a directory.

Of an event goes into a record what LiteLLM knows of a request, under LiteLLM's names, with raw ids and an
address; what only the platform knows goes into the directory. Nothing else of the event is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

# What account-directory.v1 has of an account; no gateway sees any of it.
OF_ACCOUNTS = (
    *("account_created_at", "account_tier", "signup_path", "referral_fp"),
    *("payment_fp", "device_fp", "billing_country"),
)
OF_PROMPTS = ("template_fp", "system_fp", "prompt_fp", "reasoning_fp")
OF_PARAMETERS = ("temperature", "max_tokens", "top_p", "n")
FAILED = 400


def address_of(prefix_fp: str) -> str:
    """An IPv6 address whose /48 stands for a fingerprint of the world, which knows no addresses."""
    digest = hashlib.sha256(prefix_fp.encode()).hexdigest()
    return f"2a{digest[:2]}:{digest[2:6]}:{digest[6:10]}::7"


def record(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as LiteLLM's standard logging payload has it; times in seconds, as there."""
    end = event["event_time"] / 1000
    latency_s = event.get("latency_ms", 0) / 1000
    failed = event.get("status", 200) >= FAILED
    usage: dict[str, Any] = {
        "prompt_tokens": event["input_tokens"],
        "completion_tokens": event["output_tokens"],
    }
    if "cached_tokens" in event:
        usage["prompt_tokens_details"] = {"cached_tokens": event["cached_tokens"]}
    if "reasoning_tokens" in event:
        usage["completion_tokens_details"] = {"reasoning_tokens": event["reasoning_tokens"]}
    prompts = {name: event[name] for name in OF_PROMPTS if name in event}
    parameters = {name: event[name] for name in OF_PARAMETERS if name in event}
    if "tool_count" in event:
        parameters["tools"] = [{"type": "function"}] * event["tool_count"]
    metadata = {
        "user_api_key_user_id": event["account_id"],
        "user_api_key_hash": event.get("api_key_id"),
        "user_api_key_org_id": event.get("org_id"),
        "requester_ip_address": address_of(event["ip_prefix_fp"])
        if "ip_prefix_fp" in event
        else None,
        "spend_logs_metadata": {"hydrawatch": prompts} if prompts else None,
        "usage_object": usage,
    }
    return {
        "id": f"chatcmpl-{event['event_id']}",
        "litellm_call_id": event["event_id"],
        "trace_id": event.get("session_id"),
        "call_type": "acompletion",
        "status": "failure" if failed else "success",
        "startTime": end - latency_s,
        "endTime": end,
        "response_time": latency_s,
        "response_cost": event.get("cost_usd"),
        "model": event["model"],
        "model_group": event["model"],
        "prompt_tokens": event["input_tokens"],
        "completion_tokens": event["output_tokens"],
        "stream": event.get("stream"),
        "cache_hit": None,
        "messages": "redacted-by-litellm",
        "response": "redacted-by-litellm",
        "model_parameters": parameters,
        "metadata": metadata,
        "hidden_params": {},
        "error_information": {
            "error_code": str(event["status"]),
            "error_class": event.get("error_class"),
        }
        if failed
        else None,
    }


class Directory:
    """What the platform knows of the accounts of a world, as far as its events have told."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Learn of an event's account; what was learnt of it first stays."""
        account = event["account_id"]
        known = self._known.setdefault(account, {"account_id": account})
        for name in OF_ACCOUNTS:
            if name in event:
                known.setdefault(name, event[name])

    def records(self) -> list[dict[str, Any]]:
        """The records, one for each account."""
        return list(self._known.values())
