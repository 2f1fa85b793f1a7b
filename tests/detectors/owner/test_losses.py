"""Reports that were deleted unread: nobody is compared with a part of the others, and all else goes on."""

from __future__ import annotations

from detectors.exchange.findings import TickFindings
from detectors.exchange.loss import Loss
from detectors.owner.owner import CampaignOwner
from tests.detectors.state.test_checkpoint import Log
from tests.owner_stories import BASE, account, key_finding, names, owner_of, volume


def begun() -> CampaignOwner:
    """An owner that has heard both sources, and knows some accounts."""
    owner = owner_of()
    owner.receive_names(0, names(0, dict.fromkeys(range(1, 30), 0)))
    passed(owner, 5)
    return owner


def passed(owner: CampaignOwner, tick: int) -> list[str]:
    """Both sources have closed a tick; whom the alerts that follow name."""
    for source in (0, 1):
        owner.watermark(source, BASE + tick)
    return [alert.account_id or "" for alert in owner.advance()]


def odd(owner: CampaignOwner, tick: int) -> None:
    owner.receive(0, TickFindings(BASE + tick, accounts=(volume(tick, 7),)))


def evidence_about(owner: CampaignOwner, number: int) -> int:
    return len(owner.books.own.accounts.get(account(number), []))


def test_an_account_is_not_compared_in_a_tick_that_a_part_may_be_missing_of() -> None:
    owner = begun()
    owner.lose(10, 20)
    odd(owner, 9)
    passed(owner, 9)
    assert evidence_about(owner, 7) == 0
    assert owner.loss == Loss(10, 20, BASE + 5, BASE + 9)
    odd(owner, 12)
    passed(owner, 12)
    assert evidence_about(owner, 7) == 1


def test_what_key_networks_found_stands_for_itself() -> None:
    owner = begun()
    owner.lose(10, 20)
    found = key_finding(9, "payment_fp", 1, range(1, 21))
    owner.receive(1, TickFindings(BASE + 9, keys=(found,)))
    assert passed(owner, 9) == [""]  # of the network, which names nobody


def test_no_tick_closes_before_all_sources_have_spoken_again() -> None:
    owner = begun()
    owner.lose(10, 20)
    owner.watermark(0, BASE + 30)
    assert owner.advance() == []
    assert owner.closed == BASE + 5
    assert owner.loss is not None
    assert owner.loss.lasts
    owner.watermark(1, BASE + 8)
    owner.advance()
    assert owner.loss == Loss(10, 20, BASE + 5, BASE + 30)


def test_a_restart_in_the_middle_of_a_loss_decides_the_same() -> None:
    owner = begun()
    owner.lose(10, 20)
    owner.watermark(0, BASE + 9)
    log = Log()
    log.keep(owner.checkpoint())
    fresh = owner_of()
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    for one in (owner, fresh):
        odd(one, 12)
        passed(one, 12)
    assert fresh.loss == owner.loss == Loss(10, 20, BASE + 5, BASE + 12)
    assert evidence_about(fresh, 7) == evidence_about(owner, 7)
