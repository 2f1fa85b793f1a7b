"""The intake behind TLS: who shows no certificate of the right authority is not heard."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.test_intake import TOKEN, intake, record
from tests.integration.workers import stage
from tests.kafka.certificates import Authority

pytestmark = pytest.mark.broker


def test_only_who_shows_a_certificate_of_its_authority_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = Authority.create(tmp_path / "mine"), Authority.create(tmp_path / "other")
    certificate, key = mine.issue("localhost", "serverAuth")
    monkeypatch.setenv("HYDRAWATCH_INTAKE_TLS_CERT", str(certificate))
    monkeypatch.setenv("HYDRAWATCH_INTAKE_TLS_KEY", str(key))
    monkeypatch.setenv("HYDRAWATCH_INTAKE_TLS_CLIENT_CA", str(mine.certificate))

    def post(port: int, client: Authority | None) -> int:
        context = ssl.create_default_context(cafile=str(mine.certificate))
        context.check_hostname = False
        if client is not None:
            context.load_cert_chain(*client.issue("gateway"))
        request = urllib.request.Request(
            f"https://127.0.0.1:{port}/v1/ingest/litellm",
            record(1, "u-tls"),
            {"Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return int(json.loads(answer.read())["accepted"])

    with stage(1) as settings, intake(settings, "serve") as (_, port):
        assert post(port, mine) == 1
        for stranger in (None, other):
            with pytest.raises((urllib.error.URLError, OSError)):
                post(port, stranger)
