"""What the tests of reliability are given."""

from collections.abc import AsyncIterator

import pytest

from testing.databases import KINDS
from testing.factories import SetClock
from testing.lifetimes import Works, open_works

SQLITE, POSTGRESQL = KINDS


@pytest.fixture(params=[SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """A fresh database. What the kinds have in common is proved for both in `tests/contracts` every day."""
    return str(request.getfixturevalue("sqlite_url" if request.param == SQLITE else "postgres_url"))


@pytest.fixture
async def works(url: str, set_clock: SetClock) -> AsyncIterator[Works]:
    async with open_works(url, set_clock) as opened:
        yield opened
