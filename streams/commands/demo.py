"""`hydrawatch demo`: a broker, a worker and a simulated world on this machine, live, then a summary.

Nothing in the outcome is arranged: alerts are read from the alert topic, counts from the worker's
metrics page and the dead-letter topic, and both are held against what the world knows about itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from detectors.errors import ConfigError, HydrawatchError
from streams.demo.gateway import DemoIntake, GatewayTraffic
from streams.demo.status import Status
from streams.demo.traffic import Traffic
from streams.demo.view import View
from streams.demo.worker import DemoWorker, environment, local_settings
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.reader import reader
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from worlds.composition import CompositionError, of_allowed_size
from worlds.presets import PRESETS, preset
from worlds.score import score
from worlds.scoring.who import who
from worlds.spec import WorldSpec
from worlds.world import World

LOOK_S = 0.5  # between two looks at the metrics page
REST_S = 3.0  # without any work done: the worker has said all it has to say
BUSY_SHARE = 0.5  # of a core
GRAVE = ("verify", "restrict", "suspend")
STUCK_S = 120.0  # a worker that reads nothing for so long will not go on


def run(
    settings: Settings,
    stay: bool,
    name: str,
    days: float | None,
    scale: float,
    seed: int,
    gateway: bool = False,
) -> int:
    """Run the demo; 0 if an attacker was found, 1 if not. Raises HydrawatchError if a child died.

    `gateway`: the world is told as LiteLLM's records to an intake; 0 wants an alert that advises `verify` or
    more then.
    """
    if name not in PRESETS:
        raise ConfigError(f"--preset is {name!r}; it takes {', '.join(PRESETS)}")
    try:
        spec = of_allowed_size(preset(name, days=days, scale=scale), {"scale": scale})
    except CompositionError as error:
        raise ConfigError(str(error)) from error
    view = View()
    with tempfile.TemporaryDirectory(prefix="hydrawatch-demo-") as directory, view:
        demo = _Demo(settings, Path(directory), view, stay, gateway)
        try:
            return asyncio.run(demo.run(spec, seed))
        except asyncio.CancelledError:  # by SIGTERM; everything has been stopped
            raise KeyboardInterrupt from None


class _Demo:
    def __init__(
        self, settings: Settings, directory: Path, view: View, stay: bool, gateway: bool
    ) -> None:
        self._given = settings
        self._directory = directory
        self._view = view
        self._stay = stay
        self._gateway = gateway
        self._alerts: list[dict[str, Any]] = []
        self._dead_letters = 0

    async def run(self, spec: WorldSpec, seed: int) -> int:
        """Set up, stream, show, sum up; whatever happens, no process stays behind."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        view = self._view
        broker = EmbeddedBroker()
        try:
            view.step("starting the broker")
            await asyncio.to_thread(broker.start)
            settings = local_settings(
                self._given, broker.address, self._directory, known_port=self._stay
            )
            await asyncio.to_thread(create_topics, settings)
            await self._warm_up(settings)
            view.step(
                f"planning {spec.days:g} days of {spec.accounts:,} ordinary accounts and others"
            )
            world = World(spec, seed, time.time_ns() // 1_000_000)
            await asyncio.to_thread(lambda: world.events)
            worker = DemoWorker(settings, self._directory)
            intake = DemoIntake(settings, self._directory) if self._gateway else None
            try:
                if intake is not None:
                    view.step("starting the intake, with a directory of the accounts")
                    await asyncio.to_thread(intake.start, world)
                traffic = Traffic(world) if intake is None else GatewayTraffic(world, intake=intake)
                return await self._stream(settings, worker, traffic)
            finally:
                worker.stop()
                if intake is not None:
                    intake.stop()
        finally:
            broker.stop()

    async def _warm_up(self, settings: Settings) -> None:
        """Let a child compile the kernels: the worker then finds them on disk."""
        self._view.step("loading the kernels; the first time they are compiled: up to a minute")
        child = await asyncio.create_subprocess_exec(
            *[sys.executable, "-c", "from streams.worker.warm_up import warm_up; warm_up()"],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            _, said = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            await child.wait()
            raise
        if child.returncode:
            raise HydrawatchError(f"the warm-up failed: {said.decode(errors='replace')[-2000:]}")

    async def _stream(
        self, settings: Settings, worker: DemoWorker, traffic: Traffic | GatewayTraffic
    ) -> int:
        self._view.step("starting a worker; it joins its group in a few seconds")
        worker.start()
        while not await asyncio.to_thread(worker.ready):
            worker.check()
            await asyncio.sleep(LOOK_S)
        tails = [
            asyncio.create_task(self._follow_alerts(settings)),
            asyncio.create_task(self._follow_dead_letters(settings)),
        ]
        sender = asyncio.create_task(asyncio.to_thread(traffic.send, settings))
        try:
            status = await self._watch(worker, traffic, [*tails, sender])
            truth = await asyncio.to_thread(traffic.world.truth)
            alerts = self._alerts
            if isinstance(traffic, GatewayTraffic):
                alerts = traffic.named(alerts)
            result = score(truth, traffic.seen.of(who(truth).of), alerts)
            self._view.summary(status, result, traffic.malformed)
            found = bool(result.found)
            if self._gateway:
                first = next((a for a in self._alerts if a.get("action") in GRAVE), None)
                self._view.ends_in(first)
                found = first is not None
            if self._stay:
                await self._until_interrupted(settings, worker)
            return 0 if found else 1
        finally:
            traffic.stopped.set()
            for tail in tails:
                tail.cancel()
            await asyncio.gather(sender, *tails, return_exceptions=True)

    async def _watch(
        self,
        worker: DemoWorker,
        traffic: Traffic | GatewayTraffic,
        tasks: list[asyncio.Task[None]],
    ) -> Status:
        """Show what happens until all is sent, read and said. Raises what a task failed with."""
        status = Status(total=traffic.total, alerts=self._alerts)
        started = changed = looked = time.monotonic()
        done: tuple[object, ...] = ()
        cpu_s = 0.0
        while True:
            worker.check()
            for task in tasks:
                if task.done() and (error := task.exception()) is not None:
                    raise error
            reading = await asyncio.to_thread(worker.reading)
            now = time.monotonic()
            if reading is not None:
                traffic.read = reading.read
                status.look(reading, traffic.sent, self._dead_letters, now - started)
                work = (reading.read, reading.work, len(self._alerts), self._dead_letters)
                # One that computes without finishing a chunk is not at rest either.
                busy = reading.cpu_s - cpu_s > BUSY_SHARE * (now - looked)
                cpu_s, looked = reading.cpu_s, now
                if work != done or busy:
                    done, changed = work, now
                all_read = traffic.done and reading.read >= traffic.sent and not reading.waiting
                if all_read and now - changed > REST_S:
                    return status
            if now - changed > STUCK_S:
                raise HydrawatchError(
                    f"the worker has read {status.reading.read:,} of {traffic.sent:,} records and "
                    f"nothing for {STUCK_S:.0f} s"
                )
            self._view.show(status)
            await asyncio.sleep(LOOK_S)

    async def _follow_alerts(self, settings: Settings) -> None:
        async with reader(settings, settings.alerts_topic, None) as consumer:
            async for record in consumer:
                self._alerts.append(orjson.loads(record.value))

    async def _follow_dead_letters(self, settings: Settings) -> None:
        async with reader(settings, settings.dead_letters_topic, None) as consumer:
            async for _ in consumer:
                self._dead_letters += 1

    async def _until_interrupted(self, settings: Settings, worker: DemoWorker) -> None:
        self._view.staying(settings.broker, worker.url)
        # Ctrl-C is how a demo that stays is meant to end: no error, and the summary's exit code.
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                worker.check()
                await asyncio.sleep(LOOK_S)
