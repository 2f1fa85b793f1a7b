"""Has the kernels compiled before anything depends on their answering in time.

Numba compiles a kernel at its first call and keeps it on disk: half a minute on a fresh machine, a
second or two later. A worker that did so in the middle of a chunk would miss its heartbeats.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from numba.core.event import install_recorder

from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Config
from detectors.decode.decoder import Decoder
from detectors.engine_config import BudgetConfig, EngineConfig
from detectors.errors import ConfigError
from detectors.exchange.hand_over import decode, encode, watermark_only
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS
from detectors.interface.detector import Described
from detectors.networks.partition import NetworkPartition
from detectors.registry import BUILT_IN

START_MS = 1_767_571_200_000
HOURS, ACCOUNTS = 75, 8
SMALL = BudgetConfig(
    accounts=1_000,
    minute_rows=1_000,
    dedupe_entries=1 << 10,
    sightings=1 << 10,
    single_keys=1_000,
    shared_keys=100,
    templates=1 << 10,
)


def warm_up(detectors: tuple[Described, ...] = BUILT_IN) -> bool:
    """Take a few made-up events through accounts and keys, over the wire format, in small tables.

    Returns whether anything had to be compiled, rather than loaded. Raises ConfigError where what
    was compiled cannot be kept: a worker would compile anew at each start, and hold on to a compiler.
    """
    with install_recorder("numba:compile") as compiled:
        try:
            _run_small(detectors)
        except OSError as error:
            raise ConfigError(
                f"compiled kernels cannot be written ({error}): make room there, or name a folder "
                "that can be written to in NUMBA_CACHE_DIR (14 MB)"
            ) from error
    return bool(compiled.buffer)


def _run_small(detectors: tuple[Described, ...]) -> None:
    config = Config(engine=EngineConfig(partitions=1), budgets=SMALL, detectors=detectors)
    decoder = Decoder(b"warm-up warm-up ", config.engine.future_minutes * MINUTE_MS)
    accounts, keys = AccountPartition(config, 0), NetworkPartition(config, 0)
    values = list(_events())
    for at in range(0, len(values), 100):
        _hand_over(accounts.ingest(decoder.decode(values[at : at + 100])), keys)
        keys.receive(decode(next(iter(encode(watermark_only(0, accounts.closed))))))
        keys.advance()
    _hand_over(accounts.drain(), keys)
    keys.receive(decode(next(iter(encode(watermark_only(0, accounts.closed))))))
    keys.advance()


def _hand_over(closed: list[ClosedTick], keys: NetworkPartition) -> None:
    # As bytes: arrays read from a record are read-only, which is another type to the compiler.
    for tick in closed:
        for hand_over in tick.hand_overs.values():
            for record in encode(hand_over):
                keys.receive(decode(record))


def _events() -> Iterator[bytes]:
    for hour in range(HOURS):
        for account in range(ACCOUNTS):
            event = {
                "event_id": f"w-{hour}-{account}",
                "event_time": START_MS + hour * HOUR_MS + account * 1_000,
                "account_id": f"w-{account}",
                "account_created_at": START_MS - DAY_MS,
                "org_id": f"o-{account // 4}",
                "payment_fp": f"p-{account // 4}",
                "device_fp": f"d-{account}",
                "ip_prefix_fp": f"n-{account % 2}",
                "ip_class": "residential",
                "asn": 64_500,
                "tls_fp": "t",
                "client_fp": "c",
                "system_fp": "s",
                "signup_path": "self",
                "model": "m",
                "capability": "coding",
                "template_fp": f"{0xABCD_0000_0000_0000 + (1 << hour % 4):016x}",
                "prompt_fp": f"x-{hour}-{account}",
                "session_id": f"s-{hour}",
                "lang": "en",
                "status": 200,
                "cost_usd": 0.01,
                "input_tokens": 10,
                "output_tokens": 10,
            }
            yield orjson.dumps(event)
            if not hour and not account:
                yield orjson.dumps(event | {"model": "schr\u00e4g\n"})  # the decoder's slow way
