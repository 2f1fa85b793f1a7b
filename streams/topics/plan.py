"""The topics as they should be: what each is for, its partitions, how long it keeps, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detectors.interface.clock import DAY_MS
from streams.settings.settings import Settings

MIB = 1024 * 1024
# From this many replicas on one may be lost without losing an acknowledged record.
SAFE_REPLICATION = 3
# Their writers' clocks mean something: an event from the future is judged by its record's time.
WRITTEN_BY_OTHERS = ("requests_topic", "control_topic", "accounts_topic")


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One topic: the setting that names it, its partitions, its retention, and the reasons.

    `spread` says whether its partitions are the pipeline's number P: one per account or key
    partition, one per stage (2P + 1), or a single one where one owner decides in one order.
    """

    setting: str
    role: str
    spread: Literal["P", "stages", "one", "free"]
    keep_days: int  # 0: until it is deleted by its writer
    why: str
    max_message_bytes: int = MIB + 12  # Kafka's default, stated so that a broker's cannot differ
    compacted: bool = (
        False  # the newest record of each key is what it says; no worker reads such a one
    )

    def name(self, settings: Settings) -> str:
        """The topic's name in these settings."""
        return str(getattr(settings, self.setting))

    def config(self, replication: int) -> dict[str, str]:
        """Topic configuration at creation, in Kafka's names and units."""
        config = {
            # What workers read, by time and never compacted: compaction by account or alert would
            # delete history that windows, replays and appeals need.
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.keep_days * DAY_MS or -1),
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.setting not in WRITTEN_BY_OTHERS:
            # A worker's clock that jumps must not matter: a broker refuses records of the future,
            # and deletes those of the past.
            config["message.timestamp.type"] = "LogAppendTime"
        if replication >= SAFE_REPLICATION:
            # acks=all then means two copies, and one broker may be down.
            config["min.insync.replicas"] = "2"
        if not self.keep_days and not self.compacted:
            # What is deleted goes from the disk by whole segments.
            config["segment.bytes"] = str(64 * MIB)
        return config


PLANS: tuple[TopicPlan, ...] = (
    TopicPlan(
        "requests_topic",
        "request events of the gateways, key = account_id",
        "P",
        7,
        "a worker that stood still over a long weekend catches up, and a week can be replayed",
    ),
    TopicPlan(
        "handover_topic",
        "internal: closed ticks of each account partition for the network partitions",
        "P",
        7,
        "as long as the requests, so that both can be read again from the same point",
    ),
    TopicPlan(
        "evidence_topic",
        "internal: evidence of all partitions for the campaign owner",
        "one",
        7,
        "as long as the requests; one partition, because campaigns have one owner",
    ),
    TopicPlan(
        "marks_topic",
        "internal: decisions of the wall clock, written down before they are used",
        "P",
        30,
        "a few bytes a tick, and a re-read of any requests still kept must find its marks",
    ),
    TopicPlan(
        "state_topic",
        "internal: what the stages have kept of the past, page by page",
        "stages",
        0,
        "its writers delete what newer pages have replaced; retention by time would delete the pages "
        "of whoever was quiet",
    ),
    TopicPlan(
        "alerts_topic",
        "alerts for the enforcement service, key = alert_id",
        "free",
        90,
        "an appeal can be answered for a quarter; live advice is renewed long before that",
    ),
    TopicPlan(
        "shadow_topic",
        "alerts of a configuration on trial; nobody acts on them",
        "free",
        30,
        "a month of trial is compared, then it has served",
    ),
    TopicPlan(
        "control_topic",
        "what the platform tells the detector: releases, allowances, verdicts",
        "one",
        365,
        "an allowance may hold for a year and must be found; one partition keeps their order",
    ),
    TopicPlan(
        "dead_letters_topic",
        "records that could not be read, unchanged, with the reason in headers",
        "P",
        3,
        "may hold what the contract forbids (raw identifiers): kept briefly, and to be readable "
        "by fewer people than the requests; write for the worker, read for on-call only",
        # The original at its largest, and the headers on top.
        max_message_bytes=2 * MIB,
    ),
    TopicPlan(
        "accounts_topic",
        "what the platform knows of accounts, for the intake, key = account_id",
        "free",
        0,
        "the newest record of an account says all there is to say of it; one without value forgets it",
        compacted=True,
    ),
)
# What a worker cannot do without. The directory of accounts is the intake's alone: a worker has no right
# to it, and who sends events of his own needs none.
OF_WORKERS = tuple(plan for plan in PLANS if not plan.compacted)


def pipeline_of(plan: TopicPlan, found: int) -> int | None:
    """Of how many partitions a pipeline is whose topic has so many; None where no number fits."""
    if plan.spread == "P":
        return found
    if plan.spread == "stages" and found >= 3 and found % 2:
        return found // 2
    return None


def partitions_of(plan: TopicPlan, partitions: int, alert_partitions: int = 1) -> int:
    """How many partitions a topic gets when the pipeline has `partitions`."""
    return {"P": partitions, "stages": 2 * partitions + 1, "one": 1, "free": alert_partitions}[
        plan.spread
    ]
