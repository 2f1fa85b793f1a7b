from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.campaigns.clusters import CampaignBook
from detectors.campaigns.flagged_values import FlaggedKeys
from detectors.campaigns.fusion import Fusion
from detectors.exchange.findings import KeyFinding
from tests.owner_stories import account, key_finding

RULES = Fusion()


class World:
    """A campaign book fed with one finding after another."""

    def __init__(self, rules: Fusion = RULES) -> None:
        self.flagged = FlaggedKeys(rules, 512, 0)
        self.book = CampaignBook(rules, self.flagged)
        self.tick = 0

    def take(self, *findings: KeyFinding) -> None:
        self.tick += 1
        dirty = {self.flagged.report(f, self.tick).key.id for f in findings}
        self.book.regroup(dirty, set(), self.tick, None)

    def drop(self, finding: KeyFinding) -> None:
        self.tick += 1
        key = self.flagged.drop((finding.kind, finding.key))
        self.book.regroup(set(), {key.campaign}, self.tick, None)

    @property
    def sizes(self) -> list[int]:
        return sorted(len(c.members) for c in self.book.campaigns.values())


def key(field: str, value: int, first: int, last: int, **more: int) -> KeyFinding:
    return key_finding(0, field, value, range(first, last + 1), **more)


def test_keys_that_share_two_members_are_one_campaign() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 8), key("template", 1, 7, 14))
    assert len(world.book.campaigns) == 1


def test_one_member_in_common_links_cards_and_devices_but_nothing_softer() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 8), key("template", 1, 8, 14))
    assert len(world.book.campaigns) == 2
    world.take(key("device_fp", 1, 8, 20))
    assert world.book.home(account(1)) is world.book.home(account(20))


def test_a_popular_prefix_does_not_join_the_groups_that_use_it() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 10), key("payment_fp", 2, 91, 100))
    world.take(key_finding(0, "ip_prefix_fp", 1, [1, *range(20, 80), 91]))
    one, other = world.book.home(account(1)), world.book.home(account(91))
    assert one is not other


def test_hubs_and_organisations_link_nobody() -> None:
    world = World()
    world.take(key("ip_prefix_fp", 1, 1, 20, accounts=RULES.hub_accounts + 1))
    world.take(key("payment_fp", 1, 1, 20, colleagues=19))
    world.take(key("org_id", 1, 1, 20))
    assert world.book.campaigns == {}


def test_roles_follow_what_a_member_holds() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 5), key("template", 1, 1, 12), key("ip_prefix_fp", 1, 1, 12))
    world.take(key("referral_fp", 1, 6, 8))
    campaign = world.book.home(account(1))
    assert campaign is not None
    roles = {n: campaign.members.get(account(n)) for n in (1, 6, 12)}
    assert roles == {1: "core", 6: "peripheral", 12: "peripheral"}, (
        "what anybody can copy is no core"
    )


def test_a_campaign_keeps_its_name_while_it_grows() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 8))
    before = next(iter(world.book.campaigns))
    world.take(key("template", 1, 1, 30))
    world.take(key("payment_fp", 2, 9, 30))
    assert list(world.book.campaigns) == [before]


def test_the_older_of_two_that_merge_keeps_its_name() -> None:
    world = World()
    world.take(key("payment_fp", 1, 1, 4))
    older = next(iter(world.book.campaigns))
    world.take(key("payment_fp", 2, 10, 60))
    world.take(key("device_fp", 1, 4, 10))
    assert list(world.book.campaigns) == [older]


def test_the_part_with_most_founders_keeps_the_name_and_the_rest_says_where_it_is_from() -> None:
    world = World()
    bridge = key("device_fp", 1, 8, 9)
    world.take(key("payment_fp", 1, 1, 8), key("payment_fp", 2, 9, 30), bridge)
    (before,) = world.book.campaigns
    world.drop(bridge)
    large, small = world.book.home(account(20)), world.book.home(account(1))
    assert large is not None
    assert small is not None
    assert large.id == before
    assert small.split_from == before


def test_no_campaign_outgrows_its_cap_however_many_bridges_there_are() -> None:
    world = World(Fusion(campaign_cap=60))
    for i in range(20):
        world.take(key("payment_fp", i, 10 * i, 10 * i + 12))
    assert max(world.sizes) <= 60
    assert sum(world.sizes) >= 200


FIELDS = ("payment_fp", "device_fp", "ip_prefix_fp", "template", "referral_fp")
FINDINGS = st.lists(
    st.tuples(st.sampled_from(FIELDS), st.integers(0, 3), st.integers(0, 30), st.integers(1, 10)),
    min_size=1,
    max_size=14,
    unique_by=lambda f: f[:2],
)


@settings(max_examples=60)
@given(found=FINDINGS, data=st.data())
def test_grouping_step_by_step_ends_in_the_same_groups_as_grouping_at_once(found, data) -> None:
    findings = [key(field, value, first, first + n) for field, value, first, n in found]
    at_once, stepwise = World(), World()
    at_once.take(*findings)
    for finding in data.draw(st.permutations(findings)):
        stepwise.take(finding)
    groups = [
        sorted((c.keys, sorted(c.members.items())) for c in world.book.campaigns.values())
        for world in (at_once, stepwise)
    ]
    assert groups[0] == groups[1]
    for world in (at_once, stepwise):
        for who, homes in world.book.belongs.items():
            assert all(who in world.book.campaigns[c].members for c in homes)
