"""`rectask serve`: the bot behind both doors, from its start to an orderly end."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TypeVar

import aiohttp
import structlog

from bot import __version__
from bot.access.audit import AuditLog
from bot.app import Bot, Clock, now_utc, open_bot
from bot.gatekeeping import open_audit, rights_of
from bot.metrics.meters import Meters, make_meters
from bot.metrics.scraping import Scraping
from bot.readiness import Readiness
from bot.settings import Settings
from bot.slack.answer import Answerer
from bot.slack.bolt import (
    UNREACHABLE,
    SocketDoor,
    greet,
    http_door,
    make_bolt,
    make_slack,
    open_session,
    prove_app_token,
)
from bot.slack.desk import Desk
from bot.slack.gate import Gate, make_gate
from bot.slack.gated import GatedMessenger
from bot.slack.homes import Homes
from bot.slack.linker import Linker, offer
from bot.slack.listeners import register
from bot.slack.metered import PATIENCE as SLACK_PATIENCE
from bot.slack.metered import Patience as SlackPatience
from bot.slack.notices import open_messenger
from bot.slack.work import Work
from bot.storage.database import open_database
from bot.subscriptions.store import StoreUnavailable, StoreUnusable
from bot.volcengine.transport import PATIENCE, Patience
from bot.watcher.schedule import Schedule
from bot.watching import Habits, Stores, open_watching, stores_of
from bot.web import Door, open_web

log = structlog.get_logger()

TRY_AGAIN_AFTER = 5.0
LOOK_AT_TOKEN_EVERY = 60.0

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    timer: Callable[[], float] = time.monotonic,
    patience: Patience = PATIENCE,
    slack_patience: SlackPatience = SLACK_PATIENCE,
    sleep: Sleep = asyncio.sleep,
    on_port: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve until `stop` is set, then finish what runs, within ten seconds. Raises TokenRefused and StoreUnusable.

    `on_port` is told the port of the HTTP server as soon as it listens. Without a clock each goes by its own one: the
    bot by this machine's, the database by its server's.
    """
    readiness, door, tries = Readiness(), Door(), Tries(stop, sleep)
    meters = make_meters(version=__version__, clock=clock or now_utc)
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(
            open_bot(
                settings,
                clock=clock or now_utc,
                timer=timer,
                patience=patience,
                attempts=meters.rtc,
                meter=meters.lookup,
            )
        )
        scraping = Scraping(meters.registry, timer=timer)
        on_port(await _open_server(stack, settings, door, readiness, scraping, meters))
        names = {rtc_app.app_id: rtc_app.name for rtc_app in bot.apps}
        database = await stack.enter_async_context(
            open_database(settings.database_url.get_secret_value(), clock=clock, app_names=names)
        )
        stores = stores_of(database)
        readiness.upkeep = stores.upkeep
        await stack.enter_async_context(scraping.asking(stores.upkeep))
        await tries.until_reached(database.prepare, of="store")
        audit = await stack.enter_async_context(open_audit(settings, database, clock=bot.clock))
        gate = await _find_gate(stack, settings, bot, audit, tries, meters=meters, patience=slack_patience)
        if gate is None:
            return
        desk = await _open_desk(stack, settings, bot, stores, gate, readiness, meters=meters, patience=slack_patience)
        async with _open_door(settings, desk, readiness, door, tries), _looking_after_token(desk, sleep):
            await stop.wait()
            log.info("server.stopping")
            readiness.is_serving = False


async def _open_server(
    stack: AsyncExitStack, settings: Settings, door: Door, readiness: Readiness, scraping: Scraping, meters: Meters
) -> int:
    web = open_web(
        host=settings.host,
        port=settings.port,
        door=door,
        checks=readiness.checks,
        scrape=scraping.scrape,
        meter=meters.door,
    )
    port = await stack.enter_async_context(web)
    log.info("server.opened", port=port)
    return port


async def _find_gate(
    stack: AsyncExitStack,
    settings: Settings,
    bot: Bot,
    audit: AuditLog,
    tries: "Tries",
    *,
    meters: Meters,
    patience: SlackPatience,
) -> Gate | None:
    """What all that comes from Slack passes, with the client for Slack in it; None where it is time to stop."""
    assert settings.slack_bot_token is not None
    session = await stack.enter_async_context(open_session())
    token = settings.slack_bot_token.get_secret_value()
    slack = make_slack(
        token=token, base_url=settings.slack_api_url, session=session, meter=meters.slack, patience=patience
    )
    workspace = await tries.until_reached(lambda: greet(slack), of="slack")
    if workspace is None:
        return None
    return make_gate(
        slack,
        workspace,
        rights=rights_of(settings),
        per_minute=settings.lookups_per_minute,
        audit=audit,
        clock=bot.clock,
        ask=settings.file.ask,
        apps=bot.apps,
    )


