"""What the tests of several replicas are given."""

from collections.abc import AsyncIterator

import pytest

from testing.postgres import Postgres
from testing.redis_server import RedisServer
from testing.replica_harness import Replicas, open_replicas


@pytest.fixture(params=["http", pytest.param("socket", marks=pytest.mark.slow)])
async def replicas(
    request: pytest.FixtureRequest, postgres: Postgres, redis_server: RedisServer
) -> AsyncIterator[Replicas]:
    """Three, behind each door; that of sockets in the slow run only."""
    database_url = postgres.create("replicas")
    async with open_replicas(door=request.param, database_url=database_url, redis_url=redis_server.url) as opened:
        yield opened
