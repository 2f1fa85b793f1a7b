"""Settings of SASL, OAuth and TLS: what goes together, what is refused, and that nothing leaks."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from detectors.errors import ConfigError
from streams.kafka import connection as broker
from streams.settings import logs, settings
from streams.settings.environment import load
from streams.settings.settings import Settings
from tests.kafka.certificates import Authority

HERE = __file__
ENDPOINT = {
    "SASL_MECHANISM": "OAUTHBEARER",
    "OAUTH_TOKEN_URL": "https://login.example/token",
    "OAUTH_CLIENT_ID": "hydra",
    "OAUTH_CLIENT_SECRET": "sesame-open",
}
SECRETS = {
    "HASH_KEY": "a-long-secret-hash-key",
    "SASL_PASSWORD": "swordfish",
    "OAUTH_CLIENT_SECRET": "sesame-open",
    "TLS_KEY_PASSWORD": "abracadabra",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def given(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(settings.PREFIX + name, value)


@pytest.mark.parametrize(
    ("values", "named", "mend"),
    [
        ({"SASL_MECHANISM": "OAUTHBEARER"}, "SASL_MECHANISM", "needs HYDRAWATCH_OAUTH_TOKEN_FILE"),
        (ENDPOINT | {"SASL_USERNAME": "u"}, "SASL_USERNAME", "unset these"),
        (ENDPOINT | {"OAUTH_TOKEN_FILE": HERE}, "OAUTH_TOKEN_FILE", "unset one of them"),
        (ENDPOINT | {"OAUTH_CLIENT_ID": ""}, "OAUTH_CLIENT_ID", "needs"),
        (ENDPOINT | {"OAUTH_CLIENT_SECRET": ""}, "OAUTH_CLIENT_SECRET", "needs"),
        (ENDPOINT | {"OAUTH_TOKEN_URL": "http://a.example/t"}, "OAUTH_TOKEN_URL", "give an https"),
        (ENDPOINT | {"OAUTH_TOKEN_URL": "login.example"}, "OAUTH_TOKEN_URL", "https://host/path"),
        (ENDPOINT | {"SASL_MECHANISM": ""}, "OAUTH_TOKEN_URL", "nothing unless"),
        (
            {"SASL_MECHANISM": "OAUTHBEARER", "OAUTH_TOKEN_FILE": HERE, "OAUTH_SCOPE": "s"},
            "OAUTH_SCOPE",
            "does nothing without HYDRAWATCH_OAUTH_TOKEN_URL",
        ),
        ({"OAUTH_TOKEN_FILE": "/nowhere"}, "OAUTH_TOKEN_FILE", "no such file"),
        ({"SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM", "SCRAM-SHA-512"),
        ({"TLS": "true", "TLS_CERT": HERE}, "TLS_CERT", "set both or neither"),
        (
            {"TLS": "true", "TLS_KEY_PASSWORD": "p"},
            "TLS_KEY_PASSWORD",
            "without HYDRAWATCH_TLS_KEY",
        ),
        ({"TLS_CA": HERE}, "TLS_CA", "unless HYDRAWATCH_TLS = true"),
    ],
)
def test_a_combination_that_cannot_work_is_refused_with_its_setting_and_mend(
    values: dict[str, str], named: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, values)
    with pytest.raises(ConfigError) as caught:
        load()
    assert f"HYDRAWATCH_{named}" in str(caught.value)
    assert mend in str(caught.value)
    assert not any(secret in str(caught.value) for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OAUTH_TOKEN_URL", "https://hydra:sesame-open@login.example/token"),
        ("OAUTH_TOKEN_URL", "https://login.example/token?client_secret=sesame-open"),
        ("BROKER", "hydra:sesame-open@kafka:9092"),
        ("BROKER", "kafka:9092,hydra:sesame-open@kafka"),
    ],
)
def test_a_secret_in_an_address_is_refused_without_repeating_it(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, ENDPOINT | {variable: value})
    with pytest.raises(ConfigError, match=f"HYDRAWATCH_{variable}") as caught:
        load()
    assert "sesame-open" not in str(caught.value)


def test_a_token_endpoint_on_this_machine_may_be_plain_http() -> None:
    values = {name.lower(): value for name, value in ENDPOINT.items()}
    assert Settings(**values | {"oauth_token_url": "http://127.0.0.1:8080/token"})


def test_errors_of_settings_made_by_a_program_hide_what_was_given() -> None:
    with pytest.raises(ValueError, match="SASL_USERNAME") as caught:
        Settings(sasl_mechanism="PLAIN", sasl_password="swordfish")
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_check_prints_no_secret(form: list[str], tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    certificate, _ = authority.issue("hydra")
    key = authority.encrypted_key("hydra", SECRETS["TLS_KEY_PASSWORD"])
    common = {
        "HASH_KEY": SECRETS["HASH_KEY"],
        "TLS": "true",
        "TLS_CERT": str(certificate),
        "TLS_KEY": str(key),
        "TLS_KEY_PASSWORD": SECRETS["TLS_KEY_PASSWORD"],
        "LOG_LEVEL": "debug",
    }
    password = {
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_USERNAME": "hydra",
        "SASL_PASSWORD": SECRETS["SASL_PASSWORD"],
    }
    for values, code in ((common | password, 0), (common | ENDPOINT, 0), (common | SECRETS, 2)):
        environment = {settings.PREFIX + name: value for name, value in values.items()}
        done = subprocess.run(
            [sys.executable, "-c", "from streams.cli.main import main; main()", "check", *form],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert not any(secret in done.stdout + done.stderr for secret in SECRETS.values())
        if form:
            assert json.loads(done.stdout)


def test_an_encrypted_key_needs_its_password(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    certificate, _ = authority.issue("hydra")
    key = authority.encrypted_key("hydra", "abracadabra")
    right = Settings(tls=True, tls_cert=certificate, tls_key=key, tls_key_password="abracadabra")
    assert "ssl_context" in broker.client_options(right)
    for wrong in (None, "wrong-password"):
        with pytest.raises(ConfigError, match="HYDRAWATCH_TLS_KEY_PASSWORD") as caught:
            broker.client_options(
                right.model_copy(update={"tls_key_password": wrong and secret(wrong)})
            )
        assert "wrong-password" not in str(caught.value)


def secret(text: str) -> object:
    from pydantic import SecretStr

    return SecretStr(text)


@pytest.mark.usefixtures("logging_restored")
def test_fields_that_hold_secrets_are_withheld_from_logs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import structlog

    logs.setup("info")
    structlog.get_logger().warning("options", **{n.lower(): v for n, v in SECRETS.items()})
    structlog.get_logger().warning("options", sasl_plain_password="swordfish")
    logging.getLogger("streams").warning("credentials %s", broker.faust_credentials(_scram()))
    said = capsys.readouterr().err
    assert "credentials" in said
    assert not any(value in said for value in SECRETS.values())


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("password", ["swordfish", 'quote"d', "it's", "back\\slash", "pässwörd"])
def test_a_secret_is_masked_in_whatever_a_library_logs(
    password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Settings(sasl_mechanism="PLAIN", sasl_username="u", sasl_password=password)
    logs.setup("debug", secrets=mine.secrets())
    library = logging.getLogger("some.client")
    library.debug("configuration %s", broker.client_options(mine))
    library.debug("password %s", password)
    library.debug("Authorization: Bearer eyJ.abc.def-_")
    said = capsys.readouterr().err
    assert said.count("********") == 3
    assert password not in said
    assert json.dumps(password)[1:-1] not in said
    assert "eyJ" not in said
    assert [json.loads(line)["level"] for line in said.splitlines()] == ["debug"] * 3


def _scram() -> Settings:
    return Settings(sasl_mechanism="SCRAM-SHA-256", sasl_username="u", sasl_password="swordfish")
