"""Commands reach what answers them, and the acknowledgement goes back the moment it is given."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from slack_bolt.async_app import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from structlog.typing import EventDict

from bot.slack.background import BackgroundTasks
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.command_middleware import Commands
from bot.slack.connection.workspace import Workspace
from bot.slack.request.payload import Body
from testing.clock import run_in_virtual_time

COMMAND = "command=%2Frectask&text=help&team_id=T1&user_id=U1"
FORM: dict[str, str | Sequence[str]] = {"content-type": "application/x-www-form-urlencoded"}
WORKSPACE = Workspace(team_id="T1", enterprise_id=None, bot_user_id="UB", bot_id="B1")


async def answer_of(listen: Callable[[AsyncAck, Body], Awaitable[None]], body: str = COMMAND) -> BoltResponse:
    bolt = make_bolt(AsyncWebClient(token="xoxb-1"), WORKSPACE)
    bolt.use(Commands(listen))
    return await bolt.async_dispatch(AsyncBoltRequest(body=body, headers=FORM))


def test_the_answer_does_not_wait_for_what_goes_on_after_it() -> None:
    went_on = asyncio.Event()

    async def listen(ack: AsyncAck, body: Body) -> None:
        await asyncio.sleep(1.5)
        await ack(body["text"])
        await asyncio.sleep(5)
        went_on.set()

    async def play() -> None:
        begun = asyncio.get_running_loop().time()
        answer = await answer_of(listen)
        assert (answer.status, answer.body) == (200, "help")
        assert asyncio.get_running_loop().time() - begun == 1.5
        await asyncio.wait_for(went_on.wait(), 6)

    run_in_virtual_time(play())


def test_what_goes_on_after_the_answer_is_finished_before_the_end() -> None:
    went_on = list[str]()

    async def play() -> None:
        async with BackgroundTasks() as work:

            async def listen(ack: AsyncAck, _body: Body) -> None:
                with work.holding():
                    await ack()
                    await asyncio.sleep(5)
                    went_on.append("posted")

            assert (await answer_of(listen)).status == 200
            assert went_on == []
        assert went_on == ["posted"]

    run_in_virtual_time(play())


def test_what_goes_on_for_too_long_after_the_answer_is_abandoned_and_said(logged: list[EventDict]) -> None:
    async def play() -> None:
        async with BackgroundTasks() as work:

            async def listen(ack: AsyncAck, _body: Body) -> None:
                with work.holding():
                    await ack()
                    await asyncio.sleep(1000)

            assert (await answer_of(listen)).status == 200
        assert asyncio.get_running_loop().time() == 10

    run_in_virtual_time(play())
    assert [(entry["event"], entry["tasks"]) for entry in logged] == [("work.abandoned", 1)]


async def test_a_response_that_is_put_in_is_the_answer() -> None:
    async def listen(ack: AsyncAck, _body: Body) -> None:
        ack.response = BoltResponse(status=200, body='{"text": "ready"}')

    assert (await answer_of(listen)).body == '{"text": "ready"}'


async def test_what_fails_before_it_acknowledges_is_no_success() -> None:
    async def listen(_ack: AsyncAck, _body: Body) -> None:
        raise ValueError

    assert (await answer_of(listen)).status == 500


async def test_what_ends_without_acknowledging_is_no_success() -> None:
    async def listen(_ack: AsyncAck, _body: Body) -> None:
        pass

    assert (await answer_of(listen)).status == 404


async def test_what_is_no_command_goes_on() -> None:
    heard = list[Body]()

    async def listen(ack: AsyncAck, body: Body) -> None:
        heard.append(body)
        await ack()

    assert (await answer_of(listen, body="payload=%7B%22type%22%3A%22block_actions%22%7D")).status == 404
    assert heard == []
