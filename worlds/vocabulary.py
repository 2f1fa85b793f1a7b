"""The words of events: the contract's enumerations, and the world's countries, clients and models.

Codes in columns are positions in these tuples.
"""

from __future__ import annotations

from typing import NamedTuple

TIERS = ("free", "trial", "paid", "enterprise", "program")
SIGNUPS = ("self", "edu", "startup", "research", "partner", "cloud")
IP_CLASSES = ("residential", "mobile", "hosting", "vpn", "tor", "corp", "edu", "unknown")
CAPABILITIES = (
    "coding",
    "agentic",
    "tools",
    "math",
    "reasoning",
    "vision",
    "grading",
    "rewrite",
    "chat",
    "other",
)


class Country(NamedTuple):
    """A country of the world: code, share of users, offset from UTC in minutes, language."""

    code: str
    weight: float
    offset_minutes: int
    language: str


COUNTRIES = (
    Country("US", 0.18, -300, "en"),
    Country("US", 0.12, -480, "en"),
    Country("IN", 0.14, 330, "en"),
    Country("GB", 0.08, 0, "en"),
    Country("DE", 0.08, 60, "de"),
    Country("FR", 0.06, 60, "fr"),
    Country("BR", 0.07, -180, "pt"),
    Country("JP", 0.07, 540, "ja"),
    Country("KR", 0.05, 540, "ko"),
    Country("CA", 0.05, -300, "en"),
    Country("AU", 0.04, 600, "en"),
    Country("ID", 0.03, 420, "id"),
    Country("NG", 0.03, 60, "en"),
)


LANGUAGES = (
    "en", "de", "fr", "pt", "ja", "ko", "id", "es", "zh", "ru", "ar", "hi", "it", "tr", "vi", "pl",
)  # fmt: skip


class Client(NamedTuple):
    """A client program: its TLS and header shape, way of access, and whether it sends telemetry."""

    tls: str
    shape: str
    access_path: str
    attested: bool
    weight: float


CLIENTS = (
    Client("t13d1516h2_8daaf6152771_02713d6af862", "browser-a", "web", True, 0.50),
    Client("t13d1715h2_5b57614c22b0_3d5424432f57", "browser-b", "web", True, 0.20),
    Client("t13d2014h2_a09f3c656075_14788d8d241b", "browser-c", "web", True, 0.20),
    Client("t13d1517h2_8daaf6152771_b1ff8ab2d16f", "browser-a-mobile", "web", True, 0.10),
    Client("t13d1714h1_5b57614c22b0_93c746dc12af", "cli-2", "cli", True, 0.70),
    Client("t13d1713h1_5b57614c22b0_43ade6aba3df", "cli-1", "cli", True, 0.30),
    Client("t13d1812h1_85036bcba153_375ca2c5e164", "sdk-python", "api", False, 0.45),
    Client("t13d1714h1_5b57614c22b0_93c746dc12af", "sdk-node", "api", False, 0.25),
    Client("t13d1311h2_f57a46bbacb6_e7c285222651", "sdk-go", "api", False, 0.07),
    Client("t13d3112h1_e8f1e7e78f70_6bebaf5329ac", "http-plain", "api", False, 0.08),
    Client("t13d1812h1_85036bcba153_375ca2c5e164", "sdk-python-batch", "batch", False, 0.05),
    Client("t13d1812h1_85036bcba153_375ca2c5e164", "cloud-sdk-a", "cloud_a", False, 0.06),
    Client("t13d2213h2_0f2cb44170f4_5c4c70b73fa0", "cloud-sdk-b", "cloud_b", False, 0.04),
    # old versions and wrappers of the cli, whose telemetry does not come
    Client("t13d1714h1_5b57614c22b0_93c746dc12af", "cli-2", "cli", False, 0.12),
)
SILENT_CLI = len(CLIENTS) - 1


class Model(NamedTuple):
    """A hosted model with its price in micro-dollars per token, read and written."""

    name: str
    per_input: float
    per_output: float


MODELS = (
    Model("large-5", 3.0, 15.0),
    Model("small-5", 0.8, 4.0),
    Model("large-4", 3.0, 15.0),
    Model("reasoner-5", 5.0, 25.0),
    Model("large-6", 3.0, 15.0),
)
OLDEST, NEWEST = 2, 4  # the one that is withdrawn, and the one that comes out within the world

# status, error class; the first is success, those from RETRIED on may be tried again
STATUSES = (
    (200, ""),
    (400, "invalid_request"),
    (429, "rate_limited"),
    (500, "internal"),
    (529, "overloaded"),
)
RETRIED_FROM = 2
