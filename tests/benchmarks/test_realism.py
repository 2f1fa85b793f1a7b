"""The benign world beside public traces: every distance is taken, and the picture is drawn."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

SCRIPT = ROOT / "benchmarks" / "realism.py"


def traces(folder: Path) -> Path:
    """Write a few made-up rows in the form of each of the three public traces."""
    rates = [
        f"language/any,{client},{hour * 3600},{0.1 + client},{1 + hour % 3}"
        for client in range(4)
        for hour in range(24)
    ]
    azure = [f"2023-11-16 18:15:46.68,{100 + 7 * n},{40 + n % 9}" for n in range(50)]
    context = [
        json.dumps({"timestamp": n, "input_length": 5000 + 31 * n, "output_length": 200 + n})
        for n in range(50)
    ]
    files = {
        "servegen/client_rates.csv.gz": ["category,client,ts,rate,cv", *rates],
        "azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz": [
            "TIMESTAMP,Context,Generated",
            *azure,
        ],
        "mooncake/conversation_first_half.jsonl.gz": context,
    }
    for name, lines in files.items():
        (folder / name).parent.mkdir()
        with gzip.open(folder / name, "wt", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
    return folder


def compared(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_distribution_has_a_distance_and_its_place_in_the_picture(tmp_path: Path) -> None:
    picture = tmp_path / "realism.png"
    small = ["--accounts", "600", "--days", "2", "--plot", str(picture), "--json"]
    done = compared("--data", str(traces(tmp_path)), *small)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found.pop("hour of day")) == {"total_variation", "shift_hours"}
    assert len(found) == 6
    # made-up lengths of a narrow range are far from the world's, and not wholly beside them
    assert all(0.05 < distance["ks"] <= 1 for distance in found.values()), found
    assert all(distance["wasserstein"] > 0 for distance in found.values()), found
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_folder_without_traces_is_refused(tmp_path: Path) -> None:
    done = compared("--data", str(tmp_path))
    assert done.returncode == 2
    assert "no folder servegen" in done.stderr
