"""What the client knows of its group's coordinator, which it tells nobody."""

from __future__ import annotations

from typing import Any


def is_unknown(consumer: Any) -> bool:
    """Whether nobody is known who coordinates the group of aiokafka's consumer; not before it has one."""
    coordinator = getattr(consumer, "_coordinator", None)
    return coordinator is not None and coordinator.coordinator_id is None


def error_of(consumer: Any) -> BaseException | None:
    """What the coordinator has against aiokafka's consumer, as long as nobody has raised it.

    The client coordinates no further until somebody does. A fetch would, but in a rebalance, where
    most such errors come from, nothing is fetched: the worker would be out of its group for good.
    """
    coordinator = getattr(consumer, "_coordinator", None)
    task = getattr(coordinator, "_coordination_task", None)
    if task is not None and task.done() and not task.cancelled():
        ended: BaseException | None = task.exception()
        return ended
    pending: BaseException | None = getattr(coordinator, "_pending_exception", None)
    return pending
