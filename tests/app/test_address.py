"""The address that `serve` listens on: what is told where it cannot be used, by `serve` and by `check` alike."""

import errno
import socket
from collections.abc import Iterator

import pytest
from aiohttp import web

from bot.app.address import AddressUnavailable, diagnose_address, explain
from bot.app.http_server import Door, open_web


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that another program uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def listen(host: str, port: int) -> None:
    async def nothing(*_: object) -> dict[str, bool]:
        return {}

    async def scrape(_: str) -> tuple[bytes, str]:
        return b"", "text/plain"

    async with open_web(host=host, port=port, door=Door(), checks=nothing, scrape=scrape):
        pass


async def test_a_port_in_use(taken: int) -> None:
    with pytest.raises(AddressUnavailable, match=f"RECTASK_PORT is {taken}, which another program uses already"):
        await listen("127.0.0.1", taken)
    finding = await diagnose_address(host="127.0.0.1", port=taken)
    assert not finding.is_well
    assert "another program uses" in finding.said
    assert finding.advice == f"For example: RECTASK_PORT={taken + 1}"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("192.0.2.1", "RECTASK_HOST is 192.0.2.1, which is not an address of this machine"),
        ("nowhere.invalid", "RECTASK_HOST is nowhere.invalid, a name that cannot be resolved"),
    ],
)
async def test_a_host_that_is_not_this_machine(host: str, said: str) -> None:
    with pytest.raises(AddressUnavailable) as failed:
        await listen(host, 0)
    assert str(failed.value).startswith(said)
    finding = await diagnose_address(host=host, port=3000)
    assert (finding.is_well, finding.said.startswith(said)) == (False, True)


async def test_rectask_itself_may_be_there_already() -> None:
    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    app = web.Application()
    app.router.add_get("/healthz", alive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    finding = await diagnose_address(host="127.0.0.1", port=port)
    await runner.cleanup()
    assert (finding.is_well, finding.said) == (True, f"Rectask already serves on port {port}.")
    assert (await diagnose_address(host="127.0.0.1", port=port)).said == f"Port {port} of 127.0.0.1 is free."


def test_a_port_that_needs_a_right_of_its_own() -> None:
    line = str(explain(PermissionError(errno.EACCES, "Permission denied"), host="127.0.0.1", port=80))
    assert line.startswith("RECTASK_PORT is 80, which this user may not listen on")
