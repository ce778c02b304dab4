"""What the tests of reliability are given."""

from collections.abc import AsyncIterator

import pytest

from tests.reliability.works import Works, open_works
from tests.world import SetClock


@pytest.fixture
async def works(url: str, set_clock: SetClock) -> AsyncIterator[Works]:
    async with open_works(url, set_clock) as opened:
        yield opened
