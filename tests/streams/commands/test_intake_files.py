"""`hydrawatch intake check` and `file`, as they are typed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import app
from tests.streams.intake.gateway_samples import FORMATS, samples

SECRET = "a secret for the tests"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYDRAWATCH_INTAKE_KEY", SECRET)
    monkeypatch.chdir(tmp_path)
    for gateway in FORMATS:
        lines = (json.dumps(sample.record) for sample in samples(gateway))
        Path(f"{gateway}.jsonl").write_text("\n".join(lines))


def typed(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["intake", *words], input=stdin)


def becomes(gateway: str) -> list[str]:
    return [
        next(
            word
            for word, key in (
                ("event", "event"),
                ("refused", "refused"),
                ("passed_over", "passed_over"),
            )
            if key in sample.becomes
        )
        for sample in samples(gateway)
    ]


@pytest.mark.parametrize("gateway", FORMATS)
def test_check_says_of_each_record_what_becomes_of_it(gateway: str) -> None:
    done = typed("check", f"{gateway}.jsonl", "--format", gateway, "--json")
    *records, summary = map(json.loads, done.stdout.splitlines())
    assert [record["becomes"] for record in records] == becomes(gateway)
    assert summary["summary"]["events"] == becomes(gateway).count("event")
    assert done.exit_code == (1 if "refused" in becomes(gateway) else 0)


def test_check_shows_reasons_and_what_a_gateway_never_says() -> None:
    done = typed("check", "litellm.jsonl", "--format", "litellm", "--limit", "3")
    assert "account_id k1:" in done.stdout
    assert "refused 1: missing_property (model: the name of" in done.stdout
    assert "passed over 2: nameless" in done.stdout
    assert "never known: account_created_at, account_tier" in done.stdout
    assert "advice: observe at most" in done.stdout
    assert "... and 11 more records" in done.stdout


def test_check_needs_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRAWATCH_INTAKE_KEY")
    assert typed("check", "nginx.jsonl", "--format", "nginx").exit_code == 0
    done = typed("file", "nginx.jsonl", "--format", "nginx", "--out", "events.jsonl")
    assert done.exit_code == 2
    assert "HYDRAWATCH_INTAKE_KEY is not set" in done.stderr


def test_file_writes_the_events(tmp_path: Path) -> None:
    done = typed("file", "kong.jsonl", "--format", "kong", "--out", "events.jsonl.gz", "--json")
    assert done.exit_code == 0
    facts = json.loads(done.stderr.splitlines()[-1])
    assert facts["records"] == len(samples("kong"))
    lines = gzip.decompress((tmp_path / "events.jsonl.gz").read_bytes()).splitlines()
    assert len(lines) == facts["events"] == becomes("kong").count("event")
    assert "ingest_time" not in json.loads(lines[0])  # a file's events were not received just now


def test_file_reads_standard_input_and_writes_standard_output() -> None:
    body = gzip.compress(Path("apisix.jsonl").read_bytes())
    done = typed("file", "-", "--format", "apisix", "--out", "-", stdin=body)
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == becomes("apisix").count("event")


def test_file_joins_a_directory() -> None:
    Path("accounts.jsonl").write_text(json.dumps({"account_id": "u-17", "account_tier": "paid"}))
    words = (
        "--format",
        "portkey",
        "--out",
        "-",
        "--directory",
        "accounts.jsonl",
        "--digest-ids",
        "--json",
    )
    done = typed("file", "portkey.jsonl", *words)
    assert {json.loads(line)["account_tier"] for line in done.stdout.splitlines()} == {"paid"}
    assert json.loads(done.stderr.splitlines()[-1])["events_of_unknown_accounts"] == 0


def test_a_json_array_over_many_lines_is_one_body() -> None:
    Path("array.json").write_text(json.dumps([s.record for s in samples("envoy")], indent=2))
    done = typed("check", "array.json", "--format", "envoy", "--json")
    assert len(done.stdout.splitlines()) == len(samples("envoy")) + 1


def test_a_mapping_file_is_a_format() -> None:
    Path("mine.toml").write_text('event_time = "t"\naccount_id = "who"\nmodel = "m"\n')
    Path("mine.jsonl").write_text('{"t": 1777026031, "who": "a", "m": "large-5"}\n')
    done = typed("check", "mine.jsonl", "--format", "mine.toml", "--json")
    assert json.loads(done.stdout.splitlines()[0])["event"]["event_time"] == 1_777_026_031_000
    Path("mine.toml").write_text('event_tim = "t"\n')
    done = typed("check", "mine.jsonl", "--format", "mine.toml")
    assert done.exit_code == 2
    assert (
        "mine.toml: event_tim = 'event_tim' is no property of the contract; did you mean"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("check", "none.jsonl", "--format", "kong"), 1, "none.jsonl: No such file"),
        (
            ("check", "kong.jsonl", "--format", "kongo"),
            2,
            "--format kongo: is no format; known are",
        ),
        (
            ("check", "kong.jsonl", "--format", "kong", "--account", "a b"),
            2,
            "--account: account_id = 'a b'",
        ),
        (("file", "kong.jsonl", "--format", "kong", "--out", "kong.jsonl"), 2, "is what is read"),
        (("file", "kong.jsonl", "--format", "kong", "--out", "no/e.jsonl"), 2, "cannot be written"),
        (
            ("file", "kong.jsonl", "--format", "nginx", "--out", "e.jsonl"),
            1,
            "nothing of it is an event",
        ),
    ],
)
def test_a_mistake_is_said_in_a_line(words: tuple[str, ...], code: int, said: str) -> None:
    done = typed(*words)
    assert done.exit_code == code
    assert said in done.stderr.replace("\n", " ")


def test_no_secret_of_a_record_is_printed() -> None:
    for gateway in FORMATS:
        for words in (("check", "--json"), ("check",), ("file", "--out", "-")):
            command, *rest = words
            done = typed(command, f"{gateway}.jsonl", "--format", gateway, *rest)
            for secret in ("eve@mail.example", "203.0.113.77", "OpenAI/Python", "u-17", "17 times"):
                assert secret not in done.stdout + done.stderr
