"""What is said of a file that cannot be read."""

from __future__ import annotations

from detectors.errors import HydrawatchError


class EventFileError(HydrawatchError):
    """A file of events cannot be read; the message names it and the mend."""
