"""The image is pinned, small in rights, and built from what is locked and what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.places import ROOT

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "Containerfile").read_text()
LINES = [
    line for line in re.sub(r"\\\n", " ", TEXT).splitlines() if line and not line.startswith("#")
]
SCRIPTS = sorted(DEPLOY.glob("*.sh"))


def instructions(name: str) -> list[str]:
    return [line.split(None, 1)[1] for line in LINES if line.split()[0] == name]


def locked(path: Path) -> dict[str, set[str]]:
    """Hashes by requirement, as pip takes them."""
    found: dict[str, set[str]] = {}
    for entry in re.split(r"\n(?=\S)", path.read_text()):
        requirement = entry.partition("\\")[0].strip()
        found[requirement] = set(re.findall(r"--hash=(\S+)", entry))
    return found


def test_every_stage_starts_from_the_same_pinned_image() -> None:
    bases = {line.split()[0] for line in instructions("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.1[123]\.\d+-slim-[a-z]+", bases.pop())


def test_dependencies_are_those_of_the_tests_by_hash_and_none_is_built() -> None:
    image, tests = locked(DEPLOY / "image.lock"), locked(ROOT / "requirements.lock")
    assert image
    for requirement, hashes in image.items():
        assert hashes
        assert hashes == tests.get(requirement), requirement
    (install,) = [line for line in instructions("RUN") if "image.lock" in line]
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install


def test_the_embedded_broker_is_locked_for_demo_and_tests_and_in_no_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pinned,) = project["optional-dependencies"]["demo"]
    name = pinned.partition("==")[0]
    assert pinned in locked(ROOT / "requirements.lock")
    assert not [one for one in project["dependencies"] if name in one]
    made_of = [DEPLOY / "image.lock", DEPLOY / "image.in", DEPLOY / "prepare-image.sh"]
    assert not [path for path in (*made_of, DEPLOY / "Containerfile") if name in path.read_text()]
    lock = re.search(r"^lock:.*?\n\n", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    assert lock is not None
    of_tests, of_image = [line for line in lock[0].splitlines() if "pip compile" in line]
    assert "--extra demo" in of_tests
    assert "--extra" not in of_image


def test_what_is_copied_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for copied in instructions("COPY"):
        if copied.startswith("--from"):
            continue
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source


def test_it_runs_as_somebody_without_rights_by_number() -> None:
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    last = max(at for at, line in enumerate(LINES) if line.startswith("USER"))
    assert not [line for line in LINES[last:] if line.startswith(("RUN", "COPY", "ADD"))]


def test_it_listens_beyond_itself_and_is_asked_for_its_health() -> None:
    assert "HYDRAWATCH_METRICS_HOST=0.0.0.0" in TEXT
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    (health,) = instructions("HEALTHCHECK")
    assert compose["healthcheck"]["test"][-1].replace('"', "'") in health
    assert compose["environment"]["HYDRAWATCH_DATA_DIR"] in TEXT


def test_kernels_are_compiled_for_the_processor_that_is_asked_for_at_run_time() -> None:
    cpus = re.findall(r"NUMBA_CPU_NAME=(\S+)", TEXT)
    features = re.findall(r"NUMBA_CPU_FEATURES=(\S+)", TEXT)
    assert len(cpus) == len(features) == 2
    assert len(set(cpus)) == len(set(features)) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_sound_shell(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_start_puts_the_kernels_where_they_may_be_written_once(tmp_path: Path) -> None:
    image = tmp_path / "image"
    (image / "bin").mkdir(parents=True)
    (image / "kernels").mkdir()
    (image / "kernels" / "one.nbi").write_text("compiled")
    command = image / "bin" / "hydrawatch"
    command.write_text('#!/bin/sh\necho "$@"\n')
    command.chmod(0o755)
    cache = tmp_path / "cache"
    for words in (["worker"], ["topics", "create"]):
        done = subprocess.run(
            [str(DEPLOY / "start-container.sh"), *words],
            env={"PATH": f"{image / 'bin'}:/usr/bin:/bin", "NUMBA_CACHE_DIR": str(cache)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == words
        assert (cache / "one.nbi").read_text() == "compiled"
        assert not list(tmp_path.glob("*.new"))


def test_a_linter_finds_nothing() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed")
    subprocess.run(["hadolint", str(DEPLOY / "Containerfile")], check=True)
