"""`rectask serve`: the bot behind both doors, from its start to an orderly end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from bot import __version__
from bot.access.audit.record import AuditLog
from bot.app import Bot, Clock, now_utc, open_bot
from bot.gatekeeping import audit_pipe, open_audit, rights_of
from bot.metrics.meters import Meters, make_meters
from bot.metrics.scraping import Scraping
from bot.notices.watching.schedule import Schedule
from bot.process import FOR_AUDIT, FOR_CLAIMS, FOR_REST, Process, Sleep
from bot.runtime.line_writer import LineWriter
from bot.settings import Settings
from bot.slack.authorization.authorizer import Gate, make_gate
from bot.slack.authorization.profile_changes import Hearsay
from bot.slack.background import Work
from bot.slack.connection.auth import greet
from bot.slack.connection.client import PATIENCE as SLACK_PATIENCE
from bot.slack.connection.client import Patience as SlackPatience
from bot.slack.connection.client import make_slack, open_session
from bot.slack.delivery.authorized_messenger import GatedMessenger
from bot.slack.delivery.dm_messenger import open_messenger
from bot.slack.home_tabs import Homes
from bot.slack.link_issuer import Linker, offer
from bot.slack.listeners.context import Desk
from bot.slack.lookup_cards import Answerer
from bot.slack_door import open_slack_door
from bot.starting import until_reached
from bot.storage.database import Database, open_database
from bot.storage.profile_changes import SqlProfileChanges
from bot.volcengine.api.transport import PATIENCE, Patience
from bot.watching import Habits, Stores, Watching, open_watching, stores_of
from bot.web import Door, open_web

log = structlog.get_logger()

LOOK_AT_TOKEN_EVERY = 60.0


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
    on_open: Callable[[], None] = lambda: None,
    log_lines: LineWriter | None = None,
) -> None:
    """Serve until `stop` is set, then finish what runs, within ten seconds. Raises TokenRefused and StoreUnusable.

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
    patience: Patience,
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
    gate = await _find_gate(process, bot, audit)
    await process.enter(_open_hearsay(process, database, gate), "profile_changes")
    desk, watching = await _open_desk(process, bot, stores_of(database), gate)
    await process.enter(open_slack_door(process, desk, door), "door", but=FOR_CLAIMS)
    await process.enter(
        process.supervisor.running("slack_token", partial(_look_at_token, desk, process.sleep)), "slack_token"
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


async def _find_gate(process: Process, bot: Bot, audit: AuditLog) -> Gate:
    """What all that comes from Slack passes, with the client for Slack in it."""
    settings = process.settings
    assert settings.slack_bot_token is not None
    session = await process.enter(open_session(), "slack")
    token = settings.slack_bot_token.get_secret_value()
    slack = make_slack(
        token=token,
        base_url=settings.slack_api_url,
        session=session,
        meter=process.meters.slack,
        patience=process.slack_patience,
        clock=process.readiness.slack_clock,
    )
    workspace = await until_reached(lambda: greet(slack), of="slack", sleep=process.sleep)
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


def _open_hearsay(process: Process, database: Database, gate: Gate) -> Hearsay:
    changes = SqlProfileChanges(database, gate.workspace.team_id)
    return Hearsay(gate.people, changes, supervisor=process.supervisor)


async def _open_desk(process: Process, bot: Bot, stores: Stores, gate: Gate) -> tuple[Desk, Watching]:
    """All that listeners work with, and the loops behind it."""
    settings, meters, deadline = process.settings, process.meters, process.deadline
    homes = await process.enter(
        Homes(
            gate.slack,
            stores.subscriptions,
            stores.upkeep,
            clock=bot.clock,
            shown=gate.shown_at_home,
            supervisor=process.supervisor,
        ),
        "homes",
    )
    habits = Habits(timedelta(seconds=settings.watch_interval), timedelta(days=settings.retention_days))
    messenger = await _open_messenger(process, bot, gate)
    watching = process.readiness.watching = await process.enter(
        open_watching(
            stores,
            bot.reader,
            messenger,
            habits=habits,
            clock=bot.clock,
            on_settled=homes.refresh,
            meter=meters.watch,
            supervisor=process.supervisor,
            drain=partial(deadline.left, but=FOR_CLAIMS),
        ),
        "watching",
        but=FOR_AUDIT,
    )
    schedule, session = Schedule(habits.interval, random.random), gate.slack.session
    assert session is not None
    work = await process.enter(Work(drain=partial(deadline.left, but=FOR_CLAIMS)), "work", but=FOR_AUDIT)
    desk = Desk(
        answerer=_answerer(bot, stores, meters),
        apps=bot.apps,
        slack=gate.slack,
        session=session,
        workspace=gate.workspace,
        health=process.readiness.health,
        work=work,
        subscriptions=stores.subscriptions,
        notices=stores.notices,
        upkeep=stores.upkeep,
        requests=stores.requests,
        homes=homes,
        gate=gate,
        linker=Linker(bot.links, gate, work),
        next_look=lambda task: schedule.at_first(task, now=bot.clock()),
        subscriptions_at_most=process.settings.subscriptions_per_person,
        meter=meters.slack,
    )
    return desk, watching


def _answerer(bot: Bot, stores: Stores, meters: Meters) -> Answerer:
    return Answerer(
        bot.reader,
        stores.subscriptions,
        recall=bot.reader.recall,
        last_known=bot.reader.last_known,
        clock=bot.clock,
        meter=meters.slack,
    )


async def _open_messenger(process: Process, bot: Bot, gate: Gate) -> GatedMessenger:
    settings = process.settings
    assert settings.slack_bot_token is not None
    messenger = await process.enter(
        open_messenger(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            health=process.readiness.health,
            clock=bot.clock,
            people=gate.people,
            offer=partial(offer, bot.links),
            patience=process.slack_patience,
            meter=process.meters.slack,
        ),
        "messenger",
    )
    return GatedMessenger(messenger, gate)


async def _look_at_token(desk: Desk, sleep: Sleep) -> None:
    """Ask now and then whether Slack still takes the token, so that /readyz tells the truth."""
    while True:
        await sleep(LOOK_AT_TOKEN_EVERY)
        await desk.look_at_token()
