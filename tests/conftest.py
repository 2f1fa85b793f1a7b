"""Options that all tests share."""

import pytest

from tests import brokers


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


def pytest_configure(config: pytest.Config) -> None:
    brokers.choose(config.getoption("--broker"))


def pytest_unconfigure() -> None:
    brokers.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if brokers.chosen() != brokers.KAFKA:
        unasked = pytest.mark.skip(reason="needs Apache Kafka: make test-kafka")
        for item in items:
            if item.get_closest_marker("kafka"):
                item.add_marker(unasked)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))
