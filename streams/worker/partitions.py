"""The stages that a worker runs, by partition; those of accounts and of networks apart as well.

Some things are asked of one kind of stage only: to mark a partition of requests idle, to erase an account,
how far each source has come. Who asks them is given that kind's own mapping.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from faust.types import TP

from detectors.accounts.outbox import Scratch
from detectors.config import Loaded
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stage import Stage
from streams.stages.accounts import AccountStage
from streams.stages.networks import NetworkStage
from streams.stages.owner import OwnerStage
from streams.stages.sink import Sink

AnyStage = TypeVar("AnyStage", bound=Stage)
Fill = Callable[[TP, Stage], Awaitable[None]]


class Partitions:
    """What one worker runs: `stages` are all of them. The mappings are live, whoever holds one."""

    def __init__(self, settings: Settings, loaded: Loaded, sink: Sink, metrics: Metrics) -> None:
        self.stages: dict[TP, Stage] = {}
        self.accounts: dict[TP, AccountStage] = {}
        self.networks: dict[TP, NetworkStage] = {}
        self._settings = settings
        self._loaded = loaded
        self._sink = sink
        self._metrics = metrics
        self._scratch = Scratch(loaded.config.engine.partitions)

    async def bring(self, tp: TP, fill: Fill) -> Stage:
        """Make the stage of a partition, have `fill` bring it to where it was, and run it from then on.

        Raises what `fill` raises; then the stage is closed, and nothing runs.
        """
        settings, loaded = self._settings, self._loaded
        to = self._sink, self._metrics
        if tp.topic == settings.requests_topic:
            accounts = AccountStage(settings, loaded, tp.partition, *to, self._scratch)
            self.stages[tp] = self.accounts[tp] = await _filled(tp, accounts, fill)
        elif tp.topic == settings.handover_topic:
            networks = NetworkStage(settings, loaded, tp.partition, *to)
            self.stages[tp] = self.networks[tp] = await _filled(tp, networks, fill)
        else:
            self.stages[tp] = await _filled(tp, OwnerStage(settings, loaded, *to), fill)
        return self.stages[tp]

    def end(self, tp: TP) -> None:
        """Close the stage of a partition that is not this worker's any more."""
        self.accounts.pop(tp, None)
        self.networks.pop(tp, None)
        self.stages.pop(tp).close()


async def _filled(tp: TP, stage: AnyStage, fill: Fill) -> AnyStage:
    try:
        await fill(tp, stage)
    except BaseException:
        stage.close()
        raise
    return stage
