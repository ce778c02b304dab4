"""docs/security.md names, for each threat, tests that exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]*test_\w+\.py)", TEXT)))


def test_it_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_it_names_is_there(name: str) -> None:
    assert (TESTS / name).is_file()
