"""What operators' resources must look like, as far as ours use them; JSON Schemas of our own words.

Strict: a property that is not listed is a mistake, be it only one that nobody has checked.
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
NUMBER: dict[str, Any] = {"type": "integer", "minimum": 1}
LABELS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION: dict[str, Any] = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d))+$"}


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def listed(items: dict[str, Any]) -> dict[str, Any]:
    """A list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


def one_of(*values: str) -> dict[str, Any]:
    """One of these words."""
    return {"enum": list(values)}


POLICIES = closed(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "policies": listed(
            closed(
                {
                    "type": one_of("Pods", "Percent"),
                    "value": NUMBER,
                    "periodSeconds": {"type": "integer", "minimum": 1, "maximum": 1800},
                }
            )
        ),
    }
)
OPERATIONS = one_of(
    "Read",
    "Write",
    "Create",
    "Delete",
    "Alter",
    "Describe",
    "ClusterAction",
    "AlterConfigs",
    "DescribeConfigs",
    "IdempotentWrite",
    "All",
)
ACL = closed(
    {
        "resource": closed(
            {
                "type": one_of("topic", "group"),
                "name": TEXT,
                "patternType": one_of("literal", "prefix"),
            }
        ),
        "operations": listed(OPERATIONS),
    }
)
RULE = closed(
    {"alert": TEXT, "expr": TEXT, "labels": LABELS, "annotations": LABELS}, {"for": DURATION}
)
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("kafka.strimzi.io/v1", "KafkaTopic"): closed(
        {"partitions": NUMBER, "replicas": NUMBER, "config": LABELS}
    ),
    ("kafka.strimzi.io/v1", "KafkaUser"): closed(
        {
            "authentication": closed({"type": one_of("scram-sha-512", "tls", "tls-external")}),
            "authorization": closed({"type": one_of("simple"), "acls": listed(ACL)}),
        }
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): closed(
        {
            "scaleTargetRef": closed({"apiVersion": TEXT, "kind": TEXT, "name": TEXT}),
            "minReplicaCount": NUMBER,
            "maxReplicaCount": NUMBER,
            "pollingInterval": NUMBER,
            "fallback": closed({"failureThreshold": NUMBER, "replicas": NUMBER}),
            "advanced": closed(
                {
                    "horizontalPodAutoscalerConfig": closed(
                        {"behavior": closed({"scaleUp": POLICIES, "scaleDown": POLICIES})}
                    )
                }
            ),
            "triggers": listed(
                closed(
                    {
                        "type": one_of("prometheus"),
                        "metricType": one_of("AverageValue", "Value"),
                        "metadata": closed(
                            {
                                "serverAddress": TEXT,
                                "query": TEXT,
                                "threshold": {"type": "string", "pattern": r"^\d+$"},
                                "ignoreNullValues": one_of("true", "false"),
                            }
                        ),
                    }
                )
            ),
        }
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): closed(
        {
            "selector": closed({"matchLabels": LABELS}),
            "namespaceSelector": closed({"matchNames": listed(TEXT)}),
            "sampleLimit": NUMBER,
            "endpoints": listed(
                closed(
                    {"port": TEXT, "path": TEXT, "interval": DURATION, "scrapeTimeout": DURATION}
                )
            ),
        }
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): closed(
        {"groups": listed(closed({"name": TEXT, "rules": listed(RULE)}))}
    ),
}


def schema_of(version: str, kind: str) -> dict[str, Any]:
    """The schema of a whole resource."""
    metadata = closed({"name": {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"}})
    metadata["properties"]["labels"] = LABELS
    return closed(
        {
            "apiVersion": {"const": version},
            "kind": {"const": kind},
            "metadata": metadata,
            "spec": SPECS[version, kind],
        }
    )
