"""What the documentation says exists, and what exists is in the documentation."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import get_args

import orjson
import pytest
import typer.main

from detectors.config import Config, as_plain, digest_of, load_config
from detectors.contract.request_event import PROPERTIES
from detectors.decode.rejects import REASONS
from detectors.interface.detector import Entity
from detectors.judging.features import FEATURES
from detectors.testing.checks import CHECKS
from streams.cli.main import app
from streams.intake.intake_metrics import IntakeMetrics
from streams.observe.metrics import Metrics
from streams.records.alert_view import ACTIONS
from streams.settings.settings import Settings, variable
from streams.topics.plan import PLANS
from tests.places import ROOT, TESTS

ROOMS = ("detectors", "streams", "worlds", "tests", "benchmarks", "docs", "deploy")
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(p for r in ROOMS for p in (ROOT / r).glob("*.md")),
    ]
)
VARIABLES = {variable(name) for name in Settings.model_fields}
COMMANDS = typer.main.get_command(app)
# Counters are sampled as name_total; what is written is what a query would use.
METRICS = {
    name
    for metrics in (Metrics(), IntakeMetrics())
    for family in metrics.registry.collect()
    for name in (
        family.name,
        family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""),
    )
}
PLUGIN = TESTS / "plugin"
PACKAGES = {path.stem for path in PLUGIN.glob("hydrawatch_*.py")}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=named)


def test_what_is_generated_from_the_code_is_not_behind_it() -> None:
    stale = [
        named(path)
        for path, wanted in generator().outputs().items()
        if not path.exists() or text_of(path) != wanted
    ]
    assert not stale, "run: python docs/generate.py"


@pytest.mark.parametrize("p", PROPERTIES, ids=lambda p: p.name)
def test_every_property_of_the_contract_is_documented(p: object) -> None:
    assert f"| `{p.name}` |" in text_of(ROOT / "docs" / "events.md")  # type: ignore[attr-defined]


def test_the_readme_names_every_required_property() -> None:
    table = (
        text_of(ROOT / "README.md").partition("These are required:")[2].partition("With these")[0]
    )
    assert set(re.findall(r"`(\w+)`", table)) == {p.name for p in PROPERTIES if p.required}


def test_every_reason_for_a_dead_letter_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text_of(ROOT / "docs" / "events.md"), re.MULTILINE)
    assert set(REASONS) <= set(rows)


def test_every_variable_is_documented() -> None:
    assert (
        set(
            re.findall(
                r"^\| `(HYDRAWATCH_\w+)` \|", text_of(ROOT / "docs" / "settings.md"), re.MULTILINE
            )
        )
        == VARIABLES
    )


@pages
def test_documented_variables_exist(page: Path) -> None:
    assert set(re.findall(r"HYDRAWATCH_[A-Z_]*[A-Z]", text_of(page))) <= VARIABLES


@pages
def test_documented_metrics_exist(page: Path) -> None:
    assert set(re.findall(r"\bhydrawatch_[a-z_]+[a-z]", text_of(page))) <= METRICS | PACKAGES


@pages
def test_documented_topics_exist(page: Path) -> None:
    written = set(
        re.findall(r"hydrawatch[.-][a-z.-]+(?:\.v\d+|handover|evidence|marks)", text_of(page))
    )
    modes = (Settings(), Settings(mode="shadow"))
    assert written <= {plan.name(settings) for settings in modes for plan in PLANS}


@pages
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pages
def test_documented_paths_exist(page: Path) -> None:
    """What is written like a file or a folder is one: from the root, or as its room would say it."""
    rooms = [page.parent] if named(page.parent) in ROOMS and page.parent.name != "docs" else ROOMS
    written = re.findall(
        r"`([\w.-]+(?:/[\w.-]+)*/|(?:[\w.-]+/)*[\w-]+\.(?:py|toml|sh|ya?ml|md|json|in|lock))`",
        text_of(page),
    )
    theirs = re.compile(r"kafka-[a-z-]+\.sh|detectors\.toml")  # Kafka's tools, and a user's file
    assert [p for p in written if not (theirs.fullmatch(p) or lies(page.parent, rooms, p))] == []


def lies(here: Path, rooms: Iterable[str | Path], path: str) -> bool:
    """Whether a path leads somewhere from the root or from here, or a bare name is in one of the rooms."""
    if (ROOT / path).exists() or (here / path).exists():
        return True
    bare = "/" not in path.rstrip("/")
    return bare and any(any((ROOT / room).rglob(path.rstrip("/"))) for room in rooms)


def test_the_architecture_names_every_room() -> None:
    text = text_of(ROOT / "docs" / "architecture.md").partition("## Rooms")[2]
    rooms = {
        f.parent.name for r in ("detectors", "streams") for f in (ROOT / r).glob("*/__init__.py")
    }
    picture = text.partition("## Stages")[0]
    assert rooms - set(re.findall(r"\w+", picture)) == set()


def test_the_architecture_has_the_layers_that_are_held() -> None:
    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    text = text_of(ROOT / "docs" / "architecture.md")
    drawn = text.partition("**Layers.**")[2].partition("```")[2].partition("```")[0]
    columns = [re.split(r" {3,}", line.strip()) for line in drawn.strip().splitlines()]
    columns[0] = [columns[0][1], columns[0][3]]
    for number, root in enumerate(("detectors", "streams")):
        (held,) = (c["layers"] for c in contracts if c.get("containers") == [root])
        assert [line[number] for line in columns if len(line) > number] == held


@pages
def test_documented_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z]+)", text_of(page), re.MULTILINE))
    assert used <= targets


@pages
def test_documented_commands_and_their_options_exist(page: Path) -> None:
    for line in re.findall(r"(?:bin/|`)hydrawatch ([a-z][^`|#\n]*)", text_of(page)):
        command = COMMANDS
        for word in line.split():
            if word.startswith("--"):
                options = [name for p in command.params for name in (*p.opts, *p.secondary_opts)]
                assert word in options, f"hydrawatch {line}"
            elif word in getattr(command, "commands", {}):
                command = command.commands[word]  # type: ignore[attr-defined]
            else:
                assert not getattr(command, "commands", {}), f"hydrawatch {line}"


def test_the_readme_shows_alerts_and_events_as_the_contracts_have_them() -> None:
    readme = text_of(ROOT / "README.md")
    alert = orjson.loads(re.findall(r"```json\n(.*?)```", readme, re.DOTALL)[0])
    schema = orjson.loads((ROOT / "tests" / "contract" / "alert.v1.schema.json").read_bytes())
    assert set(schema["required"]) <= set(alert)
    assert set(alert) <= set(schema["properties"])
    assert all(f"`{action}`" in readme for action in ACTIONS)


def test_the_shipped_detectors_toml_says_every_default() -> None:
    text = text_of(ROOT / "deploy" / "detectors.toml")
    assert load_config(text).digest == digest_of(Config())
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    loaded = load_config(uncommented)
    assert loaded.digest == digest_of(Config())
    keys = [f"{s}.{key}" for s, keys in as_plain(Config()).items() for key in keys]
    assert [key for key in keys if loaded.origins[key] == "default"] == []


def test_every_feature_that_a_detector_may_read_is_documented() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([a-z, ]+) \| (\w+) \| .+ \|$",
        text_of(ROOT / "docs" / "detectors.md"),
        re.MULTILINE,
    )
    assert rows == [(f.name, ", ".join(f.entities), f.span) for f in FEATURES]


def test_the_guide_shows_code_that_stands_in_files_word_for_word() -> None:
    shown = re.findall(
        r"^```(?:python|toml)\n(.*?)^```",
        text_of(ROOT / "docs" / "detectors.md"),
        re.DOTALL | re.MULTILINE,
    )
    files = [*PLUGIN.glob("*.py"), PLUGIN / "pyproject.toml", ROOT / "detectors" / "registry.py"]
    there = [unspaced(text_of(path)) for path in files]  # ruff indents what pages show as it likes
    assert len(shown) > 5
    assert [code for code in shown if not any(unspaced(code) in text for text in there)] == []


def unspaced(text: str) -> str:
    return "".join(text.split())


def test_the_guide_names_every_check() -> None:
    part = text_of(ROOT / "docs" / "detectors.md").partition("| check | holds |")[2]
    assert set(re.findall(r"`(\w+)`", part.partition("\n\n")[0])) - {
        "max_bytes",
        "min_windows",
    } == set(CHECKS)


def test_the_guide_explains_every_entity() -> None:
    part = text_of(ROOT / "docs" / "detectors.md").partition("## Entities")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == set(get_args(Entity))


@pages
def test_pages_are_for_whoever_clones_the_repository(page: Path) -> None:
    foreign = r"/work/|/tmp/|\.\./shared|\bsession of\b|pypi\.|files\.pythonhosted|registry\.(?!py)"
    assert re.findall(foreign, text_of(page)) == []
