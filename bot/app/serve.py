"""`rectask serve`: the bot behind both doors, from its start to an orderly end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from bot import __version__
from bot.access.audit.record import AuditLog
from bot.app.config.settings import Settings
from bot.app.http_server import Door, open_web
from bot.app.metrics.prometheus import make_meters
from bot.app.metrics.scrape import Scraping
from bot.app.process import FOR_CLAIMS, FOR_REST, Process, Sleep
from bot.app.startup import until_reached
from bot.app.wiring.access import audit_pipe, open_audit
from bot.app.wiring.lookup import Bot, Clock, now_utc, open_bot
from bot.app.wiring.notices import Watching, stores_of
from bot.app.wiring.slack import find_gate, look_at_token, open_desk, open_hearsay, open_slack_door
from bot.runtime.line_writer import LineWriter
from bot.slack.connection.client import PATIENCE as SLACK_PATIENCE
from bot.slack.connection.client import Timeouts as SlackPatience
from bot.storage.database import Database, open_database
from bot.volcengine.api.transport import PATIENCE, Timeouts

log = structlog.get_logger()


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    timer: Callable[[], float] = time.monotonic,
    patience: Timeouts = PATIENCE,
    slack_patience: SlackPatience = SLACK_PATIENCE,
    sleep: Sleep = asyncio.sleep,
    on_port: Callable[[int], None] = lambda _port: None,
    on_open: Callable[[], None] = lambda: None,
    log_lines: LineWriter | None = None,
) -> None:
    """Serve until `stop` is set, then finish what runs, within ten seconds. Raises TokenRefused and DatabaseUnusable.

    What is not finished by then is left behind, in the database and in this loop: the process is meant to end.
    `on_port` is told the port of the HTTP server as soon as it listens, and `on_open` is called once all is open.
    Without a clock each goes by its own one: the bot by this machine's, the database by its server's. What `log_lines`
    drops is counted.
    """
    pipe = audit_pipe(settings)
    pipes = {"log": log_lines, "audit": pipe}
    meters = make_meters(version=__version__, clock=clock or now_utc, pipes=pipes)
    process = Process.of(settings, meters, slack_patience=slack_patience, sleep=sleep)
    opening = partial(_open_all, clock=clock, timer=timer, patience=patience, on_port=on_port, pipe=pipe)
    serving = asyncio.create_task(_serve(process, stop, opening, on_open), name="serve")
    try:
        await process.end(serving, stop)
    finally:
        if pipe is not None:
            pipe.close(within=FOR_REST)


async def _serve(
    process: Process,
    stop: asyncio.Event,
    opening: Callable[[Process], Awaitable[Watching]],
    on_open: Callable[[], None],
) -> None:
    async with process.stack:
        watching = await opening(process)
        on_open()
        await stop.wait()
        await watching.rest()


async def _open_all(
    process: Process,
    *,
    clock: Clock | None,
    timer: Callable[[], float],
    patience: Timeouts,
    on_port: Callable[[int], None],
    pipe: LineWriter | None,
) -> Watching:
    """All of the bot, until the process's stack is left: the server first, Slack's door last."""
    door, scraping = Door(), Scraping(process.meters.registry, timer=timer)
    bot = await process.enter(
        open_bot(
            process.settings,
            clock=clock or now_utc,
            timer=timer,
            patience=patience,
            attempts=process.meters.rtc,
            meter=process.meters.lookup,
            supervisor=process.supervisor,
        ),
        "bot",
        but=0.0,
    )
    on_port(await _open_server(process, door, scraping))
    database = await _open_database(process, bot, scraping, clock=clock)
    audit = await _open_audit(process, bot, database, pipe=pipe)
    gate = await find_gate(process, bot, audit)
    await process.enter(open_hearsay(process, database, gate), "profile_changes")
    desk, watching = await open_desk(process, bot, stores_of(database), gate)
    await process.enter(open_slack_door(process, desk, door), "door", but=FOR_CLAIMS)
    await process.enter(
        process.supervisor.running("slack_token", partial(look_at_token, desk, process.sleep)), "slack_token"
    )
    return watching


async def _open_database(process: Process, bot: Bot, scraping: Scraping, *, clock: Clock | None) -> Database:
    """The database, made ready."""
    url = process.settings.database_url.get_secret_value()
    names = {rtc_app.app_id: rtc_app.name for rtc_app in bot.apps}
    database = await process.enter(open_database(url, clock=clock, app_names=names), "database")
    process.readiness.upkeep = stores_of(database).upkeep
    await process.enter(scraping.asking(process.readiness.upkeep), "scraping")
    await until_reached(database.prepare, of="store", sleep=process.sleep)
    return database


async def _open_audit(process: Process, bot: Bot, database: Database, *, pipe: LineWriter | None) -> AuditLog:
    return await process.enter(
        open_audit(
            process.settings,
            database,
            clock=bot.clock,
            pipe=pipe,
            supervisor=process.supervisor,
            drain=partial(process.deadline.left, but=FOR_REST),
        ),
        "audit",
    )


async def _open_server(process: Process, door: Door, scraping: Scraping) -> int:
    web = open_web(
        host=process.settings.host,
        port=process.settings.port,
        door=door,
        checks=process.readiness.checks,
        warnings=process.readiness.warnings,
        scrape=scraping.scrape,
        meter=process.meters.door,
    )
    port = await process.enter(web, "http", but=0.0)
    log.info("server.opened", port=port)
    return port
