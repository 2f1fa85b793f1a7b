"""What a world knows about itself: who is who, what each campaign did. For scoring only."""

from __future__ import annotations

from typing import Any

import numpy as np

from worlds.accounts import Accounts
from worlds.randomness import Words
from worlds.requests import Requests
from worlds.vocabulary import LABELS


def truth(table: Accounts, names: Words, records: Requests) -> dict[str, Any]:
    """Describe the accounts and campaigns behind `records`, ready for JSON.

    `accounts` maps account_id to its group; a campaign's requests count each event once, and its
    first and last moments are event times in ms.
    """
    ids = [f"a-{name:016x}" for name in names.tolist()]
    _, once = np.unique(records.event, return_index=True)
    account, time = records.account[once], records.time[once]
    campaign = table.campaign[account]
    campaigns = []
    for number in range(int(table.campaign.max(initial=-1)) + 1):
        acts = time[campaign == number]
        members = np.flatnonzero(table.campaign == number)
        campaigns.append(
            {
                "campaign": f"{LABELS[int(table.label[members[0]])]}-{number + 1}",
                "accounts": [ids[row] for row in members.tolist()],
                "requests": len(acts),
                "first_event": int(acts.min()) if len(acts) else None,
                "last_event": int(acts.max()) if len(acts) else None,
            }
        )
    return {
        "accounts": {ids[row]: LABELS[code] for row, code in enumerate(table.label.tolist())},
        "campaigns": campaigns,
        "requests": len(once),
        "redelivered": len(records) - len(once),
    }
