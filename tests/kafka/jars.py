"""Apache Kafka from jars: where they are, and a Java command that runs one of their programs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.places import ROOT

FOLDER = Path(os.environ.get("KAFKA_JARS", ROOT / "build" / "kafka"))

BROKER = "kafka.Kafka"
STORAGE = "kafka.tools.StorageTool"
ACLS = "org.apache.kafka.tools.AclCommand"

# A broker of tests is small and short-lived: the second compiler would cost more than it gives.
_FLAGS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData")


class NoKafkaError(RuntimeError):
    """Java or Kafka's jars are missing; the message says how to get them."""


def java(program: str, *arguments: str, heap_mb: int = 256, log: Path | None = None) -> list[str]:
    """Return the command line of a Kafka program. Raises NoKafkaError."""
    found = shutil.which("java")
    if found is None:
        msg = "Apache Kafka needs Java 17 or later: install a JRE so that `java` is on the PATH"
        raise NoKafkaError(msg)
    if not any(FOLDER.glob("kafka_*.jar")):
        msg = f"no Kafka in {FOLDER}: run `make test-kafka`, or deploy/kafka/fetch.sh {FOLDER}"
        raise NoKafkaError(msg)
    settings = [f"-Dlog4j2.configurationFile={log}"] if log else []
    command = [found, *_FLAGS, f"-Xmx{heap_mb}m", *settings]
    return [*command, "-cp", f"{FOLDER}/*", program, *arguments]
