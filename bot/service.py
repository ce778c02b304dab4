"""`rectask serve`: the bot behind both doors, from its start to an orderly end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import structlog

from bot.app import open_bot
from bot.settings import Settings
from bot.slack.answer import Answerer
from bot.slack.bolt import UNREACHABLE, SocketDoor, greet, http_door, make_bolt, make_slack, prove_app_token
from bot.slack.listeners import Desk, register
from bot.slack.work import Work
from bot.slack.workspace import TokenHealth
from bot.volcengine.transport import PATIENCE, Patience
from bot.web import Door, open_web

log = structlog.get_logger()

TRY_AGAIN_AFTER = 5.0
LOOK_AT_TOKEN_EVERY = 60.0

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


@dataclass(slots=True)
class State:
    """What /readyz tells of."""

    health: TokenHealth = field(default_factory=TokenHealth)
    socket: SocketDoor | None = None
    is_serving: bool = False

    async def checks(self) -> Mapping[str, bool]:
        """Each thing that must be well for this process to serve."""
        socket = {} if self.socket is None else {"slack_socket": await self.socket.is_connected()}
        return {"serving": self.is_serving, "slack_token": self.health.is_well, **socket}


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    patience: Patience = PATIENCE,
    sleep: Sleep = asyncio.sleep,
    on_port: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve until `stop` is set, then finish what runs, within ten seconds. Raises TokenRefused.

    `on_port` is told the port of the HTTP server as soon as it listens.
    """
    state, door = State(), Door()
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(open_bot(settings, patience=patience))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        port = await stack.enter_async_context(
            open_web(host=settings.host, port=settings.port, door=door, checks=state.checks)
        )
        log.info("server.opened", port=port)
        on_port(port)
        assert settings.slack_bot_token is not None
        token = settings.slack_bot_token.get_secret_value()
        slack = make_slack(token=token, base_url=settings.slack_api_url, session=session)
        workspace = await _until_reached(lambda: greet(slack), stop=stop, sleep=sleep)
        if workspace is None:
            return
        work = await stack.enter_async_context(Work())
        answerer = Answerer(
            bot.reader, recall=bot.reader.recall, clock=bot.clock, app_names=[rtc_app.name for rtc_app in bot.apps]
        )
        desk = Desk(answerer, bot.apps, slack, session, workspace, state.health, work)
        async with _open_door(settings, desk, state, door, stop=stop, sleep=sleep), _looking_after_token(desk, sleep):
            await stop.wait()
            log.info("server.stopping")
            state.is_serving = False


@asynccontextmanager
async def _open_door(
    settings: Settings, desk: Desk, state: State, door: Door, *, stop: asyncio.Event, sleep: Sleep
) -> AsyncIterator[None]:
    """The door that the settings ask for; leaving the block lets nothing new in and waits for what is inside."""
    bolt = make_bolt(desk.slack, desk.workspace)
    register(bolt, desk)
    if settings.slack_app_token is None:
        assert settings.slack_signing_secret is not None
        door.handler = http_door(bolt, signing_secret=settings.slack_signing_secret.get_secret_value())
        state.is_serving = True
        log.info("door.opened", kind="http")
        try:
            yield
        finally:
            door.handler = None
        return
    token = settings.slack_app_token.get_secret_value()
    await _until_reached(lambda: prove_app_token(desk.slack, token), stop=stop, sleep=sleep)
    async with SocketDoor(bolt, app_token=token, slack=desk.slack) as socket:
        state.socket, state.is_serving = socket, True
        log.info("door.opened", kind="socket")
        yield


@asynccontextmanager
async def _looking_after_token(desk: Desk, sleep: Sleep) -> AsyncIterator[None]:
    """Ask now and then whether Slack still takes the token, so that /readyz tells the truth."""

    async def look() -> None:
        while True:
            await sleep(LOOK_AT_TOKEN_EVERY)
            await desk.look_at_token()

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _until_reached(attempt: Callable[[], Awaitable[T]], *, stop: asyncio.Event, sleep: Sleep) -> T | None:
    """Try until Slack can be reached; None where it is time to stop. What will never succeed is raised."""
    is_lost = False
    while not stop.is_set():
        try:
            result = await attempt()
        except UNREACHABLE as failure:
            if not is_lost:
                log.warning("slack.unreachable", error=type(failure).__name__)
            is_lost = True
            await _pause(stop, sleep)
        else:
            return result
    return None


async def _pause(stop: asyncio.Event, sleep: Sleep) -> None:
    waiting = {asyncio.ensure_future(sleep(TRY_AGAIN_AFTER)), asyncio.ensure_future(stop.wait())}
    _, unfinished = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