async def _open_desk(
    stack: AsyncExitStack,
    settings: Settings,
    bot: Bot,
    stores: Stores,
    gate: Gate,
    readiness: Readiness,
    *,
    meters: Meters,
    patience: SlackPatience,
) -> Desk:
    """All that listeners work with, and the loops behind it."""
    homes = await stack.enter_async_context(
        Homes(gate.slack, stores.subscriptions, stores.upkeep, clock=bot.clock, shown=gate.shown_at_home)
    )
    habits = Habits(timedelta(seconds=settings.watch_interval), timedelta(days=settings.retention_days))
    messenger = await _open_messenger(stack, settings, bot, gate, readiness, meters=meters, patience=patience)
    readiness.watching = await stack.enter_async_context(
        open_watching(
            stores,
            bot.reader,
            messenger,
            habits=habits,
            clock=bot.clock,
            on_settled=homes.refresh,
            meter=meters.watch,
        )
    )
    schedule, session = Schedule(habits.interval, random.random), gate.slack.session
    assert session is not None
    work = await stack.enter_async_context(Work())
    return Desk(
        answerer=_answerer(bot, stores, meters),
        apps=bot.apps,
        slack=gate.slack,
        session=session,
        workspace=gate.workspace,
        health=readiness.health,
        work=work,
        subscriptions=stores.subscriptions,
        notices=stores.notices,
        upkeep=stores.upkeep,
        requests=stores.requests,
        homes=homes,
        gate=gate,
        linker=Linker(bot.links, gate, work),
        next_look=lambda task: schedule.at_first(task, now=bot.clock()),
        meter=meters.slack,
    )


def _answerer(bot: Bot, stores: Stores, meters: Meters) -> Answerer:
    return Answerer(
        bot.reader,
        stores.subscriptions,
        recall=bot.reader.recall,
        clock=bot.clock,
        apps=bot.apps,
        meter=meters.slack,
    )


async def _open_messenger(
    stack: AsyncExitStack,
    settings: Settings,
    bot: Bot,
    gate: Gate,
    readiness: Readiness,
    *,
    meters: Meters,
    patience: SlackPatience,
) -> GatedMessenger:
    assert settings.slack_bot_token is not None
    messenger = await stack.enter_async_context(
        open_messenger(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            health=readiness.health,
            clock=bot.clock,
            people=gate.people,
            offer=partial(offer, bot.links),
            patience=patience,
            meter=meters.slack,
        )
    )
    return GatedMessenger(messenger, gate)


@asynccontextmanager
async def _open_door(
    settings: Settings, desk: Desk, readiness: Readiness, door: Door, tries: "Tries"
) -> AsyncIterator[None]:
    """The door that the settings ask for; leaving the block lets nothing new in and waits for what is inside."""
    bolt = make_bolt(desk.slack, desk.workspace)
    register(bolt, desk)
    if settings.slack_app_token is None:
        assert settings.slack_signing_secret is not None
        secret = settings.slack_signing_secret.get_secret_value()
        door.handler = http_door(bolt, signing_secret=secret, meter=desk.meter)
        readiness.is_serving = True
        log.info("door.opened", kind="http")
        try:
            yield
        finally:
            await door.close()
        return
    token = settings.slack_app_token.get_secret_value()
    await tries.until_reached(lambda: prove_app_token(desk.slack, token), of="slack")
    async with SocketDoor(bolt, app_token=token, slack=desk.slack, work=desk.work, meter=desk.meter) as socket:
        readiness.socket, readiness.is_serving = socket, True
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


class Tries:
    """Patience at the start: what is out of reach is tried again until it is time to stop."""

    def __init__(self, stop: asyncio.Event, sleep: Sleep) -> None:
        self._stop = stop
        self._sleep = sleep

    async def until_reached(self, attempt: Callable[[], Awaitable[T]], *, of: str) -> T | None:
        """None where it is time to stop. What will never succeed is raised."""
        is_lost = False
        while not self._stop.is_set():
            try:
                return await attempt()
            except StoreUnusable:
                raise
            except (*UNREACHABLE, StoreUnavailable) as failure:
                if not is_lost:
                    log.warning("start.delayed", of=of, error=_in_words(failure))
                is_lost = True
                await self._pause()
        return None

    async def _pause(self) -> None:
        waiting = {asyncio.ensure_future(self._sleep(TRY_AGAIN_AFTER)), asyncio.ensure_future(self._stop.wait())}
        _, unfinished = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)


def _in_words(failure: BaseException) -> str:
    """The store's words are for people; what others say may hold addresses and more."""
    if isinstance(failure, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {failure.status} {failure.message}"
    return str(failure) if isinstance(failure, StoreUnavailable) else type(failure).__name__
