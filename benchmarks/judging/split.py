"""What may be looked at while tuning, and what is kept for judging."""

from __future__ import annotations

# Thresholds, of hydrawatch and of the baselines, are set on worlds of these seeds alone ...
TUNING_SEEDS = (11, 12, 13, 14, 15)
# ... and reported on these, which share no random stream with them.
JUDGING_SEEDS = (7001, 7002, 7003, 7004, 7005)

# Scenarios that tuning never sees scored; chosen before anything was tuned: from each way of hiding
# (volume, content, entry path, camouflage, take-over) one that has a sibling left for tuning.
HELD_OUT_ATTACKS = frozenset({"A3", "A8", "A11", "A14", "A18", "A20"})
HELD_OUT_LOOK_ALIKES = frozenset({"B3", "B9", "B14", "B17", "B20"})
HELD_OUT = HELD_OUT_ATTACKS | HELD_OUT_LOOK_ALIKES
