"""A body to its outcome, whatever is in it: a fault of ours costs that body, never the process or a retry."""

from __future__ import annotations

import structlog

from streams.intake.convert import Converter
from streams.intake.outcome import FAILED, Outcome, Refused

log = structlog.get_logger()


def converted(converter: Converter, name: str, body: bytes, received_ms: int) -> Outcome:
    """What becomes of a body in a format. Raises nothing but where memory is out."""
    try:
        return converter.convert(name, body, received_ms=received_ms)
    except MemoryError:
        raise
    except Exception as error:
        # Its words may be the record's: the kind of the fault has to do.
        fault = type(error).__name__
        log.error("a body could not be converted: a fault of hydrawatch", format=name, fault=fault)
        return Outcome(refused=[Refused(0, FAILED, f"{fault} in the intake")])
