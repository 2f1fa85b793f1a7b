"""The weights of fitted models as the module that the detector imports: a look a line, readable."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.judging.group_fit import SIGNS, Model
from detectors.interface.key_kinds import KINDS
from detectors.interface.looks import LOOKS

_HEAD = '''"""Weights of `detectors.coordination`, by `benchmarks/fit.py write`: a look a line, not by hand.

Of each kind two models: of all looks, and without what a classifier says. Log odds, in nats.
"""

from __future__ import annotations

import numpy as np

'''
_PLACES = {look: place for place, look in enumerate(LOOKS)}


def written(models: Mapping[int, Model | None]) -> str:
    """The module's text."""
    known = {kind: model for kind, model in models.items() if model is not None}
    lines = [
        f"KINDS_WEIGHED = ({', '.join(map(str, known))},)",
        f"# {', '.join(f'2 x {KINDS[k].noun.split()[0]}' for k in known)}",
        "_BY_LOOK = {",
    ]
    for look in SIGNS:
        place = _PLACES[look]
        both = [f"{w[place] + 0.0:.3g}" for model in known.values() for w in model.weights]
        lines.append(f'    "{look}": ({", ".join(both)}),')
    heads = [f"({', '.join(f'{i:.3g}' for i in model.intercepts)})" for model in known.values()]
    lines += [
        "}  # fmt: skip",
        f"INTERCEPTS = np.array([{', '.join(heads)}])  # fmt: skip; (kinds, 2)",
        "READS = tuple(_BY_LOOK)",
        "# (kinds, 2, looks)",
        "WEIGHTS = np.array(list(_BY_LOOK.values())).T.reshape(len(KINDS_WEIGHED), 2, len(READS))",
    ]
    return _HEAD + "\n".join(lines) + "\n"
