"""Is everything read, how far behind are decisions, and what is being said?"""

from __future__ import annotations

from panels import Dashboard, Panel, Query, number, series
from queries import INTERVAL, NEW, OURS, REQUESTS, UNOWNED, quantile, rate, rise

MISPLACED, EVENTS = "hydrawatch_misplaced_events_total", "hydrawatch_events_total"

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
            "round(sum(increase(hydrawatch_alerts_total"
            f'{{{NEW},action!="observe",mode!="shadow"}}[1h])))',
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
            ("min(hydrawatch_event_lag_seconds)", "event time, where it is furthest"),
            ("max(hydrawatch_event_lag_seconds)", "newest event, slowest partition"),
            unit="s",
        ),
        series(
            "Trouble at the brokers",
            ("sum(hydrawatch_broker_silent)", "workers that no broker answers"),
            ("max(hydrawatch_topic_problems)", "topics missing or not as they must be"),
            (
                "sum(max by (topic) (hydrawatch_leaderless_partitions))",
                "partitions without a leader",
            ),
            (
                "sum(max by (topic) (hydrawatch_under_min_isr_partitions))",
                "partitions with too few replicas in sync",
            ),
            red_from=1,
            about="as workers see them; /readyz names topics and partitions",
        ),
        series(
            "Writes not taken",
            ("max by (topic) (hydrawatch_undelivered_seconds)", "{{topic}}"),
            unit="s",
            red_from=120,
            about="how long the oldest record has waited for the brokers; what follows waits behind it",
        ),
        series(
            "Clients not served",
            ("max by (client) (hydrawatch_deaf_seconds)", "{{client}}"),
            (rise("connections_renewed_total", "client"), "{{client}}: connections made anew"),
            red_from=60,
            about="seconds without an answer though the brokers serve others; reader: nothing comes of what "
            "lies unread; writer, state: nothing is taken",
        ),
        series(
            "Input standing still",
            ("max by (topic) (hydrawatch_stalled_seconds)", "{{topic}}"),
            unit="s",
            red_from=120,
            about="how long the slowest partition that has something to do has not moved",
        ),
        series(
            "Input lost or not decided yet",
            (rise("lost_records_total", "topic"), "deleted unread: {{topic}}"),
            ("sum by (topic) (hydrawatch_lately_lost_records)", "within a day: {{topic}}"),
            ("sum by (topic) (hydrawatch_undecided_records)", "behind a transaction: {{topic}}"),
            about="deleted unread: the hours around it are incomplete; behind a transaction: nobody may "
            "read on before it ends",
        ),
        series(
            "Newly advised, by action",
            (rise("alerts_total", "mode, action", f"{{{NEW}}}"), "{{mode}}: {{action}}"),
            stacked=True,
            about="accounts whose alert was opened or escalated; renewals are not in it",
        ),
        series(
            "Dead letters, by reason",
            (rate("dead_letters_total", "reason") + " > 0", "{{reason}}"),
            (f"sum(rate(hydrawatch_dead_letters_cut_total{INTERVAL}))", "cut to its head"),
            unit="cps",
            about="cut: too large for the topic even when compressed, so it cannot be sent back; "
            "decoder_failed: a fault of ours",
        ),
        series(
            "Late events, by how far behind",
            (rate("late_events_total", "by"), "up to {{by}}"),
            unit="cps",
        ),
        series(
            "Events whose accounts belong elsewhere",
            ("max by (partition) (hydrawatch_misplaced_share) > 0", "partition {{partition}}"),
            (f"sum(increase({MISPLACED}{INTERVAL})) / sum(increase({EVENTS}{INTERVAL}))", "all"),
            unit="percentunit",
            about="by murmur2 of account_id: a producer places keys otherwise, accounts are judged by halves",
        ),
        series(
            "Late, by partition",
            ("max by (partition) (hydrawatch_late_share)", "partition {{partition}}"),
            unit="percentunit",
            about="of the last few thousand events; one partition far above the others: a clock",
        ),
        series(
            "Ahead of all others",
            (f"sum(rate(hydrawatch_ahead_events_total{INTERVAL}))", "counted, moving no watermark"),
            unit="cps",
            about="a clock that is ahead; where little is sent, each event is ahead of the one before",
        ),
        series(
            "Partitions owned, held back, standing still",
            ("sum by (topic) (hydrawatch_partitions_assigned)", "owned of {{topic}}"),
            (UNOWNED, "owned by nobody"),
            ("sum(hydrawatch_held_back_partitions)", "held back"),
            ("count(hydrawatch_stalled_seconds > 60) or vector(0)", "standing still"),
            about="held back: ahead of the others in event time, so not read on for a while",
        ),
        series(
            "Properties given but not usable",
            (f"topk(8, {rate('unknown_properties_total', 'property')})", "{{property}}"),
            (
                f"topk(4, {rate('unusable_properties_total', 'property')} > 0)",
                "no possible value: {{property}}",
            ),
            (f"sum(rate(hydrawatch_unknown_usage_total{INTERVAL}))", "requests without usage"),
            (f"sum(rate(hydrawatch_reused_ids_total{INTERVAL}))", "ids used again"),
            unit="cps",
            about="null, empty or invalid: taken as unknown, so detectors see less; ids used again: "
            "same id, other content",
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
                Query("sum by (instance, worker_mode, version) (hydrawatch_build_info)"),
                Query("sum by (instance, worker_mode, digest) (hydrawatch_config_info)"),
            ),
            kind="table",
            width=12,
            height=6,
            about="workers with different digests judge differently; a shadow one may be meant to",
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
