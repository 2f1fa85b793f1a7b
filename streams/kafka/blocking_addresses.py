"""Any address that answers is enough, for kafka-python: at the start, and when all known brokers are gone.

kafka-python 3.0 draws one of the addresses by lot and waits for it until its time is over: one that accepts
and says nothing fails every other start. Once it knows brokers it asks nobody else.
`streams.kafka.addresses` is the same for aiokafka.
"""

from __future__ import annotations

import logging
import random
import time
from typing import Any

from kafka import errors
from kafka.cluster import ClusterMetadata
from kafka.net.manager import KafkaConnectionManager
from kafka.net.wakeup_notifier import WakeupNotifier

log = logging.getLogger("kafka")

NEXT_S = 0.25  # who has not answered by then has the next one asked as well
AGAIN_S = 10.0  # how long one round may take that looks for brokers anew
PAUSE_S = 0.1
# Another address would say the same, and say it at once.
FINAL = (
    errors.IncompatibleBrokerVersion,
    errors.SaslAuthenticationFailedError,
    errors.AuthorizationError,
)

_refresh_from_known = ClusterMetadata._do_refresh_metadata


def ask_any() -> None:
    """Have all kafka-python clients of this process do so; more than once is no harm."""
    KafkaConnectionManager._do_bootstrap = _bootstrap
    ClusterMetadata._do_refresh_metadata = _refresh


async def _bootstrap(manager: Any, deadline: float | None) -> bool:
    """`KafkaConnectionManager._do_bootstrap`, but whoever answers first."""
    pause = WakeupNotifier(manager._net)
    while not manager.closed and (deadline is None or time.monotonic() < deadline):
        metadata = await _round(manager, deadline)
        if metadata is not None:
            manager.cluster.update_metadata(metadata)
            manager.cluster.start_refresh_loop()
            return True
        delays = [manager.connection_delay(b.node_id) for b in manager.cluster.bootstrap_brokers()]
        await pause(min(max(min(delays), PAUSE_S), _left(deadline)))
    raise errors.KafkaTimeoutError(
        f"Unable to bootstrap from {manager.cluster.config['bootstrap_servers']}"
    )


async def _refresh(cluster: Any, node: Any) -> None:
    """`ClusterMetadata._do_refresh_metadata`, and from the first addresses where that fails."""
    try:
        await _refresh_from_known(cluster, node)
    except errors.KafkaError:
        metadata = await _round(cluster._manager, time.monotonic() + AGAIN_S)
        if metadata is None:
            raise
        cluster.update_metadata(metadata)


async def _round(manager: Any, deadline: float | None) -> Any:
    """Metadata from the first address that answers; None where none does. Raises what is `FINAL`."""
    brokers = manager.cluster.bootstrap_brokers()
    left = random.sample(brokers, len(brokers))
    heard = WakeupNotifier(manager._net)
    running: dict[Any, Any] = {}
    final: BaseException | None = None
    try:
        while (left or running) and not manager.closed and _left(deadline) > 0:
            if left:
                node = left.pop().node_id
                running[node] = manager.call_soon(_ask, manager, node, deadline)
                running[node].add_both(lambda _: heard.notify())
            await heard(min(NEXT_S, _left(deadline)) if left else _left(deadline))
            for node, asked in list(running.items()):
                if not asked.is_done:
                    continue
                del running[node]
                if asked.exception is None:
                    return asked.value
                if isinstance(asked.exception, FINAL):
                    final = asked.exception
    finally:
        for node in running:
            if (conn := manager._conns.get(node)) is not None:
                conn.close()
    if final is not None:
        raise final
    return None


async def _ask(manager: Any, node: Any, deadline: float | None) -> Any:
    conn = manager.get_connection(
        node,
        timeout_ms=_left(deadline) * 1000,
        pop_on_close=False,
        refresh_metadata_on_err=False,
        reset_backoff_on_connect=False,
    )
    try:
        await conn
        metadata = await manager.send(manager.cluster.metadata_request(), node)
        if not metadata.brokers:
            raise errors.MetadataEmptyBrokerList(metadata)
    except Exception as error:
        pause_s = manager.update_backoff(node) / 1000
        log.warning("Bootstrap via %s failed: %s (backoff %.2f secs)", conn, error, pause_s)
        raise
    else:
        manager.reset_backoff(node)
        return metadata
    finally:
        manager._conns.pop(node, conn).close()


def _left(deadline: float | None) -> float:
    return 30.0 if deadline is None else max(0.0, deadline - time.monotonic())
