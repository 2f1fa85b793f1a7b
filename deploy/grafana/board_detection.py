"""What the detectors see, what is concluded from it, and what that costs."""

from __future__ import annotations

from panels import Dashboard, number, series
from queries import CAPPED, EVIDENCE, INTERVAL, LEFT, rate

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
            (rate("alerts_total", "mode, action", '{kind="account"}'), "{{mode}}: {{action}}"),
            unit="cps",
            stacked=True,
            about="all revisions, renewals among them",
        ),
        series(
            "Alerts, by state",
            (rate("alerts_total", "mode, kind, state"), "{{mode}}: {{kind}} {{state}}"),
            unit="cps",
        ),
        series(
            "Alerts, by severity",
            (rate("alerts_total", "mode, severity"), "{{mode}}: {{severity}}"),
            unit="cps",
            stacked=True,
        ),
        series(
            "Budget of advice",
            (LEFT, "left this hour, {{instance}}"),
            (f"sum by (instance) (increase({CAPPED}{INTERVAL}))", "capped, {{instance}}"),
            about="new advice above observe, per hour of event time; capped: kept below its evidence",
        ),
        series(
            "Holes in the input",
            (
                f"sum by (instance) (increase(hydrawatch_input_outage_seconds_total{INTERVAL}))",
                "{{instance}}",
            ),
            unit="s",
            about="event time of partitions' hours from which nothing is learned, when it was found",
        ),
        series(
            "Accounts forgotten on request",
            ("sum by (instance) (hydrawatch_forgotten_total)", "{{instance}}"),
            about="since the worker's start",
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
