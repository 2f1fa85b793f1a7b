"""Dashboards and rules are what their sources say, name series that exist, and lead to help."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from streams.intake.intake_metrics import IntakeMetrics
from streams.observe.metrics import Metrics
from tests.prometheus import DASHBOARDS, ROOT, RULES, SELECTOR, binary, panel_expressions, rules

GRAFANA = ROOT / "deploy" / "grafana"
STORIES = RULES.with_name("rules_test.yml")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SUFFIXES = ("", "_total", "_bucket", "_sum", "_count", "_info")
OF_INTAKE = {
    family.name + suffix for family in IntakeMetrics().registry.collect() for suffix in SUFFIXES
}
SAMPLES = {family.name + suffix for family in Metrics().registry.collect() for suffix in SUFFIXES}
# Series that need no panel, and why.
WITHOUT_PANEL = {
    "handover_records": "their bytes have one",
    "last_event_timestamp_seconds": "event_lag_seconds is the same against the clock",
    "snapshot_timestamp_seconds": "snapshot_age_seconds is the same against the clock",
}
# Tickets about one process or one detector are for shadow workers as well.
OF_BOTH = {
    "HydrawatchWorkerNotReady",
    "HydrawatchWorkerDown",
    "HydrawatchBrokerSilent",
    "HydrawatchRebalancesOften",
    "HydrawatchFileHandles",
    "HydrawatchStateNotDeleted",
    "HydrawatchDetectorRaises",
}
# Its demand may be known from a shadow worker; what is owned counts where a live one owns it.
DEMAND = re.compile(r"hydrawatch_partitions(\{topic!~[^}]*\})?$")
every_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
every_board = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def source(name: str) -> ModuleType:
    """One of the files that the dashboards are made by."""
    spec = importlib.util.spec_from_file_location(f"grafana_{name}", GRAFANA / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+?) *$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_rules_fire_when_they_should_and_only_then() -> None:
    done = subprocess.run(
        [binary("promtool"), "test", "rules", STORIES.name],
        cwd=STORIES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_configuration_and_the_rules_in_it() -> None:
    config = RULES.with_name("prometheus.yml")
    done = subprocess.run(
        [binary("promtool"), "check", "config", "--lint-fatal", config.name],
        cwd=config.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = yaml.safe_load(config.read_text())["scrape_configs"]
    workers = {name for name, one in COMPOSE.items() if one.get("command", [""])[0] == "worker"}
    assert set(job["dns_sd_configs"][0]["names"]) == workers


@every_rule
def test_every_rule_has_a_story_in_which_it_fires(rule: dict[str, Any]) -> None:
    fired = set()
    for story in yaml.safe_load(STORIES.read_text())["tests"]:
        for question in story.get("promql_expr_test", []):
            for sample in question.get("exp_samples") or []:
                fired |= set(re.findall(r'alertname="(\w+)"', sample["labels"]))
        for question in story.get("alert_rule_test", []):
            if question.get("exp_alerts"):
                fired.add(question["alertname"])
    assert rule["alert"] in fired


@every_rule
def test_every_rule_leads_to_a_section_that_says_what_to_do(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(ROOT / page)
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_no_section_is_about_a_rule_that_is_gone() -> None:
    text = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    titled = set(re.findall(r"^#+ (Hydrawatch\w+)", text, re.MULTILINE))
    assert titled == {rule["alert"] for rule in rules()}


@every_rule
def test_rules_name_series_that_exist(rule: dict[str, Any]) -> None:
    assert _names(rule["expr"]) <= SAMPLES | {"up"}


def test_panels_name_series_that_exist() -> None:
    for panel, expr in panel_expressions():
        assert _names(expr) <= SAMPLES | {"up"}, panel


def test_every_series_has_a_panel_or_a_reason_to_have_none() -> None:
    shown = set().union(*(_names(expr) for _, expr in panel_expressions()))
    missing = {
        family.name.removeprefix("hydrawatch_")
        for family in Metrics().registry.collect()
        if family.name.startswith("hydrawatch_")
        and not shown & {family.name + suffix for suffix in SUFFIXES}
    }
    assert missing == set(WITHOUT_PANEL)


@every_rule
def test_rules_look_at_live_workers_alone_unless_they_are_tickets_for_both(
    rule: dict[str, Any],
) -> None:
    selectors = [found for found in SELECTOR.findall(rule["expr"]) if not found.startswith("up")]
    if rule["alert"] in OF_BOTH:
        assert rule["labels"]["severity"] == "ticket"
        assert not any("worker_mode" in found for found in selectors)
    else:
        of_any = {found for found in selectors if 'worker_mode!="shadow"' not in found}
        assert all(
            rule["alert"] == "HydrawatchPartitionsUnowned" and DEMAND.match(found)
            for found in of_any
        )


def test_the_rules_say_which_of_them_are_for_shadow_workers_as_well() -> None:
    said = RULES.read_text().partition("groups:")[0]
    assert {alert for rule in rules() if (alert := rule["alert"])[10:] in said} == OF_BOTH


def test_a_panel_asks_about_the_workers_that_its_reader_chose() -> None:
    queries = source("queries")
    chosen = 'worker_mode=~"${worker:raw}"'
    assert queries.of_chosen_workers(
        'sum(hydrawatch_ready) / max by (mode) (rate(hydrawatch_x_total{a=~"}.*",b="c"}[1m]))'
        ' + process_open_fds{job="hydrawatch_1"} * up{job="hydrawatch_1"} '
        'or label_replace(hydrawatch_y{}, "a", "hydrawatch_z", "b", "process_z")'
    ) == (
        f"sum(hydrawatch_ready{{{chosen}}})"
        f' / max by (mode) (rate(hydrawatch_x_total{{a=~"}}.*",b="c",{chosen}}}[1m]))'
        f' + process_open_fds{{job="hydrawatch_1",{chosen}}} * up{{job="hydrawatch_1"}} '
        f'or label_replace(hydrawatch_y{{{chosen}}}, "a", "hydrawatch_z", "b", "process_z")'
    )


def test_every_panel_asks_about_live_workers_until_its_reader_chooses() -> None:
    for panel, expr in panel_expressions():
        assert "$" not in expr, panel
        for selector in SELECTOR.findall(expr):
            assert 'worker_mode=~"()"' in selector, panel


@every_board
def test_a_reader_chooses_between_live_workers_those_on_trial_and_both(path: Path) -> None:
    (variable,) = json.loads(path.read_text())["templating"]["list"]
    assert variable["name"] == "worker"
    assert not variable["multi"]
    pairs = [pair.split(" : ") for pair in variable["query"].split(",")]
    assert pairs == [[option["text"], option["value"]] for option in variable["options"]]
    shown = {
        said: [mode for mode in ("", "shadow") if re.fullmatch(pattern, mode)]
        for said, pattern in pairs
    }
    assert shown == {"live": [""], "shadow": ["shadow"], "both": ["", "shadow"]}
    assert variable["current"]["text"] == "live"


@every_rule
def test_every_runbook_names_panels_that_show_what_its_rule_watches(rule: dict[str, Any]) -> None:
    named = _panels_of(rule["alert"])
    shown: dict[str, set[str]] = defaultdict(set)
    for panel, expr in panel_expressions():
        shown[panel] |= _names(expr)
    assert named
    assert named <= set(shown)
    watched = _names(rule["expr"]) - {"up"}  # a worker that does not answer shows nothing
    assert not watched or watched & set().union(*(shown[panel] for panel in named))


def _panels_of(alert: str) -> set[str]:
    """The panels ("overview: Memory") that a section of the runbooks begins with."""
    text = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^## {alert}\n\nPanel: (.+)\.$", text, re.MULTILINE)
    return {
        f"{board}: {title}"
        for titles, board in re.findall(r"(\*.+?\*) \((\w+)\)", line)
        for title in re.findall(r"\*(.+?)\*", titles)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_series_that_exist(page: Path) -> None:
    named = set(re.findall(r"\bhydrawatch_\w+", page.read_text(encoding="utf-8")))
    assert named <= SAMPLES | OF_INTAKE


def test_the_table_of_troubles_names_series_that_exist() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|(?:[^|\n]+\|){2}([^|\n]*`\w+`[^|\n]*)\|", _part(text, "metric (`"), re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {"topic_problems", "broker_silent", "snapshot_failures_total"} <= named
    assert {f"hydrawatch_{name}" for name in named} <= SAMPLES


def _part(text: str, begins: str) -> str:
    """A table, from the row that holds `begins` on."""
    return text[text.rindex("\n", 0, text.index(begins)) + 1 :].partition("\n\n")[0]


def test_dashboards_are_what_their_source_says() -> None:
    wanted = source("generate").outputs()
    assert sorted(wanted) == DASHBOARDS
    stale = [path.name for path, text in wanted.items() if path.read_text() != text]
    assert not stale, "run: python deploy/grafana/generate.py"


@every_board
def test_a_dashboard_reads_the_provisioned_source_and_its_panels_do_not_overlap(
    path: Path,
) -> None:
    (source,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )["datasources"]
    board = json.loads(path.read_text())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == source["uid"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = set(
            itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
        )
        assert not cells & taken, panel["title"]
        taken |= cells


def test_what_is_provisioned_lies_where_docker_compose_puts_it() -> None:
    (provider,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "dashboards" / "hydrawatch.yml").read_text()
    )["providers"]
    mounted = dict(volume.split(":")[:2] for volume in COMPOSE["grafana"]["volumes"])
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    home = COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).name in {path.name for path in DASHBOARDS}


def _names(expr: str) -> set[str]:
    return {found.partition("{")[0] for found in SELECTOR.findall(expr)}
