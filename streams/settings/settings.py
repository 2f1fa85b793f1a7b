"""Where and how hydrawatch runs: the environment, read once, checked, never printed with secrets.

What is odd about an account is no setting: that is `detectors.toml`, which HYDRAWATCH_CONFIG names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from detectors.errors import ConfigError
from streams.settings.intake_rules import conflicts as intake_conflicts
from streams.settings.security import conflicts
from streams.settings.values import MASK, Addresses, ExistingFile, Secret, TopicName

PREFIX = "HYDRAWATCH_"
PUBLIC_HASH_KEY = "hydrawatch-public-hash-key"  # public on purpose, see hash_key

# What a worker in shadow mode names otherwise, so that a live one beside it hears nothing of it.
SHADOW_NAMES = {
    "dead_letters_topic": "hydrawatch.dead-letters.shadow.v1",
    "handover_topic": "hydrawatch-handover-shadow",
    "evidence_topic": "hydrawatch-evidence-shadow",
    "marks_topic": "hydrawatch-marks-shadow",
    "state_topic": "hydrawatch-state-shadow",
    "group": "hydrawatch-shadow",
}

NAMES_OF_SECRETS = frozenset({"sasl_username", "oauth_client_id"})


class Settings(BaseSettings):
    """The environment's shelf of configuration: one field per HYDRAWATCH_* variable.

    Read it with `streams.settings.environment.load()`, which turns every problem into one ConfigError; an
    empty variable counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    broker: Addresses = "127.0.0.1:9092"
    # Faust wants one, relative to the working directory; the worker itself keeps nothing on disk.
    data_dir: Path = Path("hydrawatch-data")
    config: ExistingFile | None = None
    # Shadow: everything that is said goes to the shadow topic, and what is internal has other names.
    mode: Literal["live", "shadow"] = "live"
    # A worker is one process: several on one host need a port each, or 0 (any free one, logged).
    metrics_port: int = Field(default=9464, ge=0, le=65_535)
    # Loopback, as metrics name models, volumes and defences; a container sets 0.0.0.0.
    metrics_host: str = "127.0.0.1"
    # Overrides engine.partitions of detectors.toml; the worker compares it with the topics.
    partitions: int | None = Field(default=None, ge=1, le=1024)

    requests_topic: TopicName = "hydrawatch.requests.v1"
    alerts_topic: TopicName = "hydrawatch.alerts.v1"
    shadow_topic: TopicName = "hydrawatch.alerts.shadow.v1"
    control_topic: TopicName = "hydrawatch.control.v1"
    dead_letters_topic: TopicName = "hydrawatch.dead-letters.v1"
    accounts_topic: TopicName = "hydrawatch.accounts.v1"  # the intake's directory of accounts
    handover_topic: TopicName = "hydrawatch-handover"
    evidence_topic: TopicName = "hydrawatch-evidence"
    marks_topic: TopicName = "hydrawatch-marks"
    state_topic: TopicName = "hydrawatch-state"
    group: Annotated[str, Field(pattern=r"^hydrawatch[a-zA-Z0-9._-]*$", max_length=200)] = (
        "hydrawatch"
    )

    # Keys the fingerprints of dedupe and of key networks, so that nobody can craft values that
    # collide. The default is public: good for demo and tests, replaced by `check`'s advice.
    hash_key: Secret = SecretStr(PUBLIC_HASH_KEY)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # What of these goes with what: streams/settings/security.py.
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    oauth_token_file: ExistingFile | None = None  # read at each connection: somebody renews it
    oauth_token_url: str | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: SecretStr | None = None
    oauth_scope: str | None = None
    oauth_ca: ExistingFile | None = None
    tls: bool = False
    tls_ca: ExistingFile | None = None  # none: the system's authorities
    tls_cert: ExistingFile | None = None
    tls_key: ExistingFile | None = None
    tls_key_password: SecretStr | None = None

    # The intake (`hydrawatch intake`). What goes with what: streams/settings/intake_rules.py.
    # Whoever knows the key can try which address or id a digest is of; all intakes need the same.
    intake_key: Secret | None = None
    intake_key_file: ExistingFile | None = None
    intake_epoch: int = Field(default=1, ge=0, le=999_999)  # goes up with each new key
    # Loopback: without a token or client certificates nobody else may be heard.
    intake_host: str = "127.0.0.1"
    intake_port: int = Field(default=9465, ge=0, le=65_535)
    intake_token: SecretStr | None = None  # several are separated by commas: an old and a new one
    intake_token_file: ExistingFile | None = None  # one a line
    intake_tls_cert: ExistingFile | None = None
    intake_tls_key: ExistingFile | None = None
    intake_tls_client_ca: ExistingFile | None = None  # set: a client must show a certificate of it
    # LiteLLM's records have 13 kB each and come by the hundred. Holds for what is unpacked as well.
    intake_body_bytes: int = Field(default=10_000_000, ge=1000, le=1_000_000_000)
    # Of one client, that is of one token, or of one address where there are none.
    intake_requests_per_s: float = Field(default=10_000.0, gt=0, le=1_000_000)
    # Bodies in hand and records that the broker does not have yet: beyond it clients wait.
    intake_in_hand_bytes: int = Field(default=128_000_000, ge=1_000_000, le=100_000_000_000)
    # How long a request waits for the broker before it is told to come again.
    intake_answer_s: float = Field(default=10.0, gt=0, le=300)

    # One per worker, the same after a restart: within the session timeout its partitions wait for
    # it instead of moving.
    instance_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,200}$")] | None = None
    # Faust's own 60 s would leave a dead worker's partitions standing still for a minute.
    session_timeout_s: float = Field(default=10.0, ge=1, le=300)
    heartbeat_s: float = Field(default=3.0, gt=0, le=100)
    # How long a partition may say nothing before the others stop waiting for its watermark.
    idle_s: float = Field(default=10.0, gt=0, le=3600)
    # How often each partition's state is kept at the broker: what came after is read again.
    snapshot_s: float = Field(default=30.0, gt=0, le=3600)
    # Retention may delete what was not read yet. One hole must not stop a fleet that knows the rest; who
    # would rather look first has it stop.
    on_loss: Literal["continue", "stop"] = "continue"
    # Longer than the largest chunk or a slow fetch takes; ten times as long and /livez gives up.
    stall_s: float = Field(default=60.0, gt=0, le=3600)
    # Longer than a client needs to notice by itself that a broker hangs (40 s): then its connections are
    # made anew, and after three times as long the process ends.
    deaf_s: float = Field(default=60.0, gt=0, le=3600)
    # Records per chunk: large enough to pay Faust's cost once, small enough for heartbeats between.
    chunk_records: int = Field(default=2000, ge=1, le=100_000)

    _from_environment: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="before")
    @classmethod
    def _names_of_a_shadow(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("mode") == "shadow":
            return {**SHADOW_NAMES, **values}
        return values

    @field_validator("log_level", "on_loss", mode="before")
    @classmethod
    def _level_in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("sasl_mechanism", mode="before")
    @classmethod
    def _mechanism_in_any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _values_fit_together(self) -> Self:
        if self.heartbeat_s * 3 > self.session_timeout_s:
            _refuse(
                f"HYDRAWATCH_HEARTBEAT_S = {self.heartbeat_s:g} is more than a third of "
                f"HYDRAWATCH_SESSION_TIMEOUT_S = {self.session_timeout_s:g}: one lost heartbeat "
                "would end the session; lower the first or raise the second"
            )
        if self.mode == "shadow":
            for name in SHADOW_NAMES:
                if getattr(self, name) == type(self).model_fields[name].default:
                    _refuse(
                        f"{variable(name)} = {getattr(self, name)} is what a live worker uses, and "
                        "HYDRAWATCH_MODE = shadow would disturb it; unset it or give another name"
                    )
        for problem in (*conflicts(self), *intake_conflicts(self)):
            _refuse(problem)
        seen: dict[str, str] = {}
        for name in type(self).model_fields:
            if not name.endswith("_topic"):
                continue
            topic = getattr(self, name)
            if topic in seen:
                _refuse(
                    f"{variable(seen[topic])} and {variable(name)} are both {topic!r}: "
                    "each topic needs a name of its own"
                )
            seen[topic] = name
        return self

    def given_by_environment(self, names: frozenset[str]) -> None:
        """Note which fields the environment has set."""
        self._from_environment = names

    def origins(self) -> dict[str, str]:
        """Where each value came from.

        "default", "environment", "HYDRAWATCH_MODE" (a shadow's), or "program" (set by a caller).
        """
        shadow = SHADOW_NAMES if self.mode == "shadow" else {}
        return {
            name: "environment"
            if name in self._from_environment
            else "HYDRAWATCH_MODE"
            if name in shadow and getattr(self, name) == shadow[name]
            else "program"
            if name in self.model_fields_set
            else "default"
            for name in type(self).model_fields
        }

    def printable(self) -> dict[str, Any]:
        """Every value as JSON can hold it, secrets masked."""
        values = self.model_dump(mode="json")
        return {
            name: MASK if is_secret(name) and value is not None else value
            for name, value in values.items()
        }

    def credentials(self) -> dict[str, str]:
        """What proves who this is, by variable: secrets, and the names that belong to them."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            variable(name): value.get_secret_value() if is_secret(name) else value
            for name, value in values.items()
            if value is not None and (is_secret(name) or name in NAMES_OF_SECRETS)
        }

    def secrets(self) -> list[str]:
        """The secrets themselves, to be masked wherever they might show."""
        values = (getattr(self, name) for name in type(self).model_fields if is_secret(name))
        found = [value.get_secret_value() for value in values if value is not None]
        return [text for text in found if text != PUBLIC_HASH_KEY]

    def hash_key_bytes(self) -> bytes:
        """The 16 bytes that key the fingerprints, derived from `hash_key`."""
        text = self.hash_key.get_secret_value().encode()
        return hashlib.blake2b(text, digest_size=16, person=b"hydrawatch-fp").digest()

    def detectors_text(self) -> tuple[str | None, str]:
        """The text of detectors.toml and its name for messages; (None, ...) where none is set.

        Raises ConfigError if it cannot be read as UTF-8.
        """
        if self.config is None:
            return None, "defaults"
        try:
            return self.config.read_text(encoding="utf-8-sig"), str(self.config)
        except (OSError, UnicodeDecodeError) as error:
            msg = f"HYDRAWATCH_CONFIG: {self.config} cannot be read as UTF-8 text: {error}"
            raise ConfigError(msg) from error


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def is_secret(field: str) -> bool:
    """Whether a field's value must never be shown."""
    return "SecretStr" in str(Settings.model_fields[field].annotation)


def _refuse(message: str) -> None:
    raise ValueError(message)
