"""A topic with another number of partitions: which setting that would be, and whether there is one."""

from __future__ import annotations

import pytest

from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.plan import PLANS, partitions_of


@pytest.mark.parametrize(
    ("setting", "found", "wanted", "fits"),
    [
        ("requests_topic", 6, 4, "HYDRAWATCH_PARTITIONS=6"),
        ("handover_topic", 6, 4, "HYDRAWATCH_PARTITIONS=6"),
        ("marks_topic", 6, 4, "HYDRAWATCH_PARTITIONS=6"),
        ("dead_letters_topic", 6, 4, "HYDRAWATCH_PARTITIONS=6"),
        ("state_topic", 13, 9, "HYDRAWATCH_PARTITIONS=6"),
        ("state_topic", 12, 9, None),  # no pipeline has so many stages
        ("state_topic", 1, 9, None),
        ("evidence_topic", 4, 1, None),
        ("control_topic", 4, 1, None),
    ],
)
def test_the_message_names_the_setting_that_fits_the_topic(
    setting: str, found: int, wanted: int, fits: str | None
) -> None:
    settings = Settings(partitions=4)
    said = status.wrong_count(settings, setting, found)
    assert f"topic {getattr(settings, setting)}: has {found} partitions, not {wanted}" in said
    assert f"HYDRAWATCH_{setting.upper()}" in said
    if fits:
        assert f"set {fits} if all topics agree on it" in said
    else:
        assert "HYDRAWATCH_PARTITIONS" not in said


def test_where_all_topics_are_of_another_pipeline_they_name_one_number() -> None:
    settings = Settings(partitions=4)
    described = {
        plan.name(settings): {"partitions": [{}] * partitions_of(plan, 6)} for plan in PLANS
    }
    problems = status._problems(settings, 4, described, {})
    assert len(problems) == 5
    assert all("set HYDRAWATCH_PARTITIONS=6 if all" in problem.mend for problem in problems)
