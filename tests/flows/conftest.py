"""What the flows are given."""

from collections.abc import AsyncIterator

import pytest

from testing.harness import Office, open_office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """Behind one of the doors. That the other one carries the same is proven in test_both_doors."""
    async with open_office(door="socket") as opened:
        await opened.slack.wait_for_socket()
        yield opened
