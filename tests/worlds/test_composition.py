"""A world of one's own: read strictly, and what is wrong is named with the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from worlds.composition import CompositionError, composed, of_allowed_size, read_composition
from worlds.presets import PRESETS
from worlds.simulation import Simulation

GOOD = """
preset = "calm"
days = 2
accounts = 50
seats = 10

[arrival]
late = 0.2

[[outage]]
at = 0.5
hours = 1

[[piece]]
kind = "A1"
accounts = 7
starts = 0.1
"""


def test_a_composition_starts_from_its_preset_and_adds_to_it() -> None:
    spec = composed(GOOD)
    assert (spec.preset, spec.days, spec.accounts, spec.seats) == (None, 2.0, 50, 10)
    assert spec.late == 0.2
    assert spec.outages[-1].hours == 1.0
    assert spec.pieces[:-1] == PRESETS["calm"].pieces
    assert spec.pieces[-1].kind == "classic_hydra"
    assert spec.pieces[-1].values == {"accounts": 7, "starts": 0.1}


def test_a_composed_world_runs_with_exactly_what_it_names() -> None:
    text = "days = 1\naccounts = 20\nseats = 0\n[[piece]]\nkind = 'office_nat'\naccounts = 9\n"
    world = Simulation(composed(text), 1, 1_777_000_000_000)
    for _ in world.slices():
        pass
    kinds = [facts["kind"] for facts in world.truth()["accounts"].values()]
    assert (kinds.count("ordinary"), kinds.count("office_nat"), len(kinds)) == (20, 9, 29)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("days = ", "mine.toml: not TOML: "),
        ("dayz = 3", "mine.toml: unknown key 'dayz'; did you mean 'days'?"),
        (
            "days = 0",
            "mine.toml: 'days' is 0; it takes a number from 0.05 to 400 (days of event time)",
        ),
        ("accounts = 1.5", "mine.toml: 'accounts' is 1.5; it takes a whole number from 1 to 2e+06"),
        ("accounts = true", "mine.toml: 'accounts' is True; it takes a whole number from 1 to"),
        (
            'preset = "hard"',
            "mine.toml: 'preset' is 'hard'; it takes quick, standard, evasive, calm or",
        ),
        ("arrival = 3", "mine.toml: 'arrival' is 3; it is a table: write [arrival]"),
        (
            "[arrival]\nlates = 0.1",
            "mine.toml: unknown key 'arrival.lates'; did you mean 'arrival.late'?",
        ),
        (
            "[piece]\nkind = 'A1'",
            "mine.toml: 'piece' is a list of tables: write [[piece]] for each",
        ),
        (
            "[[piece]]\naccounts = 3",
            "mine.toml: 'piece[1].kind' is None; it takes the kind or code",
        ),
        ("[[piece]]\nkind = 'ofice_nat'", "did you mean 'office_nat'?"),
        (
            "[[piece]]\nkind = 'A1'\n[[piece]]\nkind = 'A6'\nshare = 2",
            "mine.toml: 'piece[2].share' is 2; it takes a number from 0.01 to 0.99 (share of the",
        ),
        ("[[piece]]\nkind = 'A6'\nshre = 0.2", "unknown key 'piece[1].shre'; did you mean"),
        (
            "[[piece]]\nkind = 'A8'\ndaily_low = 6\ndaily_high = 3",
            "mine.toml: 'piece[1].daily_low' is 6 and 'piece[1].daily_high' is 3; 'daily_low' may be",
        ),
        (
            "[[piece]]\nkind = 'A14'\nbits_low = 20",
            "'piece[1].bits_low' is 20 and 'piece[1].bits_high' is 16 (default)",
        ),
        (
            "[[outage]]\nhours = 2",
            "mine.toml: outage[1] has no 'at': say when the collectors go down",
        ),
    ],
)
def test_a_bad_composition_is_refused_with_key_value_and_range(text: str, said: str) -> None:
    with pytest.raises(CompositionError) as refusal:
        composed(text, "mine.toml")
    assert said in str(refusal.value)


def test_a_byte_order_mark_before_a_composition_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbfdays = 3")
    assert read_composition(str(path)).days == 3


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"days = 3 # \xff\xfe")
    with pytest.raises(CompositionError, match=r"bad\.toml: cannot be read: it is not UTF-8"):
        read_composition(str(bad))
    with pytest.raises(CompositionError, match=r"none\.toml: cannot be read: No such file"):
        read_composition(str(tmp_path / "none.toml"))


def test_options_make_no_larger_world_than_a_file_may() -> None:
    spec = PRESETS["standard"]
    assert of_allowed_size(spec.scaled(100), {"scale": 100.0}).accounts == 2_000_000
    with pytest.raises(CompositionError) as refusal:
        of_allowed_size(spec.scaled(101), {"accounts": None, "scale": 101.0})
    assert str(refusal.value) == (
        "--scale 101 makes 2,020,000 ordinary accounts; a world takes 1 to 2,000,000"
    )
