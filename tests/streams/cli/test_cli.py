"""The command line: exit codes, one clear line per error, data on stdout and nothing else there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from tests.launch import INTERRUPTIBLE
from tests.streams.cli.process import clean, run

COMMANDS = (
    *("worker", "replay", "simulate", "demo", "topics", "alerts", "check"),
    *("state", "redrive", "forget", "score"),
)


GROUPS = {"topics": "create", "state": "reset"}


def test_help_names_every_command_without_importing_what_is_slow() -> None:
    script = (
        "import sys\nfrom streams.cli import main as cli\n"
        "try:\n    cli.app(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "slow = {'faust', 'aiokafka', 'kafka', 'numba', 'river', 'numpy', 'pyarrow', 'pydantic'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=clean({})
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    "command", [*((name,) for name in COMMANDS if name not in GROUPS), *GROUPS.items()]
)
def test_the_help_of_every_command_shows_an_example(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Example: " in done.stdout


@pytest.mark.parametrize(
    "wrong", [["nonsense"], ["simulate", "--days", "x"], ["simulate", "--seed", "-1"], ["replay"]]
)
def test_wrong_usage_is_exit_code_2(wrong: list[str]) -> None:
    done = run(*wrong)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_wrong_configuration_is_exit_code_2_and_one_line_for_each_problem() -> None:
    nearest = "did you mean HYDRAWATCH_BROKER?"
    done = run("topics", "verify", HYDRAWATCH_BROKRE="x", HYDRAWATCH_METRICS_PORT="-1")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"hydrawatch: HYDRAWATCH_BROKRE is no setting of hydrawatch; {nearest}",
        "hydrawatch: HYDRAWATCH_METRICS_PORT = '-1': it takes a number from 0 to 65535",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ["simulate"],
        ["simulate", "--out", "x", "--topic"],
        ["simulate", "--out", "-", "--end", "soon"],
        ["simulate", "--out", "-", "--speed-up", "3"],
        ["simulate", "--out", "missing/../x", "--truth", "x"],
        ["simulate", "--out", "-", "--accounts", "100000000"],
        ["simulate", "--out", "-", "--scale", "999", "--preset", "standard"],
        ["simulate", "--out", "-", "--preset", "large"],
        ["simulate", "--out", "-", "--world", "nowhere.toml"],
        ["simulate", "--out", "-", "--world", "x.toml", "--preset", "calm"],
        ["demo", "--preset", "large"],
        ["alerts", "--kind", "cluster"],
        ["alerts", "--min-action", "ban"],
        ["redrive", "--reason", "typo"],
        ["redrive", "--since", "yesterday"],
        ["forget", ""],
    ],
)
def test_options_that_make_no_sense_say_what_would(wrong: list[str]) -> None:
    done = run(*wrong)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("hydrawatch: ")


def test_a_world_goes_to_a_file_the_same_for_the_same_seed(tmp_path: Path) -> None:
    world = [
        "simulate",
        "--scale",
        "0.01",
        "--days",
        "0.5",
        "--seed",
        "7",
        "--end",
        "1777000000000",
    ]
    truth = tmp_path / "truth.json"
    done = run(*world, "--out", str(tmp_path / "one.jsonl"), "--truth", str(truth), "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar where nobody sees it
    lines = (tmp_path / "one.jsonl").read_bytes().splitlines()
    assert json.loads(done.stdout)["events"] == len(lines) > 0
    assert orjson.loads(truth.read_bytes())["accounts"]
    piped = run(*world, "--out", "-")
    assert piped.stdout.encode().splitlines() == lines
    assert orjson.loads(lines[0])["event_id"]


def test_a_place_that_cannot_be_written_is_exit_code_1(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "world.jsonl")
    done = run("simulate", "--scale", "0.01", "--days", "0.1", "--out", missing)
    assert done.returncode == 1
    assert done.stderr == f"hydrawatch: {missing}: cannot be written: No such file or directory\n"


def test_a_reader_that_has_enough_ends_the_writer_quietly() -> None:
    command = (
        f"{sys.executable} -c 'from streams.cli.main import main; main()' "
        "simulate --scale 0.15 --days 2 --out - | head -n 1; exit ${PIPESTATUS[0]}"
    )
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=clean({}),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_interrupting_is_quiet_and_exit_code_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # nobody reads: the writer waits in open()
    world = ["simulate", "--scale", "0.005", "--days", "0.1", "--out", str(pipe)]
    process = subprocess.Popen([*INTERRUPTIBLE, *world], stderr=subprocess.PIPE, env=clean({}))
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (130, b"")


def test_a_broker_that_is_away_is_one_line_that_says_where_and_what_to_check() -> None:
    done = run("topics", "verify", HYDRAWATCH_BROKER="127.0.0.1:1")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no broker answers at 127.0.0.1:1" in done.stderr
    assert "HYDRAWATCH_BROKER" in done.stderr


def test_check_prints_every_value_with_its_origin_and_the_digest(tmp_path: Path) -> None:
    toml = tmp_path / "detectors.toml"
    toml.write_text("[engine]\nallowed_lateness_minutes = 7\n")
    done = run(
        "check", "--json", HYDRAWATCH_CONFIG=str(toml), HYDRAWATCH_HASH_KEY="a-key-of-our-own-1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["environment"]["HYDRAWATCH_HASH_KEY"]["value"] == "********"
    assert report["environment"]["HYDRAWATCH_CONFIG"]["origin"] == "environment"
    assert report["detectors"]["engine.allowed_lateness_minutes"] == {
        "value": 7,
        "origin": str(toml),
    }
    assert report["digest"].startswith("sha256:")
    assert report["errors"] == report["warnings"] == []


def test_check_finds_errors_before_a_worker_starts(tmp_path: Path) -> None:
    toml = tmp_path / "detectors.toml"
    toml.write_text("[engine]\nallowed_latenes_minutes = 7\n")
    done = run("check", HYDRAWATCH_CONFIG=str(toml))
    assert done.returncode == 2
    assert "did you mean 'engine.allowed_lateness_minutes'" in done.stderr
    assert "HYDRAWATCH_HASH_KEY is the public default" in done.stderr


def test_check_reports_broken_settings_as_findings() -> None:
    done = run("check", "--json", HYDRAWATCH_PARTITIONS="many")
    assert done.returncode == 2
    assert "HYDRAWATCH_PARTITIONS = 'many'" in json.loads(done.stdout)["errors"][0]


def test_what_a_stdout_cannot_show_costs_the_character_and_not_the_command(tmp_path: Path) -> None:
    name = tmp_path / "größe.jsonl"
    name.touch()
    for encoding in ("ascii", "latin-1", "cp1252"):
        listed = run("simulate", "--list", PYTHONIOENCODING=encoding)
        assert (listed.returncode, listed.stderr) == (0, "")
        helped = run("--help", PYTHONIOENCODING=encoding)
        assert (helped.returncode, helped.stderr) == (0, "")
    done = run("check", "--json", HYDRAWATCH_DATA_DIR="größe", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["environment"]["HYDRAWATCH_DATA_DIR"]["value"] == "größe"
    done = run("replay", str(name), "--alerts", "/dev/null", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe.jsonl holds no records" in done.stderr


def test_a_secret_that_ends_with_white_space_is_said_so_by_every_command() -> None:
    key = "of sixteen characters\n"
    done = run("topics", "verify", HYDRAWATCH_BROKER="127.0.0.1:1", HYDRAWATCH_HASH_KEY=key)
    said = done.stderr.splitlines()[0]
    assert said.startswith("hydrawatch: warning: HYDRAWATCH_HASH_KEY ends with a line end")
    report = json.loads(run("check", "--json", HYDRAWATCH_HASH_KEY=key).stdout)
    assert any("HYDRAWATCH_HASH_KEY ends with a line end" in text for text in report["warnings"])
