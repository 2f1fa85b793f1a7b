"""TEMPORARY adapter."""

import time
from worlds.world import build

LABEL = {
    "ordinary": ("benign", None, "ordinary"),
    "organisation": ("benign", "B6", "office_nat"),
    "class": ("benign", "B7", "class"),
    "hydra": ("attack", "A1", "classic_hydra"),
}


class Spec:
    def __init__(self, name, days, accounts, hydra):
        self.name, self.days, self.accounts, self.hydra = name, days, accounts, hydra


def preset(name, **o):
    d = dict(
        quick=(2, 300, 60), standard=(7, 3000, 300), evasive=(7, 3000, 100), calm=(7, 3000, 0)
    )[name]
    return Spec(name, o.get("days", d[0]), o.get("accounts", d[1]), o.get("hydra", d[2]))


class Simulation:
    def __init__(self, spec, seed, end_ms):
        self.spec, self.seed, self.end = spec, seed, end_ms
        self.w = build(seed, spec.days, spec.accounts, end_ms, spec.hydra)

    def slices(self):
        yield from self.w.chunks(20000)

    def tell(self, alerts):
        pass

    def truth(self):
        t = self.w.truth()
        who = {a: c["campaign"] for c in t["campaigns"] for a in c["accounts"]}
        return {
            "version": 1,
            "preset": self.spec.name,
            "seed": self.seed,
            "start_ms": self.end - int(self.spec.days * 86400000),
            "end_ms": self.end,
            "accounts": {
                a: dict(
                    label=LABEL[l][0], scenario=LABEL[l][1], kind=LABEL[l][2], campaign=who.get(a)
                )
                for a, l in t["accounts"].items()
            },
            "campaigns": [dict(c, scenario="A1") for c in t["campaigns"]],
            "requests": t["requests"],
            "redelivered": t["redelivered"],
            "lost": 0,
            "late": 0,
        }
