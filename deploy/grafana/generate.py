"""Writes deploy/grafana/dashboards/*.json: what operations looks at, said once and briefly here.

    python deploy/grafana/generate.py

`tests/test_dashboards.py` fails while a file is behind; `tests/integration/test_dashboards.py` asks
a real Prometheus every question of every dashboard. `$__rate_interval` is Grafana's: four scrapes or
the panel's resolution.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from panels import Dashboard, Panel, Query, number, rendered, series

HERE = Path(__file__).parent
OURS = '{job=~".*hydrawatch.*"}'
INTERVAL = "[$__rate_interval]"
NEW = 'kind="account",state=~"open|escalated"'
EVIDENCE = '{kind=~"flagged_key|flagged_member|own_evidence"}'
REQUESTS = '{topic!~"hydrawatch-.*"}'


def rate(name: str, by: str, labels: str = "") -> str:
    """Per second, by a label."""
    return f"sum by ({by}) (rate(hydrawatch_{name}{labels}{INTERVAL}))"


def quantile(q: float, name: str) -> str:
    """A quantile of a histogram of seconds, by stage."""
    return f"histogram_quantile({q}, sum by (le, stage) (rate(hydrawatch_{name}_bucket{INTERVAL})))"


OVERVIEW = Dashboard(
    "hydrawatch-overview",
    "hydrawatch: overview",
    "Is everything read, how far behind are decisions, and what is being said?",
    (
        number("Workers ready", "sum(hydrawatch_ready)", red_below=1),
        number("Requests read per second", f"sum(rate(hydrawatch_events_total{INTERVAL}))"),
        number(
            "Waiting unread",
            f"sum(hydrawatch_lag_records{REQUESTS})",
            about="records of the request topic",
        ),
        number(
            "Decisions behind",
            'max(hydrawatch_watermark_delay_seconds{stage="owner"})',
            unit="s",
            red_from=1800,
            about="about 11 minutes by design: allowed lateness and the open minute",
        ),
        number(
            "Accounts advised against, last hour",
            f'sum(increase(hydrawatch_alerts_total{{{NEW},action!="observe"}}[1h]))',
        ),
        number(
            "Rules firing",
            'count(ALERTS{alertname=~"Hydrawatch.*",alertstate="firing"}) or vector(0)',
            red_from=1,
        ),
        series(
            "Records read, by outcome",
            (rate("events_total", "outcome"), "{{outcome}}"),
            unit="cps",
            stacked=True,
            about="late: counted for links only; refused: no room; rejected: dead letters",
        ),
        series(
            "Unread records, by topic",
            ("sum by (topic) (hydrawatch_lag_records)", "{{topic}}"),
        ),
        series(
            "Behind the clock",
            ("max by (stage) (hydrawatch_watermark_delay_seconds)", "watermark of {{stage}}"),
            ("max(hydrawatch_event_lag_seconds)", "newest event, slowest partition"),
            unit="s",
        ),
        series(
            "Newly advised, by action",
            (
                f"sum by (action) (increase(hydrawatch_alerts_total{{{NEW}}}{INTERVAL}))",
                "{{action}}",
            ),
            stacked=True,
            about="accounts whose alert was opened or escalated; renewals are not in it",
        ),
        series(
            "Dead letters, by reason",
            (rate("dead_letters_total", "reason") + " > 0", "{{reason}}"),
            unit="cps",
        ),
        series(
            "Late events, by how far behind",
            (rate("late_events_total", "by"), "up to {{by}}"),
            unit="cps",
        ),
        series(
            "Properties given but not usable",
            (f"topk(8, {rate('unknown_properties_total', 'property')})", "{{property}}"),
            unit="cps",
            about="null, empty or invalid: taken as unknown, so detectors see less",
        ),
        series(
            "Partitions owned, held back, standing still",
            ("sum by (topic) (hydrawatch_partitions_assigned)", "owned of {{topic}}"),
            ("sum(hydrawatch_held_back_partitions)", "held back"),
            ("count(hydrawatch_stalled_seconds > 60) or vector(0)", "standing still"),
            about="held back: ahead of the others in event time, so not read on for a while",
        ),
        series(
            "Chunk time",
            (quantile(0.5, "batch_seconds"), "{{stage}}, half"),
            (quantile(0.99, "batch_seconds"), "{{stage}}, 99 %"),
            unit="s",
        ),
        series(
            "Processor",
            (f"rate(process_cpu_seconds_total{OURS}{INTERVAL})", "{{instance}}"),
            unit="percentunit",
            about="a worker uses one core at most",
        ),
        series("Memory", (f"process_resident_memory_bytes{OURS}", "{{instance}}"), unit="bytes"),
        series("Open files", (f"process_open_fds{OURS}", "{{instance}}")),
        Panel(
            "What runs",
            (
                Query("sum by (instance, version) (hydrawatch_build_info)"),
                Query("sum by (instance, digest) (hydrawatch_config_info)"),
            ),
            kind="table",
            width=12,
            height=6,
            about="workers with different digests judge differently",
        ),
        Panel(
            "Rules that fire or are about to",
            (Query('ALERTS{alertname=~"Hydrawatch.*"}'),),
            kind="table",
            width=12,
            height=6,
            about="each has a section in docs/operations.md",
        ),
    ),
)

STATE = Dashboard(
    "hydrawatch-state",
    "hydrawatch: state and recovery",
    "Is the state kept, how much is it, and what would a restart cost?",
    (
        number("Oldest state kept", "max(hydrawatch_snapshot_age_seconds)", unit="s", red_from=900),
        number("State at the broker", "sum(hydrawatch_state_log_bytes)", unit="bytes"),
        number("Accounts held", 'sum(hydrawatch_entities{kind="account"})'),
        number(
            "Old state not deleted",
            "max(hydrawatch_state_not_deleted)",
            red_from=1,
            about="1: the worker lacks the right to delete records of the state topic",
        ),
        number("Rebalances, last hour", "sum(increase(hydrawatch_rebalances_total[1h]))"),
        number("Stalls, last hour", "sum(increase(hydrawatch_stalls_total[1h]))", red_from=1),
        series(
            "Age of the state kept",
            ("max by (stage) (hydrawatch_snapshot_age_seconds)", "{{stage}}"),
            unit="s",
            about="0 where nothing has come since; what is younger is read again after a restart",
        ),
        series(
            "States kept",
            (rate("snapshots_total", "stage"), "{{stage}}"),
            unit="cps",
        ),
        series(
            "Bytes kept",
            (rate("snapshot_bytes_total", "stage"), "{{stage}}"),
            unit="Bps",
            stacked=True,
        ),
        series(
            "Time to keep a state",
            (quantile(0.5, "snapshot_seconds"), "{{stage}}, half"),
            (quantile(0.99, "snapshot_seconds"), "{{stage}}, 99 %"),
            unit="s",
        ),
        series(
            "State at the broker",
            ("sum by (stage) (hydrawatch_state_log_bytes)", "{{stage}}"),
            unit="bytes",
            stacked=True,
            about="what a recovery reads at least; the topic holds somewhat more",
        ),
        series(
            "Recovery",
            ("sum by (stage) (hydrawatch_recovery_seconds_total)", "{{stage}}, since the start"),
            unit="s",
        ),
        series(
            "Bytes read back",
            ("hydrawatch_recovery_bytes", "{{instance}}"),
            unit="bytes",
            about="of the partition that is being recovered, or was last",
        ),
        series(
            "State in memory, by kind",
            ("sum by (kind) (hydrawatch_state_bytes)", "{{kind}}"),
            unit="bytes",
            stacked=True,
        ),
        series("Entities held, by kind", ("sum by (kind) (hydrawatch_entities)", "{{kind}}")),
        series(
            "Forgotten before their time",
            (rate("evictions_total", "kind"), "{{kind}}"),
            unit="cps",
            about="a budget was full; ..._refused: not even taken in",
        ),
        series(
            "Bytes of state per account",
            (
                'sum(hydrawatch_state_bytes) / sum(hydrawatch_entities{kind="account"})',
                "all tables",
            ),
            unit="bytes",
        ),
        series(
            "Rebalances and stalls",
            (f"sum(increase(hydrawatch_rebalances_total{INTERVAL}))", "rebalances"),
            (f"sum by (topic) (increase(hydrawatch_stalls_total{INTERVAL}))", "stalls: {{topic}}"),
        ),
    ),
)

DETECTION = Dashboard(
    "hydrawatch-detection",
    "hydrawatch: detection",
    "What the detectors see, what is concluded from it, and what that costs.",
    (
        number("Campaigns", 'sum(hydrawatch_entities{kind="campaign"})'),
        number(
            "Largest campaign",
            "max(hydrawatch_largest_campaign_accounts)",
            red_from=2500,
            about="accounts; fusion.campaign_cap refuses links beyond 5,000",
        ),
        number("Accounts with an alert", 'sum(hydrawatch_entities{kind="account_alert"})'),
        number("Networks with an alert", 'sum(hydrawatch_entities{kind="network_alert"})'),
        number("Values flagged", 'sum(hydrawatch_entities{kind="flagged_key"})'),
        number("Pieces of evidence, last hour", "sum(increase(hydrawatch_evidence_total[1h]))"),
        series(
            "Evidence",
            (rate("evidence_total", "detector, family"), "{{detector}}, {{family}}"),
            unit="cps",
            stacked=True,
        ),
        series(
            "Account alerts, by action",
            (rate("alerts_total", "action", '{kind="account"}'), "{{action}}"),
            unit="cps",
            stacked=True,
            about="all revisions, renewals among them",
        ),
        series(
            "Alerts, by state",
            (rate("alerts_total", "kind, state"), "{{kind}} {{state}}"),
            unit="cps",
        ),
        series(
            "Alerts, by severity",
            (rate("alerts_total", "severity"), "{{severity}}"),
            unit="cps",
            stacked=True,
        ),
        series(
            "Campaigns and alerts that stand",
            (
                'sum by (kind) (hydrawatch_entities{kind=~"campaign|account_alert|network_alert"})',
                "{{kind}}",
            ),
        ),
        series(
            "Largest campaign",
            ("max(hydrawatch_largest_campaign_accounts)", "accounts"),
            red_from=2500,
            about="one that swallows everything links by something ordinary",
        ),
        series(
            "What evidence is about",
            (
                f"sum by (kind) (hydrawatch_entities{EVIDENCE})",
                "{{kind}}",
            ),
        ),
        series(
            "Windows closed",
            (rate("windows_closed_total", "entity, span"), "{{entity}}, {{span}}"),
            unit="cps",
        ),
        series(
            "Minutes of event time closed",
            (rate("ticks_closed_total", "stage"), "{{stage}}"),
            unit="cps",
            about="1/60 per partition in real time, more while catching up",
        ),
        series(
            "Time in detectors",
            (rate("detector_seconds_total", "detector"), "{{detector}}"),
            unit="percentunit",
            about="of one core",
        ),
        series(
            "Handed over between stages",
            (rate("handover_bytes_total", "topic"), "{{topic}}"),
            unit="Bps",
        ),
        series(
            "Control events",
            (
                "sum by (kind, outcome) (hydrawatch_control_events_total)",
                "{{kind}}, {{outcome}}",
            ),
            about="releases, allowances, verdicts, since the workers' start",
        ),
    ),
)

BOARDS = {"overview": OVERVIEW, "state": STATE, "detection": DETECTION}


def outputs() -> dict[Path, str]:
    """Every file this script writes, and its text."""
    return {
        HERE / "dashboards" / f"{name}.json": json.dumps(rendered(board), indent=1) + "\n"
        for name, board in BOARDS.items()
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")
