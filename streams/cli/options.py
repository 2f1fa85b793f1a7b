"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same world.")]
Days = Annotated[
    float | None, typer.Option(min=0.05, max=400, help="Days of event time, if not its own.")
]
Scale = Annotated[float, typer.Option(min=0.001, max=1000, help="So many times all accounts.")]
Partitions = Annotated[
    int | None,
    typer.Option(min=1, max=1024, help="Partitions of the pipeline.  [HYDRAWATCH_PARTITIONS]"),
]
