"""Account volume: both forms agree, benign data are calibrated, poison is slow, launches cancel."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.exchange.findings import AccountFinding, CohortSum
from detectors.interface.detector import Context, Evidence, Seen, Window
from detectors.judging.cohorts import CohortBook
from detectors.volume import AccountVolume
from detectors.volume_baseline import learn, score

DAY_MS = 86_400_000
VOLUME = AccountVolume()
NAME = VOLUME.card.name
Baseline = tuple[float, float, int]


def learned(days: list[float], start: Baseline = (0.0, 0.0, 0)) -> Baseline:
    baseline = start
    for requests in days:
        baseline = learn(*baseline, math.log1p(requests), VOLUME.params())
    return baseline


def surprise(baseline: Baseline, requests: float) -> float:
    return float(score(*baseline, math.log1p(requests), VOLUME.params())[2])


def day_close(day: int, requests: float, *, complete: bool = True) -> Window:
    end = (day + 1) * DAY_MS
    values = {"requests_24h": requests, "day_requests": requests}
    return Window(end - 3_600_000, end, values, complete)


def benign(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Daily requests, accounts by days, of several kinds of ordinary customers."""
    shape = (400, 60)
    rate = np.exp(rng.uniform(3, 9, (400, 1)))
    yield "steady", rng.poisson(np.broadcast_to(rate, shape)).astype(float)
    yield "lognormal", rate * np.exp(rng.normal(0, 0.6, shape))
    yield "heavy-tailed", rate * np.exp(0.4 * rng.standard_t(4, shape))
    week = np.where(np.arange(60) % 7 < 5, 0.0, -1.5)
    yield "working week", rate * np.exp(week + rng.normal(0, 0.4, shape))
    yield "bursty", rng.negative_binomial(1.0, 1.0 / (1.0 + rate), shape).astype(float)
    drift = np.cumsum(rng.normal(0, 0.15, shape), axis=1)
    yield "wandering", rate * np.exp(drift + rng.normal(0, 0.3, shape))


def test_benign_surprise_above_s_happens_at_most_e_to_the_minus_s_of_the_time() -> None:
    for name, accounts in benign(np.random.default_rng(7)):
        scores = []
        for series in accounts:
            baseline: Baseline = (0.0, 0.0, 0)
            for requests in np.floor(series):
                if requests > 0:
                    scores.append(surprise(baseline, requests))
                    baseline = learn(*baseline, math.log1p(requests), VOLUME.params())
        judged = np.array(scores)[~np.isnan(scores)]
        for s in (2.0, 4.0, 6.0):
            bound = math.exp(-s)
            slack = 3.0 * math.sqrt(bound / judged.size)
            assert np.mean(judged > s) <= bound + slack, (name, s, np.mean(judged > s))


def test_object_and_columns_agree_on_random_series() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        memory = VOLUME.fresh()
        mean, variance, days = np.float32(0), np.float32(0), 0
        rate = math.exp(rng.uniform(1, 9))
        for day in range(80):
            requests = float(rng.integers(1, 2 + int(rate * math.exp(rng.standard_t(3)))))
            VOLUME.observe(memory, day_close(day, requests), Context())
            column = learn(
                float(mean), float(variance), days, math.log1p(requests), VOLUME.params()
            )
            mean, variance, days = np.float32(column[0]), np.float32(column[1]), column[2]
            assert (float(mean), float(variance)) == pytest.approx(
                memory.moments(), rel=1e-4, abs=1e-4
            )
            assert memory.count == days


def test_both_forms_report_the_same_surprise() -> None:
    past = [90.0, 120.0, 100.0, 80.0, 110.0, 95.0, 105.0]
    memory = VOLUME.fresh()
    for day, requests in enumerate(past):
        VOLUME.observe(memory, day_close(day, requests), Context())
    (found,) = VOLUME.observe(memory, day_close(9, 9000.0), Context()) or ()
    assert found.surprise == pytest.approx(surprise(learned(past), 9000.0), rel=1e-6)
    assert found.expected == pytest.approx(99.0, rel=0.05)
    assert (found.parameter, found.observed, found.unit) == ("requests_24h", 9000.0, "requests")


def test_says_nothing_before_a_working_week() -> None:
    memory = VOLUME.fresh()
    for day in range(VOLUME.min_windows):
        assert VOLUME.observe(memory, day_close(day, 100.0), Context()) is None
    assert VOLUME.observe(memory, day_close(9, 100.0), Context()) == ()


def test_few_requests_are_no_evidence_however_odd() -> None:
    odd = AccountVolume(min_requests=50, min_surprise=1.0, min_spread=0.05, prior_spread=0.05)
    memory = odd.fresh()
    for day in range(10):
        odd.observe(memory, day_close(day, 1.0), Context())
    assert odd.observe(memory, day_close(11, 49.0), Context()) == ()


def test_one_wild_day_hides_no_second_one() -> None:
    past = [100.0 + i % 5 for i in range(30)]
    assert surprise(learned([*past, 50_000.0]), 50_000.0) > 6.0


