"""The collector's configuration that operators paste: what it lets through is what the intake reads."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import yaml

from tests.places import ROOT

CONFIGURED: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy" / "gateways" / "opentelemetry-collector.yaml").read_text()
)
MAPPED = set(
    re.findall(r'"([^"]+)"\'', (files("streams.intake") / "formats" / "otel.toml").read_text())
)
# Attributes that the code asks for, by name.
ASKED = {
    name
    for file in ("inference.py", "otel_failures.py", "otel_records.py")
    for name in re.findall(
        r'"([a-z_]+(?:\.[a-z_]+)+)"', (files("streams.intake") / file).read_text()
    )
}
ALLOWED = set(CONFIGURED["processors"]["redaction"]["allowed_keys"])


def test_each_attribute_that_is_let_through_is_read() -> None:
    assert not ALLOWED - MAPPED - ASKED - {"event.name"}


def test_no_text_of_anybodys_is_let_through() -> None:
    text = re.compile(
        r"message|prompt(?!_)|completion(?!_)|input\.value|output\.value|instructions|definitions"
    )
    counts = {name for name in ALLOWED if "token_count" in name or ".usage." in name}
    assert not {name for name in ALLOWED - counts if text.search(name)}


def test_what_tells_requests_from_what_is_around_them_is_let_through() -> None:
    kinds = {
        "gen_ai.operation.name",
        "openinference.span.kind",
        "traceloop.span.kind",
        "llm.request.type",
    }
    assert kinds | {"litellm.request.purpose", "user.id"} <= ALLOWED


def test_pipelines_name_what_is_configured_and_the_formats_are_the_intakes() -> None:
    for pipeline in CONFIGURED["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(CONFIGURED[kind])
    kafka = CONFIGURED["exporters"]["kafka/hydrawatch"]
    assert kafka["traces"]["encoding"] == kafka["logs"]["encoding"] == "otlp_proto"
    assert CONFIGURED["processors"]["batch"].get("send_batch_max_size", 0) == 0  # would cut traces
