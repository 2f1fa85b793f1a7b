"""The command line as a process of its own, without the settings of whoever runs the tests."""

import os
import subprocess
import sys
from typing import IO


def run(
    *arguments: str, stdin: IO[bytes] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=clean(environment),
    )


def clean(extra: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "HYDRAWATCH" not in name}
    return {**kept, "COLUMNS": "200", "NO_COLOR": "1", **extra}
