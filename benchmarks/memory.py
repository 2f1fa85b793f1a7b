"""Resident memory per account and per key at a million accounts, and under an adversary's spray.

    python benchmarks/memory.py [--accounts N] [--events-per-account N] [--json FILE]

Each case runs in a process of its own that has loaded all a worker loads, with four partitions, as
one worker that owns them all. `live` feeds sparse traffic until every account has been seen;
`spray` then feeds an adversary whose every event carries a fresh account, payment instrument,
device, prefix and template, and says what that displaced. Bytes are of the process, not of the
tables alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

START_MS = 1_776_947_400_000
MIB = 2**20


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--events-per-account", type=float, default=5.0)
    parser.add_argument("--spray-events", type=int, default=2_000_000)
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--case", choices=["live", "spray"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(case(given)))
        return 0
    figures = {}
    for name in ("live", "spray"):
        command = [sys.executable, __file__, "--case", name, "--accounts", str(given.accounts)]
        command += ["--events-per-account", str(given.events_per_account)]
        command += ["--spray-events", str(given.spray_events)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        figures[name] = json.loads(done.stdout)
        show(name, figures[name])
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


def resident() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def case(given: argparse.Namespace) -> dict[str, object]:
    """Feed one case and look at memory as it grows."""
    import dataclasses

    import streams.worker.worker  # noqa: F401  (what a worker has loaded)
    from streams.worker.memory import tune_memory
    from streams.worker.warm_up import warm_up

    if warm_up():
        os.execv(sys.executable, sys.orig_argv)  # as a worker does: a compiler keeps 220 MB
    tune_memory()
    from detectors.accounts import state as st
    from detectors.config import load_config
    from detectors.engine import Engine
    from detectors.networks import state as ks
    from worlds import load

    loaded = load_config()
    budgets = loaded.config.budgets
    engine = Engine(loaded, bytes(16))
    events = int(given.accounts * given.events_per_account)
    for records in load.dense(20_000, accounts=100, start_ms=START_MS - 86_400_000):
        engine.feed(engine.decode(records.values, records.timestamps))
    base = resident()
    engine = Engine(loaded, bytes(16))
    for records in load.sparse(events, accounts=given.accounts, start_ms=START_MS):
        engine.feed(engine.decode(records.values, records.timestamps))
    after = resident()

    def total(name: int) -> int:
        return int(sum(a.state.scalars[name] for a in engine.accounts))

    accounts = total(st.ACCOUNTS) - total(st.ACCOUNT_FREE)
    singles = int(sum(k.state.counters[ks.SINGLES] for k in engine.networks))
    shared = int(sum(k.state.scalars[ks.SHARED] for k in engine.networks))
    figures: dict[str, object] = {
        "events": events,
        "accounts": accounts,
        "keys_single": singles,
        "keys_shared": shared,
        "base_mib": base / MIB,
        "resident_mib": after / MIB,
        "bytes_per_account": (after - base) / max(accounts, 1),
        "account_tables": _sum(a.bytes_by_kind() for a in engine.accounts),
        "key_tables": _sum(k.bytes_by_kind() for k in engine.networks),
        "owner": engine.owner.sizes(),
        "budgets": dataclasses.asdict(budgets),
    }
    if given.case == "spray":
        start = START_MS + int(events / (given.accounts * 25 / 86_400) * 1000)
        for records in load.spray(given.spray_events, start_ms=start):
            engine.feed(engine.decode(records.values, records.timestamps))
        figures["spray_events"] = given.spray_events
        figures["resident_after_spray_mib"] = resident() / MIB
        figures["accounts_after_spray"] = total(st.ACCOUNTS) - total(st.ACCOUNT_FREE)
        figures["evicted"] = {
            "accounts": int(sum(a.counters[st.ACCOUNTS_EVICTED] for a in engine.accounts)),
            "sightings": int(sum(a.counters[st.SIGHTING_OVERFLOW] for a in engine.accounts)),
            "single_keys": int(sum(k.state.counters[ks.SINGLES_EVICTED] for k in engine.networks)),
            "templates": int(sum(k.state.counters[ks.TEMPLATES_EVICTED] for k in engine.networks)),
        }
    return figures


def _sum(tables: object) -> dict[str, int]:
    total: dict[str, int] = {}
    for table in tables:  # type: ignore[attr-defined]
        for name, size in table.items():
            total[name] = total.get(name, 0) + size
    return total


def show(name: str, figures: dict) -> None:
    """One case, readably."""
    print(
        f"\n{name}: {figures['events']:,} events, {figures['accounts']:,} accounts, "
        f"{figures['keys_single']:,} single and {figures['keys_shared']:,} shared keys"
    )
    print(
        f"  resident {figures['resident_mib']:,.0f} MiB, of which {figures['base_mib']:,.0f} "
        f"before the first account; {figures['bytes_per_account']:,.0f} bytes per account"
    )
    for group in ("account_tables", "key_tables"):
        for table, size in figures[group].items():
            print(f"    {table:<18} {size / MIB:8,.1f} MiB")
    if "spray_events" in figures:
        print(
            f"  after {figures['spray_events']:,} sprayed events: "
            f"{figures['resident_after_spray_mib']:,.0f} MiB, "
            f"{figures['accounts_after_spray']:,} accounts; evicted {figures['evicted']}"
        )


if __name__ == "__main__":
    sys.exit(main())
