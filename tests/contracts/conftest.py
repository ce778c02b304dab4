"""What the contract tests are given."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.databases import postgres_database, postgres_url, sqlite_template, sqlite_url, url
from tests.contracts.postgres import postgres
from tests.contracts.stores import Stores, open_stores
from tests.world import SetClock

__all__ = ["postgres", "postgres_database", "postgres_url", "sqlite_template", "sqlite_url", "url"]


@pytest.fixture
async def stores(url: str, set_clock: SetClock) -> AsyncIterator[Stores]:
    async with open_stores(url, set_clock) as opened:
        yield opened
