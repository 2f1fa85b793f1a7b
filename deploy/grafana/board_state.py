"""Is the state kept, how much is it, and what would a restart cost?"""

from __future__ import annotations

from panels import Dashboard, number, series
from queries import INTERVAL, OUT_OF_TURN, quantile, rate

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
            (f"topk(8, {rate('evictions_total', 'kind', OUT_OF_TURN)})", "{{kind}}"),
            unit="cps",
            about="a budget was full; ..._refused: not even taken in; without templates, of which "
            "the oldest always goes",
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
