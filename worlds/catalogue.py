"""The catalogue: every piece that a world can be put together from, by kind."""

from __future__ import annotations

from worlds.attacks import (
    adaptive,
    ban_and_replace,
    classic_hydra,
    compromised,
    diluted_hydra,
    free_tier_farm,
    heavy_pool,
    hub_camouflage,
    jittered_schedule,
    low_and_slow,
    multi_capability,
    nothing_shared,
    paraphrased,
    programme_abuse,
    release_pivot,
    sleepers,
    slow_poison,
    stolen_key,
    synchronised_grading,
    trace_coercion,
)
from worlds.lookalikes import (
    ci_agents,
    classroom,
    consultant,
    corporate_card,
    cost_sharing,
    framework_prompt,
    hackathon,
    holiday,
    judge_pipeline,
    key_rotation,
    launch_day,
    leaderboard,
    licensed_distillation,
    licensed_reseller,
    marketing_cohort,
    mobile_cgnat,
    model_migration,
    month_end,
    office_nat,
    outage_catchup,
    overnight_agent,
)
from worlds.piece import Piece

_MODULES = (
    ci_agents,
    classroom,
    consultant,
    corporate_card,
    cost_sharing,
    framework_prompt,
    hackathon,
    holiday,
    judge_pipeline,
    key_rotation,
    launch_day,
    leaderboard,
    licensed_distillation,
    licensed_reseller,
    marketing_cohort,
    mobile_cgnat,
    model_migration,
    month_end,
    office_nat,
    outage_catchup,
    overnight_agent,
    adaptive,
    ban_and_replace,
    classic_hydra,
    compromised,
    diluted_hydra,
    free_tier_farm,
    heavy_pool,
    hub_camouflage,
    jittered_schedule,
    low_and_slow,
    multi_capability,
    nothing_shared,
    paraphrased,
    programme_abuse,
    release_pivot,
    sleepers,
    slow_poison,
    stolen_key,
    synchronised_grading,
    trace_coercion,
)


def _by_code(piece: Piece) -> tuple[bool, int]:
    return piece.code.startswith("A"), int(piece.code[1:])


PIECES: dict[str, Piece] = {
    piece.kind: piece for piece in sorted((m.PIECE for m in _MODULES), key=_by_code)
}
KIND_OF = {piece.code: piece.kind for piece in PIECES.values()}
