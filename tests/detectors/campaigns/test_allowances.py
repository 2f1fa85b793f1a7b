"""An allowance looks at the accounts concerned, and says the alerts that looking at all would."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import Config
from detectors.contract.alert import Alert, body
from detectors.interface.clock import MINUTE_MS
from detectors.interface.key_kinds import KINDS
from detectors.owner.news import Reviewed, Touched
from detectors.owner.owner import CampaignOwner
from detectors.owner.variant import Variant
from tests.owner_stories import BASE, Story, account, allowance, owner_of


def _review_all(self: Variant, _reviewed: Reviewed, touched: Touched) -> set[str]:
    """The definition: when anything changed, everything that stands is looked at."""
    books = self.books
    touched.accounts |= self.alerts.accounts.keys() | books.own.accounts.keys()
    touched.accounts |= books.campaigns.belongs.keys()
    touched.networks |= self.alerts.networks.keys()
    touched.dirty |= books.flagged.keys.keys()
    return {
        campaign.id
        for campaign in books.campaigns.campaigns.values()
        if any(
            books.covered(one, KINDS[kind].family)
            for kind, key in campaign.keys
            for one in books.flagged.keys[kind, key].members
        )
    }


STORY = """
0 org 1 1-9
0 org 2 10-14,40-44
0 key payment_fp:1 1-14
0 key template:1 1-14
0 key device_fp:2 20-33
0 key template:2 20-33
3 key ip_prefix_fp:3 1-14
5 volume 1-4,20-24,40-44
70 volume 1,40-42
"""


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["org=1", "org=2"] + [f"account={n}" for n in (1, 2, 9, 20, 21, 22, 40, 41)]
            ),
            st.sampled_from(["identity", "content", "volume", "identity,content,volume"]),
            st.integers(1, 80),
            st.integers(1, 120),
        ),
        max_size=12,
    ),
    st.lists(st.integers(1, 90), max_size=2),
)
def test_looking_at_the_accounts_concerned_says_the_alerts_that_looking_at_all_would(
    allowances: list[tuple[str, str, int, int]], releases: list[int]
) -> None:
    text = STORY + "".join(
        f"{at} allow {who} families={families} until={at + length}\n"
        for who, families, at, length in allowances
    )
    text += "".join(f"{at} release\n" for at in releases[:1]) + "4000 end"
    assert _bodies(text) == _bodies(text, _review_all)


def _bodies(
    text: str, review: Callable[[Variant, Reviewed, Touched], set[str]] = Variant._review
) -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variant, "_review", review)
        return [body(alert) for alert in Story(text).tell()]


def test_an_allowance_looks_at_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = owner_of(Config())
    story = Story("0 org 7 60-69\n0 volume 1-99\n0 key payment_fp:1 1-20\n0 key device_fp:1 1-20")
    story.say(owner, BASE)
    _pass(owner, 30)
    assert len(owner.alerts.accounts) >= 90
    seen: list[int] = []
    book = owner.alerts
    real = book.account

    def spy(one: int, tick: int) -> Alert | None:
        seen.append(one)
        return real(one, tick)

    monkeypatch.setattr(book, "account", spy)
    owner.control(allowance(40, 50, ["volume"], account_id="a33"))
    owner.control(allowance(42, 52, ["volume"], org_id="o7"))
    owner.control(allowance(44, 54, ["volume"], account_id="a-stranger"))
    _pass(owner, 60)
    once = [account(33), *sorted(account(n) for n in range(60, 70))]
    assert seen == once * 2  # as it begins, and as it ends


def _pass(owner: CampaignOwner, tick: int) -> None:
    for source in (0, 1):
        owner.watermark(source, BASE + tick)
    owner.advance()


def test_allowances_that_end_one_by_one_open_a_campaign_again_for_all_its_members() -> None:
    """Its members are of one organisation until the others' allowances have ended too."""
    text = "0 org 1 40-49\n0 org 2 50-59\n0 key payment_fp:1 40-59\n0 key device_fp:1 40-59\n"
    text += "0 volume 40,44,48,52,56\n"
    for n in range(40, 60):
        text += f"{n} allow account={n} families=identity,volume until={500 + n}\n"
    text += "900 end"
    mine, plain = Story(text).tell(), _told_by(text, _review_all)
    assert _turns(mine) == _turns(plain)
    escalated = {a.account_id for a in mine if a.as_of == (BASE + 555) * MINUTE_MS and a.live}
    assert {"a40", "a44", "a48", "a52"} <= escalated
    # To look at accounts whose campaign has dissolved repeats what was said: that is not done in vain.
    assert len(mine) < len(plain)


def _told_by(text: str, review: Callable[[Variant, Reviewed, Touched], set[str]]) -> list[Alert]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Variant, "_review", review)
        return Story(text).tell()


def _turns(alerts: Iterable[Alert]) -> list[tuple[object, ...]]:
    """What alerts come to, without what is said again."""
    last: dict[str, tuple[object, ...]] = {}
    found = []
    for alert in alerts:
        standing = (alert.action, alert.severity, alert.families, alert.live)
        if last.get(alert.alert_id) != standing:
            last[alert.alert_id] = standing
            found.append((alert.as_of, alert.alert_id, alert.state, *standing))
    return found
