"""`detectors.toml`: what is refused, and that the refusal names what to mend."""

from __future__ import annotations

import pytest

from detectors.config import load_config
from detectors.errors import ConfigError


@pytest.mark.parametrize(
    ("section", "key", "value", "other"),
    [
        ("alerts", "close_nats", -1, "alerts.open_nats"),
        ("fusion", "throttle_nats", 30, "fusion.verify_nats"),
        ("fusion", "restrict_size", 500, "fusion.suspend_size"),
        ("volume", "newcomer_requests", 20, "volume.min_requests"),
    ],
)
def test_thresholds_that_contradict_each_other_are_refused_by_name(
    section: str, key: str, value: float, other: str
) -> None:
    with pytest.raises(ConfigError, match=other.replace(".", r"\.")):
        load_config(f"[{section}]\n{key} = {value}\n")
