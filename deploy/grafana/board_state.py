"""Is the state kept, how much is it, and what would a restart cost?"""

from __future__ import annotations

from panels import Dashboard, number, series
from queries import INTERVAL, OUT_OF_TURN, quantile, rate, rise

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
        number("Rebalances, last hour", "round(sum(increase(hydrawatch_rebalances_total[1h])))"),
        number(
            "Stalls, last hour", "round(sum(increase(hydrawatch_stalls_total[1h])))", red_from=1
        ),
        series(
            "Age of the state kept",
            ("max by (stage) (hydrawatch_snapshot_age_seconds)", "{{stage}}"),
            unit="s",
            about="0 where nothing has come since; what is younger is read again after a restart",
        ),
        series(
            "States kept",
            (rate("snapshots_total", "stage"), "{{stage}}"),
            (f"sum(rate(hydrawatch_snapshot_failures_total{INTERVAL}))", "could not be kept"),
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
            "Processor time for keeping",
            (rate("snapshot_cpu_seconds_total", "stage"), "{{stage}}"),
            unit="percentunit",
            stacked=True,
            about="of one core; a twentieth of a worker's time at most",
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
            ("topk(8, sum by (kind) (hydrawatch_state_bytes))", "{{kind}}"),
            unit="bytes",
            stacked=True,
            about="the eight largest",
        ),
        series(
            "Entities held, by kind",
            ("topk(8, sum by (kind) (hydrawatch_entities))", "{{kind}}"),
            about="the eight most frequent",
        ),
        series(
            "Forgotten before their time",
            (f"topk(7, {rate('evictions_total', 'kind', OUT_OF_TURN)})", "{{kind}}"),
            (f"sum(rate(hydrawatch_dedupe_overflow_total{INTERVAL}))", "event id"),
            unit="cps",
            about="a budget was full; ..._refused: not even taken in; without templates, of which "
            "the oldest always goes",
        ),
        series(
            "Forgotten in time",
            (rate("expired_total", "kind"), "{{kind}}"),
            unit="cps",
            about="after a silence as long as their expiry",
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
            (rise("stalls_total", "topic"), "stalls: {{topic}}"),
        ),
        series(
            "Records of others on the alert topics",
            ("max by (topic) (hydrawatch_foreign_records)", "{{topic}}"),
            about="passed over when the owner of campaigns last read what had been said; anything "
            "but 0: somebody else writes there",
        ),
    ),
)
