"""`hydrawatch score`: a file of alerts is worth what the scoreboard says, or the files are refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from benchmarks.judging.contenders import HYDRAWATCH
from benchmarks.judging.trial import END_MS, Trial, run
from detectors.errors import ConfigError, HydrawatchError
from streams.commands import replay, score, simulate
from streams.settings.settings import Settings
from tests.streams.cli import process

SEED, SIZES = 11, {"scale": 0.3, "days": 4.0}
Said = Callable[..., dict[str, Any]]


class Files(NamedTuple):
    """A world on disk."""

    events: Path
    truth: Path
    control: Path


def world(folder: Path, seed: int = SEED, composition: str | None = None) -> Files:
    files = Files(folder / "w.jsonl.gz", folder / "t.json", folder / "c.jsonl")
    own = folder / "world.toml"
    if composition:
        own.write_text(composition)
    wanted = simulate.Wanted(
        preset=None if composition else "quick",
        world=str(own) if composition else None,
        seed=seed,
        days=None if composition else SIZES["days"],
        accounts=None,
        scale=1.0 if composition else SIZES["scale"],
        attacks=True,
        out=str(files.events),
        topic=False,
        truth=str(files.truth),
        control=str(files.control),
        speed_up=0.0,
        end=str(END_MS),
    )
    assert simulate.run(Settings(), wanted, as_json=False) == 0
    return files


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return world(tmp_path_factory.mktemp("quick"))


@pytest.fixture
def said(quick: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Score alerts on the world, or the files given instead; the command's JSON."""

    def scored(alerts: Path | list[dict[str, Any]], files: Files = quick) -> dict[str, Any]:
        if isinstance(alerts, list):
            alerts, records = tmp_path / "alerts.jsonl", alerts
            alerts.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
        capsys.readouterr()
        assert score.run(str(files.events), str(files.truth), str(alerts), as_json=True) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return scored


def oracle(files: Files) -> list[dict[str, Any]]:
    """Alerts that name each attacker with its first request."""
    truth = orjson.loads(files.truth.read_bytes())
    return [
        alert(account, facts["since"], campaign_id=facts["campaign"])
        for account, facts in truth["accounts"].items()
        if facts["label"] == "attack"
    ]


def alert(account: str, at: int, **more: Any) -> dict[str, Any]:
    return {
        "alert_id": f"acc-{account}",
        "kind": "account",
        "account_id": account,
        "state": "open",
        "action": "suspend",
        "as_of": at,
    } | more


def test_a_replay_scores_what_the_scoreboard_gives_hydrawatch(
    quick: Files, said: Said, tmp_path: Path
) -> None:
    alerts = tmp_path / "alerts.jsonl"
    replay.run(
        Settings(),
        str(quick.events),
        str(alerts),
        str(quick.control),
        None,
        drain=False,
        json_summary=True,
    )
    found = said(alerts)
    board = run(Trial("quick", SEED, (HYDRAWATCH,), overrides=dict(SIZES)))[0]
    assert found["events"] == board["events"]
    assert found["accounts"] == board["accounts"]
    assert found["score"] == json.loads(json.dumps(board["score"]))
    assert found["score"]["campaigns"][0]["named"] > 0
    packed = tmp_path / "alerts.jsonl.gz"
    packed.write_bytes(gzip.compress(alerts.read_bytes()))
    assert said(packed) == found


def test_an_oracles_file_scores_one_and_leaks_nothing(quick: Files, said: Said) -> None:
    found = said(oracle(quick))["score"]["figures"]
    for figure in ("campaign_recall", "account_recall", "precision_suspend", "purity"):
        assert found[figure] == 1.0, figure
    for figure in ("leak_worst", "leak_by_account", "false_throttle", "detect_hours_median"):
        assert found[figure] == 0.0, figure


def test_an_empty_file_finds_nothing_and_wrongs_nobody(said: Said) -> None:
    found = said([])["score"]["figures"]
    assert (found["campaign_recall"], found["account_recall"], found["leak_by_account"]) == (
        0,
        0,
        1,
    )
    assert found["precision_throttle"] is None
    assert found["false_throttle"] == 0.0


def test_the_tables_have_the_scoreboards_headings_and_a_row_for_each_campaign(
    quick: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "none.jsonl"
    empty.touch()
    assert score.run(str(quick.events), str(quick.truth), str(empty), as_json=False) == 0
    text = capsys.readouterr().out
    for shown in ("leaked before alert, median", "false / 10k / day", "classic_hydra-1", "B7"):
        assert shown in text, shown


def test_campaigns_whose_accounts_serve_others_too_are_named(
    said: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = "days = 3\naccounts = 30\nseats = 0\n" + "".join(
        f'[[piece]]\nkind = "{kind}"\naccounts = 20\n' for kind in ("A1", "A6")
    )
    files = world(tmp_path, composition=pieces)
    found = said([], files)
    assert found["mixed"] == ["diluted_hydra-1"]
    empty = tmp_path / "alerts.jsonl"
    score.run(str(files.events), str(files.truth), str(empty), as_json=False)
    assert "Of diluted_hydra-1, all that" in capsys.readouterr().out


def test_files_of_two_worlds_are_refused(quick: Files, said: Said, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = world(tmp_path / "other", seed=12)
    with pytest.raises(HydrawatchError, match=r"are not in the truth, the first 'a-"):
        said([], quick._replace(truth=other.truth))
    stranger = [*oracle(quick), alert("a-nobody", END_MS)]
    with pytest.raises(HydrawatchError, match=r"1 account is not in the events, the first 'a-nob"):
        said(stranger)
    lines = gzip.decompress(quick.events.read_bytes()).splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    part.write_bytes(b"".join(lines[:-500]))
    with pytest.raises(HydrawatchError, match=r"or events are missing: \d\d,\d\d\d records"):
        said([], quick._replace(events=part))


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"kind": "account"}, "record 1 is no alert: Object missing required field"),
        (alert("a", 1, action="ban"), "record 1 is no alert: Invalid enum value 'ban'"),
        (alert("a", 1, account_id=None), "record 1 is of kind account and has no 'account_id'"),
        (alert("a", 1, kind="network"), "record 1 is of kind network and has no 'campaign_id'"),
    ],
)
def test_what_is_no_alert_is_refused_with_its_number(
    record: dict[str, Any], problem: str, said: Said
) -> None:
    with pytest.raises(HydrawatchError, match=problem):
        said([record])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 2}'])
def test_what_is_no_truth_is_refused(text: str, quick: Files, said: Said, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(text)
    with pytest.raises(HydrawatchError, match=r"--truth .*wrong\.json: .*simulate --truth"):
        said([], quick._replace(truth=wrong))


def test_events_and_alerts_cannot_both_come_from_standard_input(quick: Files) -> None:
    with pytest.raises(ConfigError, match="standard input is one of them"):
        score.run("-", str(quick.truth), "-", as_json=True)


def test_the_command_ends_with_1_for_a_missing_file_and_2_for_wrong_usage(quick: Files) -> None:
    files = ["score", "--events", str(quick.events), "--truth", str(quick.truth)]
    done = process.run(*files, "--alerts", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hydrawatch: nowhere.jsonl: No such file")
    assert process.run(*files).returncode == 2
    assert process.run(*files, "--alerts", "/dev/null", "--json").returncode == 0
