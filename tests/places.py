"""Where things lie, for tests in any room."""

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
CONTRACT = TESTS / "contract"
