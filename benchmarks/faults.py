"""Small inputs that go wrong in the field, replayed by this checkout and by others, side by side.

    python benchmarks/faults.py [--against DIR ...] [--only NAME ...] [--json FILE]

Clocks that are wrong, ids that are not unique, dates in other units, files of other kinds, one account that
takes all rows, control events by the thousand: each input is made here, the same bytes for every checkout,
and given to `hydrawatch replay` of each. `--against` names checkouts of other versions; they run with this
environment's packages. A case that takes over two minutes is ended: exit -9.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.judging import faulty_inputs as inputs

HERE = Path(__file__).resolve().parents[1]
MOST_SECONDS = 120
OUTCOMES = ("records", "late", "duplicates", "reused_ids", "refused")


class Outcome(NamedTuple):
    """What one checkout made of one case: its summary (empty where it gave none), and what it cost."""

    exit_code: int
    summary: dict[str, Any]
    actions: Counter[str]  # accounts by the gravest advice
    alerts: int
    said: str  # the last line for people
    seconds: float
    peak_mib: float


def main() -> int:
    """Make each input, replay it, and print a row a case and checkout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", nargs="+", default=[], metavar="DIR", help="other checkouts")
    parser.add_argument("--only", nargs="+", choices=list(inputs.CASES), metavar="NAME")
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        print(json.dumps(inputs.CASES[given.only[0]](Path(given.make))))
        return 0
    checkouts = [*(Path(path).resolve() for path in given.against), HERE]
    rows = []
    with tempfile.TemporaryDirectory() as made:
        for name in given.only or inputs.CASES:
            print(f"{name} ...", file=sys.stderr, flush=True)
            # In a process of its own: what this one has held would count as the replay's peak.
            making = [sys.executable, __file__, "--only", name, "--make", made]
            arguments = json.loads(subprocess.check_output(making))
            for checkout in checkouts:
                outcome = replay(checkout, arguments, Path(made))
                rows.append({"case": name, "checkout": checkout.name, **shown(outcome)})
                print(line(rows[-1]), flush=True)
    if given.json:
        Path(given.json).write_text(json.dumps(rows, indent=1))
    return 0


def replay(checkout: Path, arguments: Sequence[str], folder: Path) -> Outcome:
    """Replay a case as a user would, in a process of its own."""
    alerts, said = folder / "alerts.jsonl", folder / "said"
    alerts.write_bytes(b"")
    program = "import sys; from streams.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "replay", *arguments, "--alerts", str(alerts)]
    environ = {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "400"}
    began = time.perf_counter()
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--drain", "--json"], cwd=folder, env=environ, stdout=out, stderr=out
        )
        too_long = threading.Timer(MOST_SECONDS, process.kill)
        too_long.start()
        _, status, usage = os.wait4(process.pid, 0)
        too_long.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = said.read_text(errors="replace").splitlines()
    summaries = [entry for entry in map(_parsed, lines) if "records" in entry]
    words = [entry for entry in lines if not _parsed(entry)]
    told = [json.loads(entry) for entry in alerts.read_bytes().splitlines()]
    gravest: dict[str, str] = {}
    for alert in told:
        if alert["kind"] == "account":
            gravest[alert["account_id"]] = alert["action"]
    return Outcome(
        process.returncode,
        summaries[-1] if summaries else {},
        Counter(gravest.values()),
        len(told),
        words[-1] if words else "",
        time.perf_counter() - began,
        usage.ru_maxrss / 1024,
    )


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def shown(outcome: Outcome) -> dict[str, Any]:
    """The figures of a row."""
    summary = outcome.summary
    return {
        "exit": outcome.exit_code,
        **{name: summary.get(name, "-") for name in OUTCOMES},
        "rejected": summary.get("rejected", {}),
        "set_aside": summary.get("set_aside", {}),
        "alerts": outcome.alerts,
        "accounts": dict(outcome.actions),
        "seconds": round(outcome.seconds, 1),
        "peak_mib": round(outcome.peak_mib),
        "said": outcome.said[:300],
    }


def line(row: dict[str, Any]) -> str:
    """One row for people."""
    head = f"{row['case']:<18} {row['checkout']:<10}"
    return head + "  ".join(f"{k}={v}" for k, v in row.items() if k not in ("case", "checkout"))


if __name__ == "__main__":
    sys.exit(main())
