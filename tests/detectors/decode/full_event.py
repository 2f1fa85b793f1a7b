"""An event with every property, and what is read of a decoded one."""

from __future__ import annotations

import base64

from detectors.contract.request_event import OPTIONAL
from detectors.decode.decoder import Decoded
from tests.least_event import MINIMAL

FULL = MINIMAL | {
    "schema_version": 1,
    "org_id": "o-1",
    "api_key_id": "key-1",
    "session_id": "s-1",
    "account_created_at": 1770000000000,
    "account_tier": "trial",
    "signup_path": "edu",
    "referral_fp": "k1:ref",
    "payment_fp": "k1:9c31",
    "billing_country": "US",
    "geo_country": "DE",
    "ip_prefix_fp": "k1:77aa",
    "asn": 4294967295,
    "ip_class": "hosting",
    "tls_fp": "t13d1516h2_8daaf6152771_02713d6af862",
    "device_fp": "k1:dev",
    "client_fp": "py-1",
    "client_attested": False,
    "access_path": "cloud_b",
    "reasoning_tokens": 7,
    "cached_tokens": 8,
    "max_tokens": 9,
    "temperature": 0.7,
    "top_p": 1,
    "n": 2,
    "stream": True,
    "tool_count": 3,
    "turn_index": 4,
    "has_image": True,
    "system_fp": "k1:sys",
    "prompt_fp": "k1:pro",
    "template_fp": "9f3c00d1a2b4e6f8",
    "prompt_sketch": base64.b64encode(bytes(range(32))).decode(),
    "lang": "en",
    "capability": "other",
    "cot_score": 0.8444218515250481,
    "grading_score": 1e-05,
    "status": 429,
    "error_class": "rate_limit",
    "latency_ms": 1234,
    "cost_usd": 0.0123455,
    "ingest_time": 1777026031200,
    "id_epoch": 3,
    "reasoning_fp": "k1:block",
}


def text(decoded: Decoded, name: str, row: int = 0) -> str:
    event = decoded.events[row]
    at, length = int(event[f"{name}_at"]), int(event[f"{name}_len"])
    return decoded.buffer[at : at + length].tobytes().decode()


def unknown(decoded: Decoded) -> dict[str, int]:
    return {n: c for n, c in zip(OPTIONAL, decoded.unknown.tolist(), strict=True) if c}
