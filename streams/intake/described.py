"""What the intake reads, in tables for the documentation: properties by format, and transformations."""

from __future__ import annotations

from detectors.contract.request_event import PROPERTIES
from streams.intake.digesting import KEYED, network
from streams.intake.formats import NAMES, SHIPPED
from streams.intake.transformations import TRANSFORMATIONS


def formats_tables() -> str:
    """What each shipped format reads, and the transformations of mapping files."""
    formats = [name for name in NAMES if name not in ("litellm_http", "otel_spans_proto")]
    mapped = {name: SHIPPED[name].mapping.fields for name in formats}
    named = [p.name for p in PROPERTIES if any(p.name in fields for fields in mapped.values())]
    rows = [
        "## What each format reads",
        "",
        "| property | " + " | ".join(f"`{name}`" for name in formats) + " |",
        "|---|" + "---|" * len(formats),
    ]
    rows += [
        f"| `{name}` | " + " | ".join("✓" if name in mapped[f] else "" for f in formats) + " |"
        for name in named
    ]
    rows += ["", "## Transformations", "", "| `as` | gives |", "|---|---|"]
    made = {name: make for name, (make, _) in TRANSFORMATIONS.items()} | dict(KEYED)
    for name, make in made.items():
        text = (network if name == "ip_prefix" else make).__doc__ or ""
        rows.append(f"| `{name}` | {text.splitlines()[0].rstrip('.')} |")
    return "\n".join(rows)
