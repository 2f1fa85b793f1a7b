"""What a series shows, and the tick with which stories told to gauges begin."""

from streams.observe.metrics import Metrics
from tests.stage_stories import MINUTE, START

TICK = START // MINUTE


def shown(metrics: Metrics, series: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"hydrawatch_{series}", labels)
