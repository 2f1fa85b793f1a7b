"""What the detectors see, what is concluded from it, and what that costs."""

from __future__ import annotations

from panels import Dashboard, number, series
from queries import DECODER_FAILED, EVIDENCE, INTERVAL, rate, rise

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
            ("max by (mode) (hydrawatch_advice_left)", "{{mode}}: left this hour"),
            (rise("advice_capped_total", "mode"), "{{mode}}: capped"),
            about="new advice above observe, per hour of event time; capped: kept below its evidence",
        ),
        series(
            "Holes in the input",
            (rise("input_outage_seconds_total", "instance"), "{{instance}}"),
            unit="s",
            about="event time of partitions' hours from which nothing is learned, when it was found",
        ),
        series(
            "What raised and was set aside",
            (
                "sum by (detector) (hydrawatch_set_aside_entities)",
                "{{detector}}: accounts or values, within a day",
            ),
            (rise("set_aside_total", "detector"), "{{detector}}: judgements"),
            (
                f"sum(increase(hydrawatch_dead_letters_total{DECODER_FAILED}{INTERVAL}))",
                "decoder: records",
            ),
            red_from=1,
            about="a fault of ours that some input brings out; anything but 0 is to be reported",
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
            "Windows that detectors had no place for",
            (rise("unobserved_windows_total", "detector"), "{{detector}}"),
            about="of accounts, by detectors that remember the busiest alone; more of them costs memory",
        ),
        series(
            "Handed over between stages",
            (rate("handover_bytes_total", "topic"), "{{topic}}"),
            unit="Bps",
        ),
        series(
            "Control events, and accounts forgotten",
            (
                "sum by (kind, outcome) (hydrawatch_control_events_total)",
                "{{kind}}, {{outcome}}",
            ),
            ("sum(hydrawatch_forgotten_total)", "forgotten on request"),
            about="releases, allowances, verdicts and erasures, since the workers' start",
        ),
    ),
)
