"""Apache Kafka of one or several nodes on this machine, to be killed and started again.

    with KafkaCluster.start(nodes=3) as cluster:
        settings = Settings(broker=cluster.bootstrap)
        cluster.kill(cluster.leader("hydrawatch-evidence"))
        cluster.restart(1)                       # on the same data

Listens on 127.0.0.1 only. Every node is broker and controller. Topics that are made without a
number of replicas get one on each node, up to three.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from streams.kafka.embedded_broker import free_port
from tests.kafka.node import Node
from tests.kafka.security import INTERNAL, Secured, Security

SETTLE_S = 60.0


class KafkaCluster:
    """Nodes numbered from 1, their data, and where clients reach them."""

    def __init__(
        self,
        nodes: int,
        security: Security | Secured | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hydrawatch-kafka-"))
        self.security: Security | Secured = security or Security()
        self.ports = {
            name: [free_port() for _ in range(nodes)]
            for name in ("CONTROLLER", INTERNAL, *self.security.listeners)
        }
        self._nodes = {
            number: Node(
                number,
                self.folder / f"node-{number}",
                {**self._properties(number, nodes), **(extra or {})},
                self.ports[INTERNAL][number - 1],
            )
            for number in range(1, nodes + 1)
        }

    @classmethod
    def start(
        cls,
        nodes: int = 1,
        security: Security | Secured | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Self:
        """Format and start a cluster; returns when all nodes answer.

        `extra` are broker properties on top. Raises NoKafkaError, NodeError.
        """
        cluster = cls(nodes, security, extra)
        try:
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            for node in cluster._nodes.values():
                node.format(identity, cluster.security.format_options())
                node.start()
            for node in cluster._nodes.values():
                node.wait_until_ready()
            cluster.wait_until_settled()
        except BaseException:
            cluster.close()
            raise
        return cluster

    @property
    def bootstrap(self) -> str:
        """Addresses for clients without credentials, as HYDRAWATCH_BROKER takes them."""
        return self.addresses(INTERNAL)

    def addresses(self, listener: str) -> str:
        """Addresses of one listener."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports[listener])

    def node(self, number: int) -> Node:
        """A node, to look at its log or to let it hang."""
        return self._nodes[number]

    def kill(self, node: int) -> None:
        """Kill -9 a node."""
        self._nodes[node].kill()

    def stop(self, node: int) -> None:
        """Stop a node in order."""
        self._nodes[node].stop()

    def restart(self, node: int, wait: bool = True) -> None:
        """Start a node again on its data, after a kill, a stop, or as it runs."""
        if self._nodes[node].running:
            self._nodes[node].stop()
        self._nodes[node].start()
        if wait:
            self._nodes[node].wait_until_ready()

    def move(self, *numbers: int) -> None:
        """Have nodes come back under other addresses, on their data; returns when they answer."""
        for number in numbers:
            self._nodes[number].stop()
        for number in numbers:
            for name, ports in self.ports.items():
                if name != "CONTROLLER":  # of the quorum, which no client sees
                    ports[number - 1] = free_port()
            node = self._nodes[number]
            node.configure({**node.properties, "listeners": self._listeners(number)})
            node.internal_port = self.ports[INTERNAL][number - 1]
            node.start()
        for number in numbers:
            self._nodes[number].wait_until_ready()
        self.wait_until_settled()

    def admin(self) -> Any:
        """A kafka-python admin client with all rights; close it after use."""
        from kafka import KafkaAdminClient

        return KafkaAdminClient(
            bootstrap_servers=self.bootstrap.split(","), **self.security.admin_options()
        )

    def leader(self, topic: str, partition: int = 0) -> int:
        """The node that leads a partition; 0 while none does."""
        return max(0, int(self._partition(topic, partition)["leader_id"]))

    def in_sync(self, topic: str, partition: int = 0) -> list[int]:
        """The nodes whose copy of a partition is complete."""
        return sorted(self._partition(topic, partition)["isr_nodes"])

    def _partition(self, topic: str, number: int) -> Mapping[str, Any]:
        deadline = time.monotonic() + SETTLE_S
        while True:
            admin = self.admin()
            try:
                (found,) = admin.describe_topics([topic])
            finally:
                admin.close()
            for partition in found["partitions"]:
                if partition["partition_index"] == number:
                    return cast("Mapping[str, Any]", partition)
            # A node that has just come back may not have heard of it yet.
            if time.monotonic() > deadline:
                raise TimeoutError(f"no node knows partition {number} of {topic}")
            time.sleep(0.1)

    def wait_until_settled(self, seconds: float = SETTLE_S) -> None:
        """Return when every running node is a member of the cluster."""
        running = {number for number, node in self._nodes.items() if node.running}
        deadline = time.monotonic() + seconds
        while True:
            admin = self.admin()
            try:
                members = {int(one["broker_id"]) for one in admin.describe_cluster()["brokers"]}
            finally:
                admin.close()
            if running <= members:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"nodes {sorted(running - members)} did not join the cluster")
            time.sleep(0.2)

    def close(self) -> None:
        """End all nodes and delete their data."""
        for node in self._nodes.values():
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _listeners(self, number: int) -> str:
        return ",".join(
            f"{name}://127.0.0.1:{ports[number - 1]}" for name, ports in self.ports.items()
        )

    def _properties(self, number: int, nodes: int) -> dict[str, str]:
        controllers = [
            f"{one}@127.0.0.1:{port}" for one, port in enumerate(self.ports["CONTROLLER"], 1)
        ]
        copies = min(nodes, 3)
        return {
            "process.roles": "broker,controller",
            "node.id": str(number),
            "controller.quorum.voters": ",".join(controllers),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": INTERNAL,
            "listeners": self._listeners(number),
            "log.dirs": str(self.folder / f"node-{number}" / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": str(copies),
            "offsets.topic.replication.factor": str(copies),
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(min(2, copies)),
            "min.insync.replicas": str(min(2, copies)),
            # Tests wait for these: nine seconds until a dead broker's leaders move, three until a
            # first member is heard.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "500",
            **self.security.properties(),
        }
