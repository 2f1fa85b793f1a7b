"""What the attackers sent is noted as it goes by: each event once, and only theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from worlds.scoring.sightings import Sightings


def raw(event: str, account: str, time: int) -> bytes:
    return b'{"event_id":"%b","event_time":%d,"account_id":"%b","model":"m"}' % (
        event.encode(),
        time,
        account.encode(),
    )


def take(seen: Sightings, values: list[bytes], **more: Any) -> None:
    keys = [str(orjson.loads(v)["account_id"]).encode() if v[:1] == b"{" else b"" for v in values]
    seen.take(values, keys, **more)


def test_redelivered_events_count_once_and_others_not_at_all() -> None:
    seen = Sightings()
    take(seen, [raw("1", "b", 30), raw("2", "a", 20), raw("3", "z", 10)])
    take(seen, [raw("1", "b", 30), raw("4", "b", 5), b"no event"])
    events = seen.of({"a", "b", "silent"})
    assert events.accounts == ("a", "b", "silent")
    assert events.account.tolist() == [0, 1, 1]
    assert events.time.tolist() == [20, 5, 30]
    assert seen.records == 6


def test_what_a_genuine_owner_sent_is_not_the_campaigns() -> None:
    seen = Sightings()
    values = [raw(str(n), "a", n) for n in range(4)]
    take(seen, values, guilty=np.array([False, True, False, True]))
    assert seen.of({"a"}).time.tolist() == [1, 3]
    assert seen.of({"a"}).sent.tolist() == [4]
    assert seen.records == 4


def test_sightings_may_be_asked_midway_and_go_on() -> None:
    seen = Sightings()
    take(seen, [raw("1", "a", 1)])
    assert len(seen.of({"a"})) == 1
    take(seen, [raw("2", "a", 2)])
    assert seen.of({"a"}).time.tolist() == [1, 2]
    assert len(seen.of(set())) == 0
