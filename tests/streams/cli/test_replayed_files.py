"""`hydrawatch replay` of files: what is wrong with one is said, and none is written over."""

import bz2
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.streams.cli.process import clean, run


@pytest.mark.parametrize("way", ["file", "link", "control", "stdin"])
def test_no_command_writes_over_what_it_reads(way: str, tmp_path: Path) -> None:
    same, other, link = tmp_path / "same.jsonl", tmp_path / "other.jsonl", tmp_path / "link.jsonl"
    same.write_bytes(b"{}\n")
    other.write_bytes(b"{}\n")
    link.hardlink_to(same)
    arguments = {
        "file": [str(same), "--alerts", str(same)],
        "link": [str(same), "--alerts", str(link)],
        "control": [str(other), "--control", str(same), "--alerts", str(same)],
        "stdin": ["-", "--alerts", str(same)],
    }[way]
    with same.open("rb") as stdin:
        done = run("replay", *arguments, stdin=stdin)
    assert done.returncode == 2
    assert done.stderr.endswith("give another file\n")
    assert same.read_bytes() == b"{}\n"


def test_alerts_may_go_where_nothing_is_kept() -> None:
    assert run("replay", "/dev/null", "--alerts", "/dev/null").returncode == 0


def test_a_replay_of_a_file_in_another_order_says_so(tmp_path: Path) -> None:
    world = tmp_path / "world.jsonl"
    made = run("simulate", "--accounts", "40", "--days", "0.5", "--out", str(world))
    assert made.returncode == 0
    lines = world.read_bytes().splitlines(keepends=True)
    for order, warned in ((lines, False), (lines[len(lines) // 2 :] + lines, True)):
        world.write_bytes(b"".join(order))
        done = run("replay", str(world), "--alerts", "/dev/null")
        assert done.returncode == 0
        assert ("not in order of arrival" in done.stderr) is warned


def _replayed(path: Path, *events: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    path.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    return run("replay", str(path), "--alerts", "/dev/null", "--json")


def _requests(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"event_id": f"e-{n}", "event_time": 1_777_026_031_000 + n, "account_id": "a-1"}
        | {"model": "m", "input_tokens": 1, "output_tokens": 2}
        | more
        for n in range(count)
    ]


def test_a_file_whose_times_are_in_other_units_is_no_replay(tmp_path: Path) -> None:
    for unit, at in (("seconds", 1_777_026_031), ("microseconds", 1_777_026_031_000_000)):
        done = _replayed(tmp_path / "f.jsonl", *_requests(200, event_time=at))
        assert done.returncode == 1
        said = done.stderr.splitlines()[-2]
        assert "none of 200 records could be read as an event; record 1 " in said
        assert f"this one looks like {unit}" in said
    mixed = [*_requests(100, event_time=1_777_026_031), *_requests(100)]
    assert _replayed(tmp_path / "f.jsonl", *mixed).returncode == 0


def test_a_replay_tells_ids_that_are_not_unique_and_usage_that_is_not_known(tmp_path: Path) -> None:
    events = _requests(300, event_id="None")
    for event in events[:60]:
        event["input_tokens"] = None
    done = _replayed(tmp_path / "f.jsonl", *events, *events[:5])
    assert done.returncode == 0
    told = done.stderr.splitlines()
    facts = json.loads(told[-1])
    assert (facts["reused_ids"], facts["unknown_usage"], facts["duplicates"]) == (299, 60, 5)
    assert any("have an id that another event of their account had" in line for line in told)
    assert any("input_tokens or output_tokens is null" in line for line in told)
    clean = _replayed(tmp_path / "f.jsonl", *_requests(300))
    assert len(clean.stderr.splitlines()) == 1


def test_a_replay_tells_events_for_which_no_room_was_left(tmp_path: Path) -> None:
    small = tmp_path / "detectors.toml"
    small.write_text("[budgets]\naccounts = 1_000\n")
    events = [e | {"account_id": f"a-{n}"} for n, e in enumerate(_requests(1_500))]
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    done = run(
        *("replay", str(path), "--alerts", "/dev/null", "--partitions", "1", "--json"),
        HYDRAWATCH_CONFIG=str(small),
    )
    told = done.stderr.splitlines()
    assert json.loads(told[-1])["refused"] == 500
    assert any("no room was left" in line for line in told)


def events_as(directory: Path, name: str, content: bytes) -> str:
    path = directory / name
    path.write_bytes(content)
    return str(path)


EVENT = {
    "event_id": "e-1",
    "event_time": 1_777_026_031_000,
    "account_id": "a-1",
    "model": "m",
    "input_tokens": 1,
    "output_tokens": 2,
}


def test_a_replay_of_what_holds_no_events_is_exit_code_1_with_the_rule_and_the_look(
    tmp_path: Path,
) -> None:
    file = events_as(tmp_path, "[red]events[blue].json", json.dumps([EVENT] * 3, indent=1).encode())
    done = run("replay", file, "--alerts", "/dev/null", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    said, summary = done.stderr.splitlines()
    assert said.startswith(
        f"hydrawatch: {file}: none of 26 records could be read as an event; record 1 "
    )
    assert "not_json: " in said
    assert "looks like a JSON array" in said
    assert json.loads(summary)["rejected"] == {"not_json": 26}


def test_a_replay_tells_optional_values_that_it_could_not_use_by_property(tmp_path: Path) -> None:
    odd = [{"asn": -1, "org_id": ""}, {"asn": "x", "lang": None}, {"asn": 3}]
    lines = [json.dumps({**EVENT, "event_id": f"e-{n}", **more}) for n, more in enumerate(odd)]
    file = events_as(tmp_path, "events.jsonl", "\n".join(lines).encode())
    done = run("replay", file, "--alerts", "/dev/null", "--json")
    assert done.returncode == 0
    assert json.loads(done.stderr)["unknown_properties"] == {"org_id": 1, "asn": 2, "lang": 1}
    done = run("replay", file, "--alerts", "/dev/null")
    assert "unknown properties  org_id 1, asn 2, lang 1" in done.stderr


def test_control_events_may_begin_with_a_byte_order_mark_and_be_compressed(tmp_path: Path) -> None:
    import gzip

    file = events_as(tmp_path, "events.jsonl", json.dumps(EVENT).encode())
    release = b'\xef\xbb\xbf{"control_id":"c","kind":"model_release","at":1,"model":"m"}\n'
    for content in (release, gzip.compress(release)):
        control = events_as(tmp_path, "control", content)
        done = run("replay", file, "--alerts", "/dev/null", "--control", control)
        assert done.returncode == 0, done.stderr
    control = events_as(tmp_path, "control", release.decode("utf-8-sig").encode("utf-16"))
    done = run("replay", file, "--alerts", "/dev/null", "--control", control)
    assert done.returncode == 1
    assert "record 1 is no control event: invalid UTF-8" in done.stderr
    assert "looks like UTF-16" in done.stderr
    done = run("replay", file, "--alerts", "/dev/null", "--control", str(tmp_path / "none"))
    assert done.returncode == 2


def test_an_error_that_quotes_what_others_wrote_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    file = str(tmp_path / "no\x1b[2J[red]\u202esuch.jsonl")
    done = run("replay", file, "--alerts", "/dev/null")
    assert done.returncode == 1
    assert "no\\x1b[2J[red]\\u202esuch.jsonl: No such file or directory" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("wrong", [["-"], ["/dev/null", "--control", "-"]])
def test_standard_input_that_is_closed_is_told_in_one_line(wrong: list[str]) -> None:
    main = [sys.executable, "-c", "from streams.cli.main import main; main()"]
    replay = [*main, "replay", *wrong, "--alerts", "/dev/null", "--json"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *replay],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=clean({}),
    )
    assert (done.returncode, done.stdout) == (1, "")
    (said,) = done.stderr.splitlines()
    assert "standard input is closed; give a file" in said


def test_standard_input_may_be_given_as_a_path_and_control_events_too(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(json.dumps(EVENT).encode())
    control = tmp_path / "control"
    os.mkfifo(control)
    release = b'{"control_id":"c","kind":"model_release","at":1,"model":"m"}\n'
    writer = threading.Thread(target=control.write_bytes, args=(release,))
    writer.start()
    with open(reading, "rb") as stdin:
        done = run(
            *("replay", "/dev/stdin", "--control", str(control), "--alerts", "/dev/null", "--json"),
            stdin=stdin,
        )
    writer.join()
    assert done.returncode == 0, done.stderr
    (facts,) = map(json.loads, done.stderr.splitlines())
    assert (facts["records"], facts["rejected"]) == (1, {})


def test_a_bzip2_file_with_a_damaged_member_is_exit_code_1(tmp_path: Path) -> None:
    whole = bz2.compress(json.dumps(EVENT).encode() + b"\n")
    file = events_as(tmp_path, "events", whole + whole[:30] + b"\xff" + whole[31:])
    done = run("replay", file, "--alerts", "/dev/null")
    assert done.returncode == 1
    assert "events: damaged or cut short after " in done.stderr


def test_a_file_of_which_most_could_not_be_read_is_told_once(tmp_path: Path) -> None:
    good, bad = _requests(40), [{"event_id": n} for n in range(41)]
    done = _replayed(tmp_path / "f.jsonl", *good, *bad)
    assert done.returncode == 0
    said, _ = done.stderr.splitlines()
    assert "f.jsonl: 41 of 81 records (50 %) could not be read as an event" in said
    assert "; record 41 is the first that could not: wrong_type: event_id" in said
    assert len(_replayed(tmp_path / "f.jsonl", *good, *bad[:40]).stderr.splitlines()) == 1
    nothing = _replayed(tmp_path / "f.jsonl", *bad)
    assert nothing.returncode == 1
    assert len(nothing.stderr.splitlines()) == 2


def test_a_file_of_no_control_events_is_told(tmp_path: Path) -> None:
    file = events_as(tmp_path, "events", json.dumps(EVENT).encode())
    control = events_as(tmp_path, "control", b"\n\n")
    done = run("replay", file, "--control", control, "--alerts", "/dev/null", "--json")
    assert done.returncode == 0
    said, _ = done.stderr.splitlines()
    assert said == f"hydrawatch: --control {control} holds no records, and changes nothing"
