"""Python imports this at its start where its folder is in PYTHONPATH: a wall clock that can jump.

The file that JUMPING_CLOCK names holds by how many seconds the clock is off; it may change.
"""

import os
import time

_file = os.environ["JUMPING_CLOCK"]
_time_ns, _monotonic = time.time_ns, time.monotonic
_seen = {"off_ns": 0.0, "read_at": 0.0}


def _jumped_ns() -> int:
    now = _monotonic()
    if now - _seen["read_at"] > 0.05:
        with open(_file) as found:
            _seen.update(off_ns=float(found.read() or 0) * 1e9, read_at=now)
    return _time_ns() + int(_seen["off_ns"])


time.time_ns = _jumped_ns
time.time = lambda: _jumped_ns() / 1e9
