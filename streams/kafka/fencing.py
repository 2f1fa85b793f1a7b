"""Writers of a log that only one at a time may write: their names, and what one hears that was replaced."""

from __future__ import annotations

import uuid

from detectors.errors import HydrawatchError


class ShutOutError(HydrawatchError):
    """This worker was thought dead, and another one writes this log now."""


class MadeAnewError(HydrawatchError):
    """The log was deleted and made anew, and lacks what was written before."""


def new_writer() -> str:
    """A name that nobody else has."""
    return uuid.uuid4().hex[:12]
