"""Where clients put a record by its key, and what makes them put it where Java's client does."""

from __future__ import annotations

import zlib

from detectors.kernels.partitioner import partition_of

DEFAULTS = {
    "librdkafka": "librdkafka's own default (CRC32)",
    "sarama": "Sarama's own default (FNV-1a)",
}
MEND = (
    "Key each record by account_id and let the client place it by murmur2: librdkafka and all that is "
    "built on it (confluent-kafka, node-rdkafka, rust-rdkafka, Vector, Fluent Bit) with "
    "partitioner=murmur2_random; kafka-go with Murmur2Balancer; Sarama with "
    "NewCustomPartitioner(WithAbsFirst(), WithCustomHashFunction(a murmur2)), for its "
    "NewReferenceHashPartitioner is FNV-1a; Java, Kafka Streams, franz-go, kafka-python, aiokafka and "
    "KafkaJS 2 do so unless told otherwise (docs/operations.md)"
)


def likely_client(key: bytes, partition: int, partitions: int) -> str | None:
    """Whose own default would put a key there, of `DEFAULTS`; None for nobody's."""
    if zlib.crc32(key) % partitions == partition:
        return "librdkafka"
    if _fnv(key, partitions) == partition:
        return "sarama"
    return None


def home(account_id: str, partitions: int) -> int:
    """The partition where an account belongs."""
    return partition_of(account_id.encode(), partitions)


def _fnv(key: bytes, partitions: int) -> int:
    digest = 0x811C9DC5
    for byte in key:
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    signed = digest - (1 << 32) if digest >> 31 else digest
    return abs(signed) % partitions  # as Go's remainder, whose sign is dropped
