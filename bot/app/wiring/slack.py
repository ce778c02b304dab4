"""Composes Slack's side: client, authorization, listeners, messenger and entry point."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from bot.access.audit.record import AuditLog
from bot.app.http_server import Door
from bot.app.metrics.prometheus import Meters
from bot.app.process import FOR_AUDIT, FOR_CLAIMS, Process, Sleep
from bot.app.startup import until_reached
from bot.app.wiring.access import rights_of
from bot.app.wiring.lookup import Bot
from bot.app.wiring.notices import LoopConfig, Stores, Watching, open_watching
from bot.notices.watching.schedule import Schedule
from bot.slack.authorization.authorizer import Authorizer, make_gate
from bot.slack.authorization.profile_changes import Hearsay
from bot.slack.background import BackgroundTasks
from bot.slack.connection.auth import authenticate
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.client import make_slack, open_session
from bot.slack.connection.http_endpoint import http_door
from bot.slack.connection.socket_endpoint import SocketDoor
from bot.slack.delivery.authorized_messenger import AuthorizedMessenger
from bot.slack.delivery.dm_messenger import open_messenger
from bot.slack.home_tabs import HomeTabPublisher
from bot.slack.link_issuer import LinkIssuer, offer
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.register import register
from bot.slack.lookup_cards import LookupCards
from bot.storage.database import Database
from bot.storage.profile_changes import SqlProfileChanges

log = structlog.get_logger()

LOOK_AT_TOKEN_EVERY = 60.0


async def find_gate(process: Process, bot: Bot, audit: AuditLog) -> Authorizer:
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
    workspace = await until_reached(lambda: authenticate(slack), of="slack", sleep=process.sleep)
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


def open_hearsay(process: Process, database: Database, gate: Authorizer) -> Hearsay:
    changes = SqlProfileChanges(database, gate.workspace.team_id)
    return Hearsay(gate.people, changes, supervisor=process.supervisor)


async def open_desk(process: Process, bot: Bot, stores: Stores, gate: Authorizer) -> tuple[ListenerContext, Watching]:
    """All that listeners work with, and the loops behind it."""
    meters, drain = process.meters, partial(process.deadline.left, but=FOR_CLAIMS)
    homes = await _open_homes(process, bot, stores, gate)
    interval = timedelta(seconds=process.settings.watch_interval)
    watching = await process.enter(
        open_watching(
            stores,
            bot.reader,
            await _open_messenger(process, bot, gate),
            habits=LoopConfig(interval, timedelta(days=process.settings.retention_days)),
            clock=bot.clock,
            on_settled=homes.refresh,
            meter=meters.watch,
            supervisor=process.supervisor,
            drain=drain,
        ),
        "watching",
        but=FOR_AUDIT,
    )
    process.readiness.watching = watching
    work = await process.enter(BackgroundTasks(drain=drain), "work", but=FOR_AUDIT)
    schedule = Schedule(interval, random.random)
    return _make_desk(process, bot, stores, gate, homes=homes, work=work, schedule=schedule), watching


async def _open_homes(process: Process, bot: Bot, stores: Stores, gate: Authorizer) -> HomeTabPublisher:
    homes = HomeTabPublisher(
        gate.slack,
        stores.subscriptions,
        stores.upkeep,
        clock=bot.clock,
        shown=gate.shown_at_home,
        supervisor=process.supervisor,
    )
    return await process.enter(homes, "homes")


def _make_desk(
    process: Process,
    bot: Bot,
    stores: Stores,
    gate: Authorizer,
    *,
    homes: HomeTabPublisher,
    work: BackgroundTasks,
    schedule: Schedule,
) -> ListenerContext:
    session = gate.slack.session
    assert session is not None
    return ListenerContext(
        answerer=_answerer(bot, stores, process.meters),
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
        linker=LinkIssuer(bot.links, gate, work),
        next_look=lambda task: schedule.at_first(task, now=bot.clock()),
        subscriptions_at_most=process.settings.subscriptions_per_person,
        meter=process.meters.slack,
    )


def _answerer(bot: Bot, stores: Stores, meters: Meters) -> LookupCards:
    return LookupCards(
        bot.reader,
        stores.subscriptions,
        recall=bot.reader.recall,
        last_known=bot.reader.last_known,
        clock=bot.clock,
        meter=meters.slack,
    )


async def _open_messenger(process: Process, bot: Bot, gate: Authorizer) -> AuthorizedMessenger:
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
    return AuthorizedMessenger(messenger, gate)


async def look_at_token(desk: ListenerContext, sleep: Sleep) -> None:
    """Ask now and then whether Slack still takes the token, so that /readyz tells the truth."""
    while True:
        await sleep(LOOK_AT_TOKEN_EVERY)
        await desk.look_at_token()


@asynccontextmanager
async def open_slack_door(process: Process, desk: ListenerContext, door: Door) -> AsyncIterator[None]:
    """The door that the settings ask for; leaving the block lets nothing new in and waits for what is inside."""
    settings, readiness = process.settings, process.readiness
    bolt = make_bolt(desk.slack, desk.workspace)
    register(bolt, desk)
    if settings.slack_app_token is None:
        assert settings.slack_signing_secret is not None
        secret = settings.slack_signing_secret.get_secret_value()
        door.handler = http_door(bolt, signing_secret=secret, meter=desk.meter)
        readiness.is_serving, readiness.needs_clock = True, True
        log.info("door.opened", kind="http")
        try:
            yield
        finally:
            await door.close()
        return
    token = settings.slack_app_token.get_secret_value()
    socket = SocketDoor(
        bolt, app_token=token, slack=desk.slack, work=desk.work, supervisor=process.supervisor, meter=desk.meter
    )
    async with socket:
        readiness.socket = socket
        await socket.prove()
        readiness.is_serving = True
        log.info("door.opened", kind="socket")
        yield
