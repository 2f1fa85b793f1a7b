"""Options and fixtures that all tests share."""

import logging
from collections.abc import Iterator

import hypothesis
import pytest

from tests import brokers

# No test asserts a time: on a busy machine an example that takes a millisecond may take a second.
hypothesis.settings.register_profile(
    "hydrawatch", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("hydrawatch")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files with what the code does now"
    )
    parser.addoption(
        "--broker",
        choices=brokers.KINDS,
        default=brokers.EMBEDDED,
        help="what tests with a broker run against; kafka: Apache Kafka, see `make test-kafka`",
    )
    parser.addoption(
        "--short", action="store_true", help="long tests with less of the same, for a quick check"
    )


def pytest_configure(config: pytest.Config) -> None:
    brokers.choose(config.getoption("--broker"))


def pytest_unconfigure() -> None:
    brokers.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    other, reason = (
        ("embedded", "is about the embedded broker: make test")
        if brokers.chosen() == brokers.KAFKA
        else ("kafka", "needs Apache Kafka: make test-kafka")
    )
    for item in items:
        if item.get_closest_marker(other):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def short(request: pytest.FixtureRequest) -> bool:
    """Whether a long test shall do with less."""
    return bool(request.config.getoption("--short"))


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """The root logger is as it was once the test is over."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
