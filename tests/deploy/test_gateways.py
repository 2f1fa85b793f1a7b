"""What a gateway's operator pastes is what the intake answers to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from streams.intake.formats import SHIPPED
from tests.places import ROOT

HERE = ROOT / "deploy" / "gateways"
FILES = sorted(path for path in HERE.iterdir() if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_address_is_one_that_the_intake_has(path: Path) -> None:
    for format_ in re.findall(r"/v1/ingest/([a-z_]+)", path.read_text()):
        assert format_ in {*SHIPPED, "mine"}
    for format_ in re.findall(r"--format ([a-z_]+)", path.read_text()):
        assert format_ in SHIPPED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_well_formed(path: Path) -> None:
    if path.suffix == ".yaml":
        assert list(yaml.safe_load_all(path.read_text()))
    elif path.suffix == ".json":
        assert json.loads(path.read_text())["plugins"]
    elif path.suffix == ".toml":
        import tomllib

        assert tomllib.loads(path.read_text())


def test_the_readme_names_every_file_and_no_other() -> None:
    linked = set(re.findall(r"\]\(([\w.-]+)\)", (HERE / "README.md").read_text()))
    assert linked == {path.name for path in FILES} - {"README.md"}


def test_nothing_that_is_pasted_turns_prompts_on() -> None:
    litellm = yaml.safe_load((HERE / "litellm.yaml").read_text())
    assert litellm["litellm_settings"]["turn_off_message_logging"] is True
    apisix = json.loads((HERE / "apisix.json").read_text())["plugins"]
    assert apisix["ai-proxy"]["logging"] == {"summaries": True, "payloads": False}
    assert apisix["http-logger"]["include_req_body"] is False
    (http_log,) = yaml.safe_load((HERE / "kong.yaml").read_text())["plugins"]
    assert http_log["name"] == "http-log"
