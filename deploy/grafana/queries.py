"""Parts of expressions that the dashboards share.

`$__rate_interval` is Grafana's: four scrapes or the panel's resolution.
"""

from __future__ import annotations

OURS = '{job=~".*hydrawatch.*"}'
INTERVAL = "[$__rate_interval]"
NEW = 'kind="account",state=~"open|escalated"'
EVIDENCE = '{kind=~"flagged_key|flagged_member|own_evidence"}'
REQUESTS = '{topic!~"hydrawatch-.*"}'
OUT_OF_TURN = '{kind!="template"}'
CAPPED = "hydrawatch_advice_capped_total"
# Whoever does not own the campaigns has no budget to show, and would show 0.
LEFT = 'hydrawatch_advice_left and on (instance) hydrawatch_watermark_delay_seconds{stage="owner"}'


def rate(name: str, by: str, labels: str = "") -> str:
    """Per second, by a label."""
    return f"sum by ({by}) (rate(hydrawatch_{name}{labels}{INTERVAL}))"


def quantile(q: float, name: str) -> str:
    """A quantile of a histogram of seconds, by stage."""
    return f"histogram_quantile({q}, sum by (le, stage) (rate(hydrawatch_{name}_bucket{INTERVAL})))"
