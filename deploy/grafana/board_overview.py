"""Is everything read, how far behind are decisions, and what is being said?"""

from __future__ import annotations

from panels import Dashboard, Panel, Query, number, series
from queries import INTERVAL, NEW, OURS, REQUESTS, quantile, rate

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
            f'sum(increase(hydrawatch_alerts_total{{{NEW},action!="observe",mode!="shadow"}}[1h]))',
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
                f"sum by (mode, action) (increase(hydrawatch_alerts_total{{{NEW}}}{INTERVAL}))",
                "{{mode}}: {{action}}",
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
            about="each has a section in docs/runbooks.md",
        ),
    ),
)
