"""`hydrawatch worker` with detectors that raise: `python -m tests.integration.poisoned_worker`."""

from __future__ import annotations

from detectors.config import Loaded
from streams.cli import main as cli
from streams.commands import worker
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from tests.poison import poisoned


def poisoned_configuration(settings: Settings) -> Loaded:
    """What the settings say, but for thresholds that no file may give."""
    return poisoned(configured(settings))


if __name__ == "__main__":
    worker.configured = poisoned_configuration
    cli.app(["worker"])
