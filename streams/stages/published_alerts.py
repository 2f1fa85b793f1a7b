"""What of the alerts is on their topics already, so that nothing is said again after a restart."""

from __future__ import annotations

import msgspec
import structlog

from detectors.contract.alert import Alert
from detectors.interface.clock import DAY_MS, MINUTE_MS, NO_TIME
from streams.kafka.reader import read_all
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.topics.plan import PLANS

log = structlog.get_logger()

# As long as the topic of alerts keeps them: a restart knows no more.
KEEP_DAYS = next(plan.keep_days for plan in PLANS if plan.setting == "alerts_topic")


class Decided(msgspec.Struct, frozen=True):
    """By which configuration an alert was decided."""

    config_digest: str = ""


class Known(msgspec.Struct, frozen=True):
    """What of an alert record tells whether it was sent already. `as_of` in ms."""

    alert_id: str
    revision: int
    as_of: int = 0
    trace: Decided | None = None


_known = msgspec.json.Decoder(Known)


class Published:
    """Of each alert on one topic the last revision, for as long as the topic keeps it."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}  # revision, as_of
        self._shed_at = 0

    @property
    def last_tick(self) -> int:
        """The last tick of which something is there; `NO_TIME` where nothing is."""
        if not self._last:
            return NO_TIME
        return max(as_of for _, as_of in self._last.values()) // MINUTE_MS - 1

    def __len__(self) -> int:
        return len(self._last)

    def revision(self, alert_id: str) -> int:
        """The last revision of an alert; 0 where there is none."""
        return self._last.get(alert_id, (0, 0))[0]

    def add(self, alert: Alert | Known) -> None:
        """A record is on the topic, or on its way there."""
        revision, as_of = self._last.get(alert.alert_id, (0, 0))
        self._last[alert.alert_id] = max(revision, alert.revision), max(as_of, alert.as_of)

    def shed(self, now: int) -> None:
        """Forget what the topic no longer keeps at `now` (ms of event time); looks once a day."""
        if now < self._shed_at + DAY_MS:
            return
        self._shed_at = now
        oldest = now - KEEP_DAYS * DAY_MS
        self._last = {id_: last for id_, last in self._last.items() if last[1] >= oldest}


async def read_published(
    settings: Settings, metrics: Metrics, topic: str, digest: str = ""
) -> Published:
    """What is on the topic.

    Others may write there as well: what is no alert is passed over and counted. Where several
    configurations are on trial in one topic, `digest` says whose alerts count.
    """
    published = Published()
    foreign = 0
    async for record in read_all(settings, topic, None):
        try:
            alert = _known.decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            foreign += 1
            continue
        if digest and (alert.trace is None or alert.trace.config_digest != digest):
            continue
        published.add(alert)
    metrics.foreign_records.labels(topic).set(foreign)
    if foreign:
        log.warning("records that are no alerts were passed over", topic=topic, records=foreign)
    return published
