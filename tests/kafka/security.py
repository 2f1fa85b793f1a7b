"""Who may connect to a test cluster, and how: listeners, users, certificates and the authorizer.

A secured cluster has two listeners besides the internal one: SASL (over TLS; PLAIN, SCRAM and
OAUTHBEARER with unsigned tokens, which Kafka takes where it is given no key server) and MUTUAL
(TLS that demands a client's certificate, whose common name is the user). Every user has the same
name and password in all mechanisms, and no rights but those that ACLs give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kafka.certificates import Authority

INTERNAL = "INTERNAL"
SASL = "SASL"
MUTUAL = "MUTUAL"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")

_ROOT, _ROOT_PASSWORD = "broker", "the-brokers-own-password"
_MODULES = "org.apache.kafka.common.security"
_LOGIN = {
    "PLAIN": f"{_MODULES}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_MODULES}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_MODULES}.scram.ScramLoginModule",
    "OAUTHBEARER": f"{_MODULES}.oauthbearer.OAuthBearerLoginModule",
}


@dataclass(frozen=True, slots=True)
class Security:
    """A cluster that trusts everybody: one listener, no credentials, no rights to check."""

    listeners: Mapping[str, str] = field(default_factory=dict)

    def properties(self) -> dict[str, str]:
        """What the broker's configuration says of it."""
        return {"listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{INTERNAL}:PLAINTEXT"}

    def format_options(self) -> list[str]:
        """What the store is formatted with."""
        return []

    def admin_options(self) -> dict[str, str]:
        """How kafka-python reaches the internal listener with all rights."""
        return {}


@dataclass(frozen=True, slots=True)
class Secured:
    """A cluster that asks everybody who they are, and refuses what no ACL allows."""

    users: Mapping[str, str]  # name -> password
    authority: Authority
    listeners: Mapping[str, str] = field(default_factory=lambda: {SASL: "SASL_SSL", MUTUAL: "SSL"})

    def properties(self) -> dict[str, str]:
        """What the broker's configuration says of it."""
        inside = f"listener.name.{INTERNAL.lower()}"
        server = self.authority.server_store()
        found = {
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}"
                for name, protocol in {
                    "CONTROLLER": "SASL_PLAINTEXT",
                    INTERNAL: "SASL_PLAINTEXT",
                    **self.listeners,
                }.items()
            ),
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{_ROOT}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(server),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "ssl.principal.mapping.rules": r"RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            f"listener.name.{MUTUAL.lower()}.ssl.client.auth": "required",
            f"listener.name.{SASL.lower()}.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        }
        for listener in (inside, "listener.name.controller"):
            found[f"{listener}.sasl.enabled.mechanisms"] = "PLAIN"
            found[f"{listener}.plain.sasl.jaas.config"] = _jaas(
                "PLAIN",
                username=_ROOT,
                password=_ROOT_PASSWORD,
                **{f"user_{_ROOT}": _ROOT_PASSWORD},
            )
        passwords = {f"user_{name}": password for name, password in self.users.items()}
        for mechanism in MECHANISMS:
            options = passwords if mechanism == "PLAIN" else {}
            name = f"listener.name.{SASL.lower()}.{mechanism.lower()}.sasl.jaas.config"
            found[name] = _jaas(mechanism, **options)
        return found

    def format_options(self) -> list[str]:
        """What the store is formatted with: the SCRAM users."""
        options = []
        for name, password in self.users.items():
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                options += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        return options

    def admin_options(self) -> dict[str, str]:
        """How kafka-python reaches the internal listener with all rights."""
        return {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": _ROOT,
            "sasl_plain_password": _ROOT_PASSWORD,
        }

    def admin_properties(self) -> str:
        """The same for Kafka's own tools: the text of a --command-config file."""
        jaas = _jaas("PLAIN", username=_ROOT, password=_ROOT_PASSWORD)
        lines = ["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN"]
        return "\n".join([*lines, f"sasl.jaas.config={jaas}", ""])


def _jaas(mechanism: str, **options: str) -> str:
    words = [f'{name}="{value}"' for name, value in options.items()]
    return " ".join([_LOGIN[mechanism], "required", *words]) + ";"
