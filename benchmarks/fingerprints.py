"""Do template fingerprints find templates, beside the first four words, and at what speed?

Reads public prompts from a folder that is no part of this repository: `p3_templates/prompts.jsonl.gz`,
an object a line with `family`, `template` and `prompt` (6,470 prompts from 152 templates of PromptSource,
by way of self-instruct), and `prompts/*.jsonl.gz`, with `prompt`, each prompt unlike the others.

Two prompts are said to be of one template where their fingerprints differ in at most 6 bits, and, for
the baseline, where their first four words are the same. Templates of different names and one wording
(the same question about two sets of films) are counted as the file names them, and once more as one.
Speed is processor time of one thread, fingerprints of fresh keys, nothing cached before.

Example: python benchmarks/fingerprints.py --data ../data
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hydrawatch.fingerprints import Keys, mask

Numbers = npt.NDArray[np.int64]

NEAR, FAR = 6, 20  # bits: targets for the 90th percentile of one template, the 1st of two
FIRST_WORDS = 4
SECRET = b"the benchmark's secret, no other"


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Read an object a line."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def fingerprints(prompts: list[str]) -> npt.NDArray[np.uint64]:
    """Fingerprint each prompt; one without a word as 0."""
    keys = Keys(SECRET, 1)
    return np.array([int(keys.template_fp(p) or "0", 16) for p in prompts], dtype=np.uint64)


def codes(values: list[Any]) -> Numbers:
    """Number equal values alike."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(v, len(numbers)) for v in values], dtype=np.int64)


def distances(prints: npt.NDArray[np.uint64], same: Numbers) -> tuple[Numbers, Numbers]:
    """Count pairs by bits that differ, 0 to 64: pairs of one template, pairs of two."""
    within, between = np.zeros(65, dtype=np.int64), np.zeros(65, dtype=np.int64)
    for row in range(len(prints) - 1):
        bits = np.bitwise_count(prints[row] ^ prints[row + 1 :])
        alike = same[row] == same[row + 1 :]
        within += np.bincount(bits[alike], minlength=65)
        between += np.bincount(bits[~alike], minlength=65)
    return within, between


def percentile(counts: Numbers, share: float) -> int:
    """Give the least number of bits that `share` of the pairs do not exceed."""
    return int(np.searchsorted(counts.cumsum(), share * counts.sum()))


def f1(true: int, said: int, found: int) -> str:
    """Give F1, precision and recall of pairs: all that are true, all that were said to be, and both."""
    precision, recall = found / max(1, said), found / max(1, true)
    score = 2 * precision * recall / max(1e-12, precision + recall)
    return f"F1 {score:.3f} (precision {precision:.3f}, recall {recall:.3f})"


def of_templates(rows: list[dict[str, Any]], named: Callable[[dict[str, Any]], str]) -> None:
    """Print distances and pair F1 for templates as `named` has them."""
    same = codes([named(row) for row in rows])
    within, between = distances(fingerprints([row["prompt"] for row in rows]), same)
    print(f"  {len(rows)} prompts, {same.max() + 1} templates")
    print(
        f"  two fillings of one template: {percentile(within, 0.5)} bits in the median, "
        f"{percentile(within, 0.9)} at the 90th percentile (target: at most {NEAR}); "
        f"{within[: NEAR + 1].sum() / within.sum():.1%} of pairs within {NEAR}"
    )
    print(
        f"  prompts of two templates: {percentile(between, 0.01)} bits at the 1st percentile "
        f"(target: at least {FAR}), {percentile(between, 0.5)} in the median; "
        f"{between[:FAR].sum() / between.sum():.2%} of pairs under {FAR}"
    )
    near = int(within[: NEAR + 1].sum())
    true = int(within.sum())
    print(
        f"  pairs, at most {NEAR} bits:   {f1(true, near + int(between[: NEAR + 1].sum()), near)}"
    )
    starts = codes([tuple(row["prompt"].split()[:FIRST_WORDS]) for row in rows])
    both = codes(list(zip(starts.tolist(), same.tolist(), strict=True)))
    print(f"  pairs, first {FIRST_WORDS} words:     {f1(true, pairs(starts), pairs(both))}")


def pairs(groups: Numbers) -> int:
    """Count the pairs within groups."""
    sizes = np.bincount(groups)
    return int((sizes * (sizes - 1) // 2).sum())


def skeletons(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Name templates that share most of their words in one order by the first of them.

    A template's wording is what two of its fillings begin and end with; equal wording is one template.
    """
    by_template: dict[str, list[list[str]]] = {}
    for row in rows:
        by_template.setdefault(row["template"], []).append(re.findall(r"\S+", row["prompt"]))
    names: dict[Any, str] = {}
    result: dict[str, str] = {}
    for template, prompts in by_template.items():
        wording = (common(prompts), common([words[::-1] for words in prompts]))
        # a wording of nothing is no wording: such templates stay apart
        result[template] = (
            names.setdefault(wording, template) if sum(map(len, wording)) > 3 else template
        )
    return result


def common(prompts: list[list[str]]) -> tuple[str, ...]:
    """Give the words that all prompts begin with."""
    first, last = min(prompts), max(prompts)
    shorter = min(len(first), len(last))
    count = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), shorter)
    return tuple(first[:count])


def of_others(path: Path) -> None:
    """Print how many pairs of unlike prompts come near each other."""
    prompts = list({row["prompt"]: None for row in records(path)})
    within, _ = distances(fingerprints(prompts), np.zeros(len(prompts), dtype=np.int64))
    starts = codes([tuple(p.split()[:FIRST_WORDS]) for p in prompts])
    print(
        f"  {path.name}: {len(prompts)} prompts, "
        f"{within[: NEAR + 1].sum() / within.sum():.3%} of pairs within {NEAR} bits, "
        f"{pairs(starts) / within.sum():.3%} with the same first {FIRST_WORDS} words"
    )


def speed(prompts: list[str], rounds: int) -> None:
    """Print prompts per second of processor time, best of some rounds."""
    keys = Keys(SECRET, 2)
    work: dict[str, Callable[[str], object]] = {
        "mask": mask,
        "template_fp": keys.template_fp,
        "prompt_sketch": keys.prompt_sketch,
        "prompt_fp": keys.prompt_fp,
    }
    characters = sum(map(len, prompts)) / len(prompts)
    print(f"speed, prompts of {characters:.0f} characters on average, one thread's processor time")
    for name, call in work.items():
        best = float("inf")
        for _ in range(rounds):
            start = time.thread_time()
            for prompt in prompts:
                call(prompt)
            best = min(best, time.thread_time() - start)
        print(f"  {name:14} {len(prompts) / best:10,.0f} prompts/s")


def main() -> int:
    """Print distances, F1, chance encounters and speed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds p3_templates/ and prompts/"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds of the speed measurement, best counts"
    )
    given = parser.parse_args()
    path = given.data / "p3_templates" / "prompts.jsonl.gz"
    if not path.is_file():
        print(
            f"{path}: no such file; see the head of this script for what it holds", file=sys.stderr
        )
        return 1
    rows = list(records(path))
    print("templates as the file names them")
    of_templates(rows, lambda row: str(row["template"]))
    alike = skeletons(rows)
    print("templates of one wording as one")
    of_templates(rows, lambda row: alike[str(row["template"])])
    print("unlike prompts")
    for other in sorted((given.data / "prompts").glob("*.jsonl.gz")):
        of_others(other)
    speed([str(row["prompt"]) for row in rows], given.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
