"""LiteLLM records to events on one core, beside `json.loads` and a dict of the same fields.

Decode, map, privacy gate, digests, and the event as JSON; no broker. Both sides read the same bodies in
turns, so that what runs beside them slows both. Records are as LiteLLM writes them, 10 KB, most of it the
model's price list, with the prompts taken out; `--lean` leaves the price list out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter

NOW = 1_777_026_031_000


def records(count: int, lean: bool, seed: int) -> list[dict[str, Any]]:
    """LiteLLM's standard logging payloads of a few thousand users."""
    draw = random.Random(seed)
    prices = {f"input_cost_per_token_{n}_of_some_tier": n * 1e-7 for n in range(150)}
    known = {"supported_openai_params": [f"param_{n}" for n in range(40)], **prices}
    made = []
    for n in range(count):
        user = draw.randrange(4000)
        end = NOW / 1000 + n / 100
        usage = {
            "prompt_tokens": 800 + n % 100,
            "completion_tokens": 200 + n % 90,
            "total_tokens": 1000,
            "prompt_tokens_details": {"cached_tokens": n % 50, "audio_tokens": None},
            "completion_tokens_details": {"reasoning_tokens": n % 40, "text_tokens": 100},
        }
        made.append(
            {
                "id": f"chatcmpl-{draw.getrandbits(128):032x}",
                "trace_id": f"{draw.getrandbits(128):032x}",
                "litellm_call_id": f"{draw.getrandbits(128):032x}",
                "call_type": "acompletion",
                "stream": bool(n % 2),
                "response_cost": 0.00123,
                "status": "success",
                "custom_llm_provider": "openai",
                "total_tokens": 1000,
                "prompt_tokens": 800 + n % 100,
                "completion_tokens": 200 + n % 90,
                "startTime": end - 2.5,
                "endTime": end,
                "completionStartTime": end - 2,
                "response_time": 2.5,
                "model_map_information": {"model_map_key": "m", "model_map_value": {}}
                if lean
                else {"model_map_key": "large-5", "model_map_value": known},
                "model": "large-5",
                "model_id": f"{user:064x}",
                "model_group": "large",
                "api_base": "https://api.example.com/v1",
                "metadata": {
                    "user_api_key_hash": f"{user:064x}",
                    "user_api_key_alias": None,
                    "user_api_key_org_id": f"org-{user % 300}",
                    "user_api_key_team_id": None,
                    "user_api_key_user_id": f"user-{user}",
                    "user_api_key_end_user_id": None,
                    "spend_logs_metadata": None,
                    "requester_ip_address": f"203.0.{user % 250}.7",
                    "user_agent": f"OpenAI/Python 1.{user % 60}.0",
                    "requester_metadata": {},
                    "usage_object": usage,
                },
                "cache_hit": False,
                "request_tags": ["User-Agent: OpenAI"],
                "messages": [{"role": "user", "content": "redacted-by-litellm"}],
                "response": {"choices": [{"message": {"content": "redacted-by-litellm"}}]},
                "error_str": None,
                "error_information": {"error_code": "", "error_class": "", "llm_provider": ""},
                "model_parameters": {"temperature": 0.7, "max_tokens": 900, "tools": [{}, {}]},
                "hidden_params": {"model_id": "x", "usage_object": usage},
                "guardrail_information": None,
            }
        )
    return made


def plain(body: bytes) -> int:
    """What nobody could do without: the standard library's JSON, and a dict of the same fields."""
    events = []
    for record in json.loads(body):
        metadata = record["metadata"]
        usage = metadata["usage_object"]
        parameters = record["model_parameters"]
        events.append(
            {
                "event_id": record["litellm_call_id"],
                "event_time": int(record["endTime"] * 1000),
                "account_id": metadata["user_api_key_user_id"],
                "org_id": metadata["user_api_key_org_id"],
                "api_key_id": metadata["user_api_key_hash"],
                "session_id": record["trace_id"],
                "ip_prefix_fp": metadata["requester_ip_address"],
                "client_fp": metadata["user_agent"],
                "model": record["model"],
                "input_tokens": record["prompt_tokens"],
                "output_tokens": record["completion_tokens"],
                "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
                "reasoning_tokens": usage["completion_tokens_details"]["reasoning_tokens"],
                "temperature": parameters["temperature"],
                "max_tokens": parameters["max_tokens"],
                "tool_count": len(parameters["tools"]),
                "stream": record["stream"],
                "status": 200 if record["status"] == "success" else 500,
                "latency_ms": int(record["response_time"] * 1000),
                "cost_usd": record["response_cost"],
            }
        )
    return len(events)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=100, help="records in a body")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--lean", action="store_true", help="without the model's price list")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    made = records(args.records, args.lean, args.seed)
    bodies = [
        json.dumps(made[n : n + args.batch]).encode() for n in range(0, len(made), args.batch)
    ]
    size = sum(map(len, bodies)) / len(made)
    converter = Converter(keys=Keys(b"a secret of the benchmark", 1))

    def ours(body: bytes) -> int:
        return len(converter.convert("litellm", body, received_ms=NOW).events)

    def seconds(take: Callable[[bytes], int]) -> float:
        began = time.process_time()
        taken = sum(map(take, bodies))
        assert taken == len(made), f"{taken} of {len(made)} records"
        return time.process_time() - began

    seconds(ours), seconds(plain)  # caches and code are warm
    rounds = [(seconds(ours), seconds(plain)) for _ in range(args.rounds)]
    print(f"{len(made):,} records of {size:,.0f} bytes, {args.batch} a body; {args.rounds} rounds")
    for name, index in (("intake", 0), ("json.loads + dict", 1)):
        rates = sorted(len(made) / one[index] for one in rounds)
        print(
            f"{name:>18}: {statistics.median(rates):>9,.0f} records/s of CPU "
            f"({rates[0]:,.0f} to {rates[-1]:,.0f})"
        )
    ratios = sorted(plain_s / ours_s for ours_s, plain_s in rounds)
    print(
        f"{'intake / plain':>18}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
