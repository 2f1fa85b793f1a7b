"""What a worker's parts show: series to a monitoring system, readiness to an orchestrator."""

from __future__ import annotations

from typing import NamedTuple

from streams.observe.health import Readiness
from streams.observe.metrics import Metrics


class Shown(NamedTuple):
    """Both are the process's own: whoever has something to show is given them together."""

    metrics: Metrics
    readiness: Readiness
