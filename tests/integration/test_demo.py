"""The demo runs by itself on a bare machine, finds the hydra and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.launch import INTERRUPTIBLE

pytestmark = [pytest.mark.broker, pytest.mark.embedded]

COMMAND = [*INTERRUPTIBLE, "demo"]
SMALL = ["--scale", "0.3"]
# Kernels may have to be compiled first.
MOST_S = 240


def started(directory: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *SMALL, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(directory)},
    )


def children_of(pid: int) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _parent(entry) == pid
    ]


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def descendants_of(pid: int) -> list[int]:
    found = children_of(pid)
    return found + [below for child in found for below in descendants_of(child)]


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.timeout(MOST_S)
def test_the_demo_names_the_hydra_and_hardly_anybody_else_and_sums_up(tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        out, err = demo.communicate()
    assert demo.returncode == 0, out + err
    named, of = re.findall(r"really attackers  (\d+) of (\d+) named", out)[0]
    # A hydra of 90 hides better than one of 300, of which it names four in ten.
    assert int(named) >= 12
    assert int(named) >= 0.9 * int(of)
    assert re.search(r"A1, \d+ accounts  first alert after \d+ (h|min)", out)
    letters, malformed = re.findall(r"(\d+) dead letters for (\d+) malformed", out)[0]
    assert letters == malformed
    assert re.search(r" (suspend|restrict|verify) +(account|campaign) ", out), "alerts as they come"
    assert not list(tmp_path.iterdir())


@pytest.mark.timeout(MOST_S)
@pytest.mark.parametrize(
    "by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name
)
def test_a_demo_that_is_stopped_leaves_no_process_behind(
    tmp_path: Path, by: signal.Signals
) -> None:
    with started(tmp_path, "--stay") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "starting a worker" in line:
                break
        time.sleep(1)
        below = descendants_of(demo.pid)
        assert below
        demo.send_signal(by)
        demo.stdout.read()
        code = demo.wait(120)
    assert code == (-by if by == signal.SIGKILL else 130)
    for _ in range(50):
        left = [pid for pid in below if alive(pid)]
        if not left:
            break
        time.sleep(0.1)
    assert left == []
    if by != signal.SIGKILL:
        assert not list(tmp_path.iterdir())


@pytest.mark.timeout(MOST_S)
def test_a_demo_that_stays_says_where_to_look_and_ends_well_on_ctrl_c(tmp_path: Path) -> None:
    with started(tmp_path, "--stay") as demo:
        assert demo.stdout is not None
        url = ""
        for line in demo.stdout:
            if found := re.search(r"metrics +(http://\S+)", line):
                url = found[1]
                break
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"hydrawatch_events_total" in answer.read()
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(120) == 0
