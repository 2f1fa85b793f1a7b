"""Both ways of decoding, for tests of what is the same in both."""

from __future__ import annotations

import pytest

from tests.least_event import WAYS


@pytest.fixture(params=WAYS)
def before(request: pytest.FixtureRequest) -> bytes:
    return WAYS[request.param]
