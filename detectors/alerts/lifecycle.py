"""When an alert opens, rises, is renewed, steps down and ends: one decision per subject and tick.

Rising is immediate, falling is slow. While the evidence falls short of what the alert advises, the
alert is *held*: it keeps the content that justified it, until hysteresis has passed. An action is
renewed before its time to live is over. An alert whose evidence went stale is resolved; one whose
evidence an allowance took away is retracted at once. Either way the next evidence opens a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from detectors.contract.alert import OBSERVE, THROTTLE, Alert, Role, State
from detectors.interface.clock import HOUR_TICKS
from detectors.interface.family import Family
from detectors.interface.tunable import tunable

_NEVER = -1
_TICK_S = 60


class Standing(msgspec.Struct, frozen=True):
    """How a subject stands at a tick. `withdrawn`: an allowance covers some of its evidence."""

    score: float
    action: int
    severity: int
    families: tuple[Family, ...] = ()
    campaign: str | None = None
    role: Role | None = None
    size: int = 0
    withdrawn: bool = False


class LiveAlert(msgspec.Struct):
    """A standing alert: its last revision, and since when its evidence falls short.

    `last` is what was sent; ticks are -1 where they do not apply.
    """

    last: Alert
    opened: int
    sent: int
    action: int
    severity: int
    size: int = 0
    quiet_since: int = _NEVER
    lower_since: int = _NEVER
    due: int = _NEVER
    capped: bool = False  # the evidence allows more than the hour's budget of advice did


class Decision(msgspec.Struct, frozen=True):
    """What happens to an alert at a tick.

    `state` None: nothing is sent. `held`: send the content that was sent before, with `action` and
    `severity` as given here.
    """

    state: State | None = None
    action: int = OBSERVE
    severity: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Section [alerts]: thresholds and times of the alert life-cycle, and what the owner may keep."""

    IN_ORDER: ClassVar = (("close_nats", "open_nats"),)

    open_nats: float = tunable(
        -2.0, "observing is cheap: a bit less likely than not is worth a look", low=-60, high=200
    )
    close_nats: float = tunable(
        -6.0, "below the opening, so that an alert at the edge does not flap", low=-100, high=200
    )
    network_open_nats: float = tunable(
        4.0, "a network names nobody, but a weak one is still noise", low=-60, high=200
    )
    action_ttl_s: int = tunable(
        86_400, "advice that nobody renews lapses within a day", low=3_600, high=30 * 86_400
    )
    renew_share: float = tunable(
        0.75, "renewed with a quarter left, time enough for a restart", low=0.1, high=0.95
    )
    update_hours: float = tunable(
        6.0, "people read updates: at most four a day unless something rises", low=0, high=720
    )
    step_down_hours: float = tunable(
        12.0, "an attacker who pauses for the night is not let go", low=0, high=720
    )
    resolve_hours: float = tunable(
        24.0, "stale evidence is looked at for one more day", low=0, high=2400
    )
    advice_budget_per_hour: int = tunable(
        500, "new advice above observe per hour; more is rather our mistake", low=0, high=10_000_000
    )
    advice_budget_share: float = tunable(
        0.01, "or this share of the known accounts, where that is more", low=0, high=1
    )
    live_budget: int = tunable(
        100_000, "standing alerts kept, about 4 kB each; no more open then", low=10, high=5_000_000
    )
    name_budget: int = tunable(
        2_000_000, "accounts whose id is known, about 60 bytes each", low=1_000, high=50_000_000
    )
    control_retention_days: int = tunable(
        400, "ended allowances and verdicts stay answerable for a year", low=1, high=4000
    )

    def decide(
        self,
        live: LiveAlert | None,
        now: Standing,
        tick: int,
        *,
        opens_at: float,
        follows: bool = False,
    ) -> Decision:
        """Decide on one subject; updates since when `live` falls short, nothing else of it.

        `follows`: the action is that of other alerts (a network's members), which have their own
        hysteresis; it falls with them at once.
        """
        if live is None:
            if now.score >= opens_at and now.families:
                return Decision("open", now.action, now.severity)
            return Decision()
        if now.withdrawn and (now.score < opens_at or not now.families):
            return Decision("retracted")
        quiet = not now.families or now.score < self.close_nats
        if not quiet:
            live.quiet_since = _NEVER
        elif live.quiet_since == _NEVER:
            live.quiet_since = tick
        wanted = OBSERVE if quiet and not follows else now.action
        if wanted >= live.action and not quiet:
            live.lower_since = _NEVER
        elif live.lower_since == _NEVER:
            live.lower_since = tick
        patience = 0 if now.withdrawn or follows else _ticks(self.step_down_hours)
        return self._move(live, now, tick, quiet=quiet, wanted=wanted, patience=patience)

    def _move(
        self, live: LiveAlert, now: Standing, tick: int, *, quiet: bool, wanted: int, patience: int
    ) -> Decision:
        if quiet and tick >= live.quiet_since + _ticks(self.resolve_hours):
            return Decision("resolved")
        lower = wanted < live.action
        severity = max(live.severity, now.severity)
        if not quiet and not lower and (wanted > live.action or now.severity > live.severity):
            return Decision("escalated", wanted, severity)
        if lower and tick >= live.lower_since + patience:
            least = min(live.severity, 1) if quiet else now.severity
            return Decision("updated", wanted, least, held=quiet)
        moved = not quiet and now.campaign != live.last.campaign_id
        renew = live.action >= THROTTLE and tick >= live.sent + self.renew_ticks
        if (
            moved
            or renew
            or (
                self._material(live, now, quiet=quiet or lower)
                and tick >= live.sent + _ticks(self.update_hours)
            )
        ):
            return Decision("updated", live.action, severity, held=quiet or lower)
        return Decision()

    def _material(self, live: LiveAlert, now: Standing, *, quiet: bool) -> bool:
        """Whether a reader would want to know; never while the alert is held."""
        if quiet:
            return False
        families = now.families != live.last.families
        role = (now.role or None) != (live.last.role or None)
        return families or role or now.size >= 2 * max(live.size, 1)

    def next_due(self, live: LiveAlert, now: Standing, tick: int) -> int:
        """The tick after `tick` in which an alert must be looked at even if nothing comes; or -1."""
        due = []
        quiet = live.quiet_since != _NEVER
        if quiet:
            due.append(live.quiet_since + _ticks(self.resolve_hours))
        if live.action >= THROTTLE:
            due.append(live.sent + self.renew_ticks)
            if live.lower_since != _NEVER:
                due.append(live.lower_since + _ticks(self.step_down_hours))
        if self._material(live, now, quiet=quiet or now.action < live.action):
            due.append(live.sent + _ticks(self.update_hours))
        later = [t for t in due if t > tick]
        return min(later) if later else _NEVER

    @property
    def renew_ticks(self) -> int:
        """Ticks after which an action is renewed."""
        return max(1, int(self.action_ttl_s * self.renew_share / _TICK_S))


def _ticks(hours: float) -> int:
    return round(hours * HOUR_TICKS)
