"""A detector on trial: live alerts are as if it were not there, the shadow's as if it were live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from msgspec.structs import replace as replaced

from detectors.births import KeyBirths
from detectors.campaigns.fusion import Fusion
from detectors.config import Config, load_config, on_trial
from detectors.contract.alert import Alert, body, decode
from detectors.engine import Engine
from detectors.errors import ConfigError
from detectors.exchange.findings import TickFindings
from detectors.volume import AccountVolume
from streams.commands import replay
from streams.settings.settings import Settings
from tests.configurations import replacing
from tests.detectors.owner.test_owner import END, Message, tick_findings
from tests.detectors.state.test_checkpoint import Log
from tests.owner_stories import BASE, Story, hear, owner_of
from tests.stage_stories import DAY, KEY, START
from worlds.world import build

PLAIN = Config(fusion=Fusion(regroup_minutes=1))
VOLUME = replacing(PLAIN, replace(PLAIN.of(AccountVolume), shadow=True))
BIRTHS = replacing(PLAIN, replace(PLAIN.of(KeyBirths), shadow=True))
MODES = ("replay", "shadow")
Messages = list[Message]


def run(config: Config, messages: Messages) -> list[Alert]:
    owner = owner_of(config)
    for source, findings in messages:
        hear(owner, source, findings)
    for source in (0, 1):
        owner.watermark(source, END)
    return owner.advance()


def bodies(alerts: list[Alert], mode: str) -> list[bytes]:
    return [body(alert) for alert in alerts if alert.mode == mode]


def without(messages: Messages, part: str) -> Messages:
    return [
        (source, replaced(said, **{part: ()}) if isinstance(said, TickFindings) else said)
        for source, said in messages
    ]


@pytest.mark.parametrize(("config", "part"), [(VOLUME, "accounts"), (BIRTHS, "keys")])
@settings(max_examples=25)
@given(messages=tick_findings())
def test_live_alerts_are_those_without_the_detector_and_the_shadows_those_with_it(
    config: Config, part: str, messages: Messages
) -> None:
    trial = run(config, messages)
    assert bodies(trial, "shadow") == bodies(run(PLAIN, messages), "replay")
    assert bodies(trial, "replay") == bodies(run(PLAIN, without(messages, part)), "replay")


def test_what_two_detectors_bring_together_stays_in_the_shadow_while_one_is_on_trial() -> None:
    story = Story("0 key payment_fp:1 1-20\n0 key ip_prefix_fp:1 1-20\n5 volume 7\n60 end")
    trial = story.tell(VOLUME)
    families = {mode: {f for a in trial if a.mode == mode for f in a.families} for mode in MODES}
    assert "volume" in families["shadow"] - families["replay"]
    assert families["replay"] == {"identity", "infrastructure"}


def test_the_shadows_books_are_part_of_the_kept_state() -> None:
    story = Story("0 key payment_fp:1 1-20\n0 key template:1 1-20\n5 volume 7\n4000 end")
    for after in (VOLUME, PLAIN):  # PLAIN: the trial has ended
        owner = owner_of(VOLUME)
        alerts = []
        for tick in (2, 7, 4000):
            for at in sorted(t for t in story.said if t <= BASE + tick and t > owner.closed):
                story.say(owner, at)
            for source in (0, 1):
                owner.watermark(source, BASE + tick)
            alerts += owner.advance()
            if tick == 7:
                log = Log()
                log.keep(owner.checkpoint())
                owner = owner_of(after)
                kept = owner.restoration()
                owner.restore(kept, log.read_into(kept))
        whole = story.tell(VOLUME)
        assert bodies(alerts, "replay") == bodies(whole, "replay")
        if after is VOLUME:
            assert bodies(alerts, "shadow") == bodies(whole, "shadow")
            assert alerts == whole


def test_a_worker_that_is_a_shadow_as_a_whole_judges_once_with_everything() -> None:
    made = build(seed=5, days=2.2, accounts=200, end_ms=START + 3 * DAY, hydra_accounts=60)
    world = [value for records in made.chunks() for value in records.values]
    plain, trial = (
        load_config(f"[engine]\npartitions = 2\n[volume]\nshadow = {on}\n")
        for on in ("false", "true")
    )
    assert plain.digest != trial.digest
    found = {}
    for name, loaded, mode in (
        ("plain", plain, "live"),
        ("trial", trial, "live"),
        ("shadow", trial, "shadow"),
    ):
        engine = Engine(loaded, KEY, mode)
        found[name] = engine.feed(engine.decode(world)) + engine.drain()
    everything = bodies(found["plain"], "live")
    assert len(everything) > 20
    assert bodies(found["shadow"], "shadow") == everything
    assert bodies(found["trial"], "shadow") == everything
    assert bodies(found["trial"], "live")
    assert {a.mode for a in found["shadow"]} == {"shadow"}


def test_which_detectors_are_on_trial_is_said_by_their_sections() -> None:
    assert on_trial(PLAIN) == frozenset()
    assert on_trial(VOLUME) == {"volume.own_past"}
    assert on_trial(BIRTHS) == {"births"}
    with pytest.raises(ConfigError, match=r"'volume.shadow' is 1; it takes true or false"):
        load_config("[volume]\nshadow = 1\n")


def test_replay_writes_the_shadows_alerts_to_a_file_of_their_own(tmp_path: Path) -> None:
    made = build(seed=5, days=2.2, accounts=200, end_ms=START + 3 * DAY, hydra_accounts=60)
    world = tmp_path / "world.jsonl"
    world.write_bytes(b"".join(v + b"\n" for records in made.chunks() for v in records.values))
    config = tmp_path / "detectors.toml"
    config.write_text("[births]\nshadow = true\n[coordination]\nshadow = true\n")
    live, shadow = tmp_path / "live.jsonl", tmp_path / "shadow.jsonl"
    done = replay.run(
        Settings(config=config, partitions=2),
        str(world),
        str(live),
        None,
        None,
        drain=True,
        json_summary=True,
        shadow=str(shadow),
    )
    assert done == 0
    assert {decode(line).mode for line in shadow.read_bytes().splitlines()} == {"shadow"}
    assert live.read_bytes() == b""  # without these two there is no network, and nothing else odd
    with pytest.raises(ConfigError, match="--shadow"):
        replay.run(
            Settings(), str(world), "-", None, None, drain=True, json_summary=True, shadow="-"
        )
