"""Writes deploy/grafana/dashboards/*.json: what operations looks at, said briefly in board_*.py.

    python deploy/grafana/generate.py

`tests/deploy/test_dashboards.py` fails while a file is behind; `tests/integration/test_dashboards.py` asks
a real Prometheus every question of every dashboard.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from board_detection import DETECTION
from board_overview import OVERVIEW
from board_state import STATE
from panels import rendered

HERE = Path(__file__).parent
BOARDS = {"overview": OVERVIEW, "state": STATE, "detection": DETECTION}


def outputs() -> dict[Path, str]:
    """Every file this script writes, and its text."""
    return {
        HERE / "dashboards" / f"{name}.json": json.dumps(rendered(board), indent=1) + "\n"
        for name, board in BOARDS.items()
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")
