"""B-cubed purity and completeness of the campaigns that alerts put together.

Bagga and Baldwin (1998), as Amigo et al. (2009) set it out: a share is computed for every account
and averaged, so that large groups do not drown small ones. Two conventions are ours, both strict: a
benign account shares its campaign with nobody, not even itself (purity 0); an attacker who was put
nowhere is with nobody (completeness 0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def b_cubed(
    clusters: Mapping[str, str | None], campaigns: Mapping[str, str]
) -> tuple[float | None, float | None]:
    """Give (purity, completeness); None where there is nobody to average over.

    `clusters`: named accounts and the cluster each is in (None: alone). `campaigns`: attackers and
    their true campaign.
    """
    size: Counter[str] = Counter(c for c in clusters.values() if c is not None)
    both: Counter[tuple[str, str]] = Counter()
    for account, cluster in clusters.items():
        if cluster is not None and account in campaigns:
            both[cluster, campaigns[account]] += 1
    members = Counter(campaigns.values())
    purity = completeness = 0.0
    for account, cluster in clusters.items():
        campaign = campaigns.get(account)
        if campaign is None:
            continue
        together = 1 if cluster is None else both[cluster, campaign]
        purity += together / (1 if cluster is None else size[cluster])
        completeness += together / members[campaign]
    return (
        purity / len(clusters) if clusters else None,
        completeness / len(campaigns) if campaigns else None,
    )
