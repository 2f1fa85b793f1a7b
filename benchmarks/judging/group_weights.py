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
        f"# {', '.join(KINDS[k].field for k in known)}",
        "_BY_LOOK = {",
    ]
    for look in SIGNS:
        place = _PLACES[look]
        lines.append(f'    "{look}": (')
        for which in (0, 1):
            told = [f"{model.weights[which][place] + 0.0:.3g}" for model in known.values()]
            lines.append(f"        ({', '.join(told)}),")
        lines.append("    ),")
    heads = [f"({', '.join(f'{i:.3g}' for i in model.intercepts)})" for model in known.values()]
    lines += [
        "}",
        f"INTERCEPTS = np.array([{', '.join(heads)}])  # (kinds, 2)",
        "READS = tuple(_BY_LOOK)",
        "WEIGHTS = np.array(list(_BY_LOOK.values())).transpose(2, 1, 0)  # (kinds, 2, looks)",
    ]
    return _HEAD + "\n".join(lines) + "\n"
