"""The fingerprints can be imported where the prompts are: without Kafka, numba or the rest of hydrawatch."""

from __future__ import annotations

import subprocess
import sys

SHOW = 'print(*sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))'
PROGRAM = f"""
from hydrawatch.fingerprints import Keys, client_family
{SHOW}
keys = Keys(b"0123456789abcdef", 1)
keys.template_fp("Answer the question"), keys.prompt_sketch("x"), keys.address("192.0.2.1")
client_family("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0")
{SHOW}
"""
LIGHT = {"hydrawatch", "numpy", "__main__"}
BROWSERS = {"ua_parser", "ua_parser_builtins", "ua_parser_rs", "re2", "yaml", "cython_runtime"}


def test_the_fingerprints_import_numpy_and_for_browsers_ua_parser_and_nothing_else() -> None:
    # -S keeps the environment's own start-up files (editable installs, coverage) out of the answer
    paths = [path for path in sys.path if path]
    program = f"import sys; sys.path[:0] = {paths!r}\n{PROGRAM}"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True
    )
    imported, used = (set(line.split()) for line in ran.stdout.splitlines())
    assert imported <= LIGHT
    # yaml is ua-parser's own wish, met where it is installed
    assert {name for name in used if not name.startswith("_cython")} <= LIGHT | BROWSERS
