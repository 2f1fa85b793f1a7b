"""The weights of fitted models as the module that the detector imports: a look a line, readable."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.judging.group_fit import Model
from detectors.interface.key_kinds import KINDS
from detectors.interface.looks import LOOKS

_HEAD = '''"""Weights of `detectors.coordination`, fitted by `benchmarks/fit.py write`: a look a line, not by hand.

Of each kind two models: one fitted freely, one with signs that the domain fixes. Log odds, in nats.
"""

from __future__ import annotations

import numpy as np

'''


def written(models: Mapping[int, Model | None]) -> str:
    """The module's text."""
    known = {kind: model for kind, model in models.items() if model is not None}
    names = ", ".join(f"{KINDS[k].field} (free, signed)" for k in known)
    lines = [f"KINDS_WEIGHED = ({', '.join(map(str, known))},)", f"# {names}", "_BY_LOOK = {  # fmt: skip"]
    for place, look in enumerate(LOOKS):
        both = [f"{w[place]:.3g}" for model in known.values() for w in model.weights]
        lines.append(f'    "{look}": ({", ".join(both)}),')
    heads = [f"({', '.join(f'{i:.3g}' for i in model.intercepts)})" for model in known.values()]
    lines += [
        "}",
        f"INTERCEPTS = np.array([{', '.join(heads)}])  # (kinds, 2)",
        "LOOKS = tuple(_BY_LOOK)",
        "# (kinds, 2, looks)",
        "WEIGHTS = np.array(list(_BY_LOOK.values())).T.reshape(len(KINDS_WEIGHED), 2, len(LOOKS))",
    ]
    return _HEAD + "\n".join(lines) + "\n"
