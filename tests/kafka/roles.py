"""Who does what at a secured cluster: the users of deploy/kafka/acls.sh, and how each connects."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.settings.settings import Settings
from tests.kafka.certificates import Authority
from tests.kafka.cluster import KafkaCluster
from tests.kafka.jars import ACLS, ROOT, java
from tests.kafka.security import MUTUAL, SASL, Secured
from tests.tokens import token_endpoint, unsigned_token

ROLES = (
    *("worker", "gateway", "intake", "directory"),
    *("enforcement", "analyst", "oncall", "admin"),
)
WAYS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "token file", "token endpoint", "certificate")
PASSWORDS = {f"hydrawatch-{role}": f"secret-of-the-{role}" for role in ROLES}
CLIENT_SECRET = "secret-of-the-client"
PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """A secured cluster with its topics and rights, and settings for whoever acts on it."""

    cluster: KafkaCluster
    authority: Authority
    folder: Path
    token_url: str

    def settings(self, role: str, way: str = "SCRAM-SHA-512") -> Settings:
        """Settings of a role that proves who it is in one of the WAYS."""
        user = f"hydrawatch-{role}"
        where = MUTUAL if way == "certificate" else SASL
        common = {
            "broker": self.cluster.addresses(where),
            "partitions": PARTITIONS,
            "tls": True,
            "tls_ca": self.authority.certificate,
        }
        if way == "certificate":
            certificate, key = self.authority.issue(user)
            return Settings(**common, tls_cert=certificate, tls_key=key)
        if way == "token file":
            path = self.folder / f"{role}.token"
            path.write_text(unsigned_token(user))
            return Settings(**common, sasl_mechanism="OAUTHBEARER", oauth_token_file=path)
        if way == "token endpoint":
            return Settings(
                **common,
                sasl_mechanism="OAUTHBEARER",
                oauth_token_url=self.token_url,
                oauth_client_id=user,
                oauth_client_secret=CLIENT_SECRET,
            )
        return Settings(
            **common, sasl_mechanism=way, sasl_username=user, sasl_password=PASSWORDS[user]
        )


@contextmanager
def secured(folder: Path) -> Iterator[Stage]:
    """A secured cluster of one node, with the rights of deploy/kafka/acls.sh and no topics yet."""
    authority = Authority.create(folder / "certificates")
    security = Secured(PASSWORDS, authority)
    with (
        KafkaCluster.start(security=security) as cluster,
        token_endpoint(CLIENT_SECRET) as endpoint,
    ):
        grant(cluster, security, folder)
        yield Stage(cluster, authority, folder, endpoint.url)


def grant(cluster: KafkaCluster, security: Secured, folder: Path, mode: str = "live") -> None:
    """Run deploy/kafka/acls.sh with Kafka's own tool."""
    tool, credentials = _acl_tool(security, folder)
    done = subprocess.run(
        [str(ROOT / "deploy" / "kafka" / "acls.sh")],
        env={
            "PATH": os.environ["PATH"],
            "BOOTSTRAP": cluster.bootstrap,
            "CONFIG": str(credentials),
            "KAFKA_ACLS": str(tool),
            "HYDRAWATCH_MODE": mode,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def revoke(stage: Stage, role: str, operation: str, topic: str) -> None:
    """Take one right away again, with Kafka's own tool."""
    assert isinstance(stage.cluster.security, Secured)
    tool, credentials = _acl_tool(stage.cluster.security, stage.folder)
    where = ["--bootstrap-server", stage.cluster.bootstrap, "--command-config", str(credentials)]
    who = ["--allow-principal", f"User:hydrawatch-{role}", "--operation", operation]
    done = subprocess.run(
        [str(tool), *where, "--remove", "--force", *who, "--topic", topic],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _acl_tool(security: Secured, folder: Path) -> tuple[Path, Path]:
    """Kafka's tool for rights, and the credentials of somebody who may alter them."""
    tool = folder / "kafka-acls.sh"
    words = " ".join(f"'{word}'" for word in java(ACLS, heap_mb=64))
    tool.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    tool.chmod(0o700)
    credentials = folder / "admin.properties"
    credentials.write_text(security.admin_properties())
    return tool, credentials
