"""The environment is read strictly, explained, and never printed with its secrets."""

from pathlib import Path

import pytest

from detectors.errors import ConfigError
from streams.kafka import connection as broker
from streams.settings import settings
from streams.settings.detectors_toml import configured
from streams.settings.environment import doubtful, load
from streams.settings.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def complaint(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    for name, value in values.items():
        monkeypatch.setenv(settings.PREFIX + name, value)
    with pytest.raises(ConfigError) as caught:
        load()
    return str(caught.value)


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    found = load()
    assert found.broker == "127.0.0.1:9092"
    assert found.requests_topic == "hydrawatch.requests.v1"
    assert set(found.origins().values()) == {"default"}


def test_every_value_says_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRAWATCH_BROKER", "kafka-1:9092, kafka-2:9093")
    monkeypatch.setenv("HYDRAWATCH_CONFIG", "")  # empty is unset: compose files write it so
    found = load()
    assert found.broker == "kafka-1:9092,kafka-2:9093"
    assert found.origins()["broker"] == "environment"
    assert found.origins()["config"] == "default"
    assert found.model_copy(update={"partitions": 2}).origins()["partitions"] == "program"


def test_an_unknown_variable_is_an_error_that_names_the_nearest_right_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "did you mean HYDRAWATCH_BROKER?" in complaint(monkeypatch, BROKERS="x:1")


def test_variables_that_kubernetes_adds_for_a_service_are_no_typing_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HYDRAWATCH_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HYDRAWATCH_SERVICE_PORT_HTTP", "9464")
    monkeypatch.setenv("HYDRAWATCH_PORT", "tcp://10.0.0.1:9464")
    monkeypatch.setenv("HYDRAWATCH_PORT_9464_TCP_ADDR", "10.0.0.1")
    load()


def test_a_service_that_shadows_a_variable_is_named_as_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = complaint(monkeypatch, METRICS_PORT="tcp://10.0.0.1:9464")
    assert "enableServiceLinks" in said


def test_all_problems_are_told_at_once_with_value_and_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = complaint(
        monkeypatch, METRICS_PORT="99999", BROKER="kafka", PARTITIONS="0", CONFIG="/nowhere.toml"
    )
    lines = said.splitlines()
    assert len(lines) == 4
    assert "HYDRAWATCH_METRICS_PORT = '99999': it takes a number from 0 to 65535" in lines
    assert any(line.startswith("HYDRAWATCH_BROKER = 'kafka': give host:port") for line in lines)
    assert any("HYDRAWATCH_CONFIG = '/nowhere.toml': there is no such file" in s for s in lines)


@pytest.mark.parametrize("good", ["h:1", "a:9092,b:9092", "[::1]:9092", "10.0.0.1:65535"])
def test_broker_addresses_that_are_right_are_taken(good: str) -> None:
    assert Settings(broker=good).broker == good


@pytest.mark.parametrize("bad", ["h", "h:", ":9", "h:0", "h:65536", "h:1,", "::1:9092", "h:x"])
def test_broker_addresses_that_are_wrong_are_refused(
    bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complaint(monkeypatch, BROKER=bad).startswith("HYDRAWATCH_BROKER = ")


def test_no_secret_shows_in_repr_errors_or_print(monkeypatch: pytest.MonkeyPatch) -> None:
    said = complaint(monkeypatch, HASH_KEY="tooshort")
    assert "tooshort" not in said
    assert settings.MASK in said
    monkeypatch.setenv("HYDRAWATCH_HASH_KEY", "a-long-secret-hash-key")
    monkeypatch.setenv("HYDRAWATCH_SASL_MECHANISM", "scram-sha-256")
    monkeypatch.setenv("HYDRAWATCH_SASL_USERNAME", "hydra")
    monkeypatch.setenv("HYDRAWATCH_SASL_PASSWORD", "swordfish")
    found = load()
    shown = repr(found) + str(found) + str(found.printable()) + found.model_dump_json()
    assert "swordfish" not in shown
    assert "a-long-secret" not in shown
    assert broker.client_options(found)["sasl_plain_password"] == "swordfish"


@pytest.mark.parametrize(
    "values",
    [
        {"SASL_MECHANISM": "PLAIN"},
        {"SASL_USERNAME": "u"},
        {"TLS_CA": __file__},
        {"TLS": "true", "TLS_CERT": __file__},
        {"HEARTBEAT_S": "9"},
        {"ALERTS_TOPIC": "hydrawatch.requests.v1"},
        {"GROUP": "mine"},
        {"REQUESTS_TOPIC": "not a topic"},
    ],
)
def test_values_that_do_not_fit_together_are_refused(
    values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "HYDRAWATCH_" in complaint(monkeypatch, **values)


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    with pytest.raises(ConfigError, match="HYDRAWATCH_TLS_CA"):
        broker.client_options(Settings(tls=True, tls_ca=wrong))


@pytest.mark.parametrize(
    ("sasl", "tls", "protocol"),
    [
        (False, False, "PLAINTEXT"),
        (False, True, "SSL"),
        (True, False, "SASL_PLAINTEXT"),
        (True, True, "SASL_SSL"),
    ],
)
def test_all_clients_get_the_same_security(sasl: bool, tls: bool, protocol: str) -> None:
    given = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "u", "sasl_password": "p"}
    found = Settings(tls=tls, **(given if sasl else {}))
    options = broker.client_options(found)
    assert options["security_protocol"] == protocol
    assert ("ssl_context" in options) == tls
    credentials = broker.faust_credentials(found)
    assert (None if credentials is None else credentials.protocol.value) == (
        None if protocol == "PLAINTEXT" else protocol
    )


def test_the_hash_key_gives_sixteen_bytes_that_depend_on_all_of_it() -> None:
    one = Settings(hash_key="0123456789abcdef-1").hash_key_bytes()
    other = Settings(hash_key="0123456789abcdef-2").hash_key_bytes()
    assert len(one) == len(other) == 16
    assert one != other


def test_a_configuration_file_that_is_no_text_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    binary = tmp_path / "detectors.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8"):
        Settings(config=binary).detectors_text()


def test_a_shadow_has_names_of_its_own_where_a_live_worker_would_be_disturbed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HYDRAWATCH_MODE", "shadow")
    monkeypatch.setenv("HYDRAWATCH_GROUP", "hydrawatch-trial-7")
    shadow, live = load(), Settings()
    inner = ("handover_topic", "evidence_topic", "marks_topic", "state_topic")
    for name in (*inner, "dead_letters_topic", "group"):
        assert getattr(shadow, name) != Settings.model_fields[name].default
    for name in ("requests_topic", "alerts_topic", "shadow_topic", "control_topic"):
        assert getattr(shadow, name) == getattr(live, name)
    assert shadow.group == "hydrawatch-trial-7"
    origins = shadow.origins()
    assert origins["group"] == origins["mode"] == "environment"
    assert origins["state_topic"] == "HYDRAWATCH_MODE"
    assert origins["requests_topic"] == "default"


def test_a_shadow_that_would_disturb_a_live_worker_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HYDRAWATCH_MODE", "shadow")
    monkeypatch.setenv("HYDRAWATCH_GROUP", "hydrawatch")
    with pytest.raises(ConfigError, match="HYDRAWATCH_GROUP = hydrawatch is what a live worker"):
        load()


@pytest.mark.parametrize(
    ("value", "how"),
    [
        ("a-password ", "ends with a space"),
        ("a-password\n", "ends with a line end"),
        ("a-password\r", "ends with a carriage return"),
        ("a-password\t", "ends with a tab"),
        ("\ufeffa-password", "begins with a byte-order mark"),
        (" a-password", "begins with a space"),
        ("a-password\u200b", "ends with a character that does not show"),
    ],
)
def test_a_secret_with_something_unseen_at_an_end_is_said_so_and_not_shown(
    value: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRAWATCH_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("HYDRAWATCH_SASL_USERNAME", "worker")
    monkeypatch.setenv("HYDRAWATCH_SASL_PASSWORD", value)
    settings = load()
    assert settings.sasl_password is not None
    assert settings.sasl_password.get_secret_value() == value  # it may be meant
    (said,) = doubtful(settings)
    assert said.startswith(f"HYDRAWATCH_SASL_PASSWORD {how}:")
    assert "a-password" not in said
    monkeypatch.setenv("HYDRAWATCH_SASL_PASSWORD", "a-password")
    assert doubtful(load()) == []


@pytest.mark.parametrize("name", ["HASH_KEY", "SASL_PASSWORD", "SASL_USERNAME", "TLS_KEY_PASSWORD"])
def test_every_credential_is_looked_at(name: str, tmp_path: Path) -> None:
    given: dict[str, object] = {"sasl_mechanism": "PLAIN", "sasl_username": "u"}
    given |= {"sasl_password": "p", "tls_key": __file__, "tls_cert": __file__, "tls": True}
    given[name.lower()] = "of sixteen characters\n"
    said = doubtful(Settings(**given))  # type: ignore[arg-type]
    assert [one.split(" ")[0] for one in said] == [f"HYDRAWATCH_{name}"]


def test_a_byte_order_mark_before_the_configuration_is_skipped(tmp_path: Path) -> None:
    toml = tmp_path / "detectors.toml"
    toml.write_bytes(b"\xef\xbb\xbf[engine]\nallowed_lateness_minutes = 7\n")
    loaded = configured(Settings(config=toml))
    assert loaded.config.engine.allowed_lateness_minutes == 7
