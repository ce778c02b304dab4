"""What the flows are given."""

from collections.abc import AsyncIterator

import pytest

from tests.flows.office import DOORS, Office, open_office
from tests.flows.test_look_up import until_ready


@pytest.fixture(params=DOORS)
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(door=request.param) as opened:
        if request.param == "socket":
            await opened.slack.wait_for_socket()
        else:
            await until_ready(opened)
        yield opened
