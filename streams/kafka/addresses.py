"""Any address that answers is enough: at the start, and again when all brokers that were known are gone.

aiokafka 0.14 asks one address after the other, and waits 40 s for one that accepts and says nothing. Once
it has heard of brokers it asks nobody else: where all of them come back under other addresses it never
hears of that, though the addresses it was given answer (KIP-899). And it connects to one broker at a
time, so that one that hangs keeps it from all others. kafka-python 3.0 waits for one address, drawn by lot,
until its time is over: `streams.kafka.blocking_addresses`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from aiokafka import client as stock
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaConnectionError, KafkaError, StaleMetadata
from aiokafka.protocol.metadata import MetadataRequest

# The client's own logger: `connection.explained` listens to it for why nobody answers.
log = logging.getLogger("aiokafka")

NEXT_S = 0.25  # who has not answered by then has the next one asked as well
# A connection, TLS and credentials: what Kafka's own clients allow for the first alone is 10 s, and a
# token may take as long.
CONNECT_S = 20.0
BOOTSTRAP = "bootstrap", ConnectionGroup.DEFAULT
FAILURES = (OSError, KafkaError, TimeoutError)

T = TypeVar("T")
Ask = Callable[[], Awaitable[T | None]]


async def first_answer(asks: Iterable[Ask[T]], next_s: float = NEXT_S) -> T | None:
    """What the first of them answers that is not None; None where all have nothing to say.

    They are asked in their order, the next one as soon as one has failed or been silent for `next_s`.
    Whoever has not answered by the end is cancelled.
    """
    left = list(asks)
    running: set[asyncio.Future[T | None]] = set()
    try:
        while left or running:
            if left:
                running.add(asyncio.ensure_future(left.pop(0)()))
            done, running = await asyncio.wait(
                running, timeout=next_s if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                if (answer := one.result()) is not None:
                    return answer
        return None
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def ask_any() -> None:
    """Have all aiokafka clients of this process do so, Faust's among them; more than once is no harm."""
    AIOKafkaClient.bootstrap = _bootstrap
    AIOKafkaClient._metadata_update = _metadata_update
    AIOKafkaClient._get_conn = _get_conn


async def begin_anew(client: Any) -> None:
    """Drop a client's connections and what it knows of brokers, and ask the addresses it was given.

    What was under way fails and is sent again, as after any lost connection. Raises KafkaConnectionError,
    after which it knows what it knew.
    """
    request = MetadataRequest(list(client._topics) or None)
    metadata = await _ask_addresses(client, request)
    for conn in list(client._conns.values()):
        conn.close()
    client.cluster.update_metadata(metadata)


async def _bootstrap(client: Any) -> None:
    """`AIOKafkaClient.bootstrap`, but whoever answers first."""
    client.cluster.update_metadata(await _ask_addresses(client, MetadataRequest([])))
    if client._sync_task is None:
        client._sync_task = stock.create_task(client._md_synchronizer())


async def _ask_addresses(client: Any, request: Any) -> Any:
    try:
        async with asyncio.timeout(client._request_timeout_ms / 1000):
            metadata = await first_answer(_addresses(client, request))
    except TimeoutError:
        metadata = None
    if metadata is None:
        raise KafkaConnectionError(f"Unable to bootstrap from {client.hosts}")
    return metadata


async def _metadata_update(client: Any, cluster: Any, topics: Iterable[str]) -> bool:
    """`AIOKafkaClient._metadata_update`, but whoever answers first, and not only brokers known so far."""
    request = MetadataRequest(list(topics) if topics else None)
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    if BOOTSTRAP in client._conns:
        nodes.append(BOOTSTRAP[0])
    random.shuffle(nodes)
    known: list[Ask[Any]] = [partial(_ask_node, client, node, request) for node in nodes]
    metadata = await first_answer(known + _addresses(client, request))
    if metadata is None:
        log.error("Unable to update metadata from %s and %s", nodes, client.hosts)
        cluster.failed_update(None)
        return False
    if not metadata.brokers:  # the first topic of a new cluster may still be in the making
        return False
    cluster.update_metadata(metadata)
    if client.cluster.brokers() and (conn := client._conns.pop(BOOTSTRAP, None)) is not None:
        conn.close()
    return True


def _addresses(client: Any, request: Any) -> list[Ask[Any]]:
    return [partial(_ask_address, client, host, port, request) for host, port, _ in client.hosts]


async def _ask_node(client: Any, node: Any, request: Any) -> Any:
    conn = await client._get_conn(node)
    if conn is None:
        return None
    try:
        return await conn.send(request)
    except FAILURES as error:
        log.warning("Unable to request metadata from node with id %s: %r", node, error)
        return None


async def _ask_address(client: Any, host: str, port: int, request: Any) -> Any:
    try:
        conn = await _connect(client, host, port)
    except FAILURES as error:
        log.error('Unable connect to "%s:%s": %s', host, port, str(error) or repr(error))
        return None
    keep = False
    try:
        metadata = await conn.send(request)
        # A cluster without topics may name no brokers: then this is all there is to ask.
        keep = not (metadata.brokers or client.cluster.brokers() or BOOTSTRAP in client._conns)
        if keep:
            client._conns[BOOTSTRAP] = conn
        return metadata
    except FAILURES as error:
        log.warning(
            'Unable to request metadata from "%s:%s": %s', host, port, str(error) or repr(error)
        )
        return None
    finally:
        if not keep:
            conn.close()


async def _get_conn(
    client: Any, node: Any, *, group: Any = ConnectionGroup.DEFAULT, no_hint: bool = False
) -> Any:
    """`AIOKafkaClient._get_conn`, but a broker that hangs keeps nobody from the others."""
    key = node, group
    conn = client._conns.get(key)
    if conn is not None and conn.connected():
        return conn
    locks: dict[Any, asyncio.Lock] = client.__dict__.setdefault("_one_at_a_time", {})
    try:
        async with locks.setdefault(key, asyncio.Lock()):
            conn = client._conns.pop(key, None)
            if conn is None or not conn.connected():
                broker = client.cluster.broker_metadata(node)
                if broker is None:
                    raise StaleMetadata(f"Broker id {node} not in current metadata")
                conn = await _connect(
                    client, broker.host, broker.port, on_close=client._on_connection_closed
                )
            client._conns[key] = conn
            return conn
    except FAILURES as error:
        log.error("Unable connect to node with id %s: %s", node, str(error) or repr(error))
        client.force_metadata_update()  # what we know of it is old
        return None


async def _connect(client: Any, host: str, port: int, **more: Any) -> Any:
    """A connection with a client's options. Raises OSError, KafkaError, TimeoutError."""
    try:
        async with asyncio.timeout(min(CONNECT_S, client._request_timeout_ms / 1000)):
            return await stock.create_conn(
                host,
                port,
                client_id=client._client_id,
                request_timeout_ms=client._request_timeout_ms,
                ssl_context=client._ssl_context,
                security_protocol=client._security_protocol,
                max_idle_ms=client._connections_max_idle_ms,
                sasl_mechanism=client._sasl_mechanism,
                sasl_plain_username=client._sasl_plain_username,
                sasl_plain_password=client._sasl_plain_password,
                sasl_kerberos_service_name=client._sasl_kerberos_service_name,
                sasl_kerberos_domain_name=client._sasl_kerberos_domain_name,
                sasl_oauth_token_provider=client._sasl_oauth_token_provider,
                **more,
            )
    except TimeoutError as error:
        raise TimeoutError("no answer in time") from error