def test_a_lasting_change_is_learned_within_weeks() -> None:
    baseline = learned([100.0 + i % 5 for i in range(60)])
    assert surprise(baseline, 5000.0) > 6.0
    until = next(n for n in range(1, 60) if surprise(learned([5000.0] * n, baseline), 5000.0) < 2.0)
    assert 4 <= until <= 25


def test_an_incomplete_day_is_not_learned() -> None:
    memory = VOLUME.fresh()
    VOLUME.observe(memory, day_close(0, 100.0, complete=False), Context())
    assert memory.count == 0


EVIDENCE = VOLUME.evidence(Seen(100.0, 100.0, 0.0, DAY_MS))


def finding(deviation: float | None, spread: float, requests: int = 5000) -> AccountFinding:
    return AccountFinding(
        account=1, cohort=3, deviation=deviation, spread=spread,
        evidence=msgspec.structs.replace(EVIDENCE, observed=float(requests)),
        first_seen=0, last_seen=0, requests=requests, output_tokens=0, cost_micro=0,
    )  # fmt: skip


def sums(deviations: NDArray[np.float64], cohort: int = 3) -> CohortSum:
    micro = np.rint(deviations * 1e6).astype(int)
    squares = np.rint(deviations**2 * 1e6).astype(int)
    return CohortSum(NAME, cohort, deviations.size, int(micro.sum()), int(squares.sum()), 0, 0, 0)


def levels(y: NDArray[np.float64]) -> CohortSum:
    micro, squares = np.rint(y * 1e6).astype(int), np.rint(y * y * 1e6).astype(int)
    return CohortSum(NAME, 3, 0, 0, 0, y.size, int(micro.sum()), int(squares.sum()))


def judged(book: CohortBook, one: AccountFinding) -> float:
    found: Evidence | None = book.judge(one)
    return found.surprise if found else 0.0


def test_a_launch_on_which_everybody_moves_cancels() -> None:
    rng = np.random.default_rng(1)
    calm, launch = CohortBook((VOLUME,)), CohortBook((VOLUME,))
    for tick in range(0, 600, 60):
        calm.close(tick, [sums(rng.normal(0, 0.5, 500))], ())
        launch.close(tick, [sums(rng.normal(0, 0.5, 500))], ())
    calm.close(659, [sums(np.append(rng.normal(0.0, 0.5, 499), 3.0))], ())
    launch.close(659, [sums(np.append(rng.normal(2.5, 0.5, 499), 3.0))], ())
    one = finding(deviation=3.0, spread=0.35)
    assert judged(calm, one) > 6.0
    assert judged(launch, one) == 0.0


def test_an_account_does_not_explain_itself_and_a_falling_cohort_accuses_nobody() -> None:
    book = CohortBook((VOLUME,))
    one = finding(deviation=3.0, spread=0.35)
    alone = judged(book, one)
    book.close(59, [sums(np.array([3.0]))], ())
    assert judged(book, one) == alone
    book.close(119, [sums(np.append(np.full(300, -1.0), 3.0))], ())
    assert judged(book, one) <= alone


def test_the_order_of_partitions_cannot_matter() -> None:
    rng = np.random.default_rng(2)
    parts = [sums(rng.normal(0.3, 0.6, 50), cohort) for cohort in (3, 5, 3, 1, 3)]
    books = [CohortBook((VOLUME,)), CohortBook((VOLUME,))]
    for book, order in zip(books, (parts, parts[::-1]), strict=True):
        book.close(59, order, ())
        book.close(119, order, ())
    assert books[0].dump() == books[1].dump()


def test_a_newcomer_is_judged_by_its_cohort_once_that_is_known() -> None:
    rng = np.random.default_rng(4)
    book = CohortBook((VOLUME,))
    flood = finding(deviation=None, spread=0.0, requests=10**6)
    assert book.judge(flood) is None
    book.close(1439, [levels(rng.normal(3.0, 1.0, 300))], ())
    assert judged(book, flood) > 6.0
    assert book.judge(finding(None, 0.0, requests=300)) is None


def test_a_book_restored_at_any_cut_judges_the_same() -> None:
    rng = np.random.default_rng(5)
    through, cut = CohortBook((VOLUME,)), CohortBook((VOLUME,))
    for tick in range(1439, 1439 + 300, 60):
        more = [sums(rng.normal(0.2, 0.5, 100)), levels(rng.normal(3.0, 1.0, 100))]
        through.close(tick, more, ())
        cut.close(tick, more, ())
        again = CohortBook((VOLUME,))
        again.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(cut.dump())))
        cut = again
        assert cut.dump() == through.dump()
        one = finding(2.9, 0.35)
        assert cut.judge(one) == through.judge(one)


def test_a_book_of_another_version_is_left_aside() -> None:
    book = CohortBook((VOLUME,))
    before = book.dump()
    for plain in ([], [99, 1], [0]):
        book.restore(plain)
    assert book.dump() == before
