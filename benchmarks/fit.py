"""Weights of the group detector: what groups of simulated worlds look like, and two models of it.

    python benchmarks/fit.py collect EVENTS TRUTH GROUPS.npz [--every 11]  # one world, every 11 hours
    python benchmarks/fit.py judge GROUPS.npz ...                    # each author left out in turn
    python benchmarks/fit.py write GROUPS.npz ...                    # fits all, writes the weights

`collect` replays a world through the engine itself, so that what is fitted is what runs. A truth file is
one of `hydrawatch simulate`, or of others' worlds in that form: accounts by id with a label, of which
`benign` and `grey` are innocent. An author is what a file's name begins with, up to the first
underscore: classes of one author differ less than authors do, so that what carries over shows only where
an author is left out. `write` puts the weights in detectors/coordination_weights.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.judging.group_fit import KINDS_FITTED, Author, fitted, judged
from benchmarks.judging.group_weights import written
from detectors.engine import Engine
from detectors.groups.book import Picture
from detectors.interface.clock import HOUR_MS
from detectors.interface.looks import LOOKS
from detectors.kernels.siphash import fingerprint
from streams.records.event_files import read_chunks
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings

WEIGHTS = Path(__file__).resolve().parent.parent / "detectors" / "coordination_weights.py"

CHUNK_ROWS = 2_000  # mostly within an hour, so that few pictures pass unseen


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ways = parser.add_subparsers(dest="way", required=True)
    collecting = ways.add_parser(
        "collect", help="replay a world and keep what its groups look like"
    )
    collecting.add_argument("events")
    collecting.add_argument("truth")
    collecting.add_argument("groups")
    collecting.add_argument("--every", type=int, default=11, help="hours between two pictures")
    for name, what in (("judge", "fit without each author, and score him"), ("write", "fit all")):
        way = ways.add_parser(name, help=what)
        way.add_argument("groups", nargs="+")
    given = parser.parse_args()
    if given.way == "collect":
        return collect(given.events, given.truth, given.groups, given.every)
    authors = [Author.load(path) for path in sorted(given.groups)]
    if given.way == "judge":
        for line in judged(authors):
            print(line, flush=True)
    else:
        WEIGHTS.write_text(written({kind: fitted(authors, kind) for kind in KINDS_FITTED}))
        print(f"wrote {WEIGHTS}")
    return 0


def collect(events: str, truth: str, out: str, every: int) -> int:
    """Replay a world, and keep the looks of its groups and how many of each are guilty."""
    settings = Settings()
    key = settings.hash_key_bytes()
    engine = Engine(configured(settings, None), key)
    told = json.loads(Path(truth).read_text())["accounts"]
    labels = {int(fingerprint(a.encode(), key)): _label(one) for a, one in told.items()}
    pictures: list[dict[str, np.ndarray]] = []

    last = -1
    for values in read_chunks(events, CHUNK_ROWS):
        engine.feed(engine.decode(values))
        picture = engine.owner.groups.latest
        if picture is not None and picture.hour // every != last and picture.groups.kinds.size:
            last = picture.hour // every
            pictures.append(_described(picture, labels))
    columns = {name: np.concatenate([p[name] for p in pictures]) for name in pictures[0]}
    np.savez_compressed(out, looks_names=np.array(list(LOOKS)), **columns)
    print(f"{len(pictures)} pictures, {columns['kind'].size} groups: {out}")
    return 0


def _label(one: dict) -> tuple[int, int]:
    """Innocent 0, guilty 1, grey 2; and since when, ms."""
    label = one["label"]
    return (0 if label == "benign" else 2 if label == "grey" else 1), int(one.get("since") or 0)


def _described(picture: Picture, labels: dict[int, tuple[int, int]]) -> dict[str, np.ndarray]:
    now = (picture.hour + 1) * HOUR_MS
    known = [labels.get(int(fp), (0, 0)) for fp in picture.members["fp"]]
    guilty = np.array([kind == 1 and since <= now for kind, since in known], np.float64)
    grey = np.array([kind == 2 for kind, _ in known], np.float64)
    groups = picture.groups
    number = np.repeat(np.arange(groups.kinds.size), groups.sizes)
    return {
        "hour": np.full(groups.kinds.size, picture.hour),
        "kind": groups.kinds,
        "size": groups.sizes,
        "guilty": np.bincount(number, guilty[groups.rows], groups.kinds.size) / groups.sizes,
        "grey": np.bincount(number, grey[groups.rows], groups.kinds.size) / groups.sizes,
        "looks": picture.looks.astype(np.float32),
    }


if __name__ == "__main__":
    sys.exit(main())
