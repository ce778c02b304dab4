"""What the tests of reliability are given."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.databases import postgres_database, postgres_url, sqlite_template, sqlite_url, url
from tests.contracts.postgres import postgres
from tests.reliability.works import Works, open_works
from tests.world import SetClock

__all__ = ["postgres", "postgres_database", "postgres_url", "sqlite_template", "sqlite_url", "url"]


@pytest.fixture
async def works(url: str, set_clock: SetClock) -> AsyncIterator[Works]:
    async with open_works(url, set_clock) as opened:
        yield opened
