"""Parts of expressions that the dashboards share.

`$__rate_interval` is Grafana's: four scrapes or the panel's resolution.
"""

from __future__ import annotations

import re

# What a reader chooses (the variable `worker`) and what `worker_mode` then matches: a live worker's
# series have no such label. In parentheses, as Grafana takes an empty value for none at all.
WORKERS = {"live": "()", "shadow": "shadow", "both": ".*"}
CHOSEN = 'worker_mode=~"${worker:raw}"'  # raw, or Grafana may escape what is a pattern
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# Quoted text outside of braces is passed over: a label's value is no selector.
_SELECTOR = re.compile(
    rf"{_QUOTED}|\b(?P<name>(?:hydrawatch|process)_\w+)(?:\{{(?P<labels>(?:{_QUOTED}|[^\"}}])*)\}})?"
)

OURS = '{job=~".*hydrawatch.*"}'
INTERVAL = "[$__rate_interval]"
NEW = 'kind="account",state=~"open|escalated"'
EVIDENCE = '{kind=~"flagged_key|flagged_member|own_evidence"}'
REQUESTS = '{topic!~"hydrawatch-.*"}'
OUT_OF_TURN = '{kind!="template"}'
UNOWNED = (
    "sum(clamp_min(max by (topic) (hydrawatch_partitions)"
    " - sum by (topic) (hydrawatch_partitions_assigned), 0))"
)
DECODER_FAILED = '{reason="decoder_failed"}'


def rate(name: str, by: str, labels: str = "") -> str:
    """Per second, by a label."""
    return f"sum by ({by}) (rate(hydrawatch_{name}{labels}{INTERVAL}))"


def rise(name: str, by: str, labels: str = "") -> str:
    """How many more, by a label, for what is too rare to be a rate."""
    return f"sum by ({by}) (increase(hydrawatch_{name}{labels}{INTERVAL}))"


def quantile(q: float, name: str) -> str:
    """A quantile of a histogram of seconds, by stage."""
    return f"histogram_quantile({q}, sum by (le, stage) (rate(hydrawatch_{name}_bucket{INTERVAL})))"


def of_chosen_workers(expr: str) -> str:
    """The expression with each series of ours narrowed to the workers that the reader chose."""
    return _SELECTOR.sub(_narrowed, expr)


def _narrowed(found: re.Match[str]) -> str:
    if found["name"] is None:
        return found[0]
    labels = f"{found['labels']}," if found["labels"] else ""
    return f"{found['name']}{{{labels}{CHOSEN}}}"
