"""Slack and the listeners, with a database whose methods fail one by one."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.access.audit.buffered_log import BatchingAuditLog
from bot.access.audit.record import Record
from bot.access.rights import Rights
from bot.app.wiring.notices import stores_of
from bot.notices.store import DatabaseUnavailable
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, U_ANA, Message
from bot.playground.volcengine.rtc import FakeRtc
from bot.slack.authorization.authorizer import make_gate
from bot.slack.background import BackgroundTasks
from bot.slack.connection.auth import authenticate
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.client import Timeouts, make_slack
from bot.slack.connection.http_endpoint import http_door
from bot.slack.connection.workspace import TokenHealth
from bot.slack.home_tabs import HomeTabPublisher
from bot.slack.limits import LIMITS, Limits
from bot.slack.link_issuer import LinkIssuer
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.register import register
from bot.slack.lookup_cards import LookupCards
from bot.storage.database import open_database
from testing.factories import open_brief_bot
from testing.harness import DATABASE, copy_migrated


class Fragile:
    """A store that can be out of reach, for so many questions or until it is back."""

    def __init__(self, *stores: Any) -> None:
        self.stores = stores
        self.is_down = False
        self.refuses = 0
        self.asked = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        does = next(getattr(store, name) for store in self.stores if hasattr(store, name))

        async def do(*given: Any, **named: Any) -> Any:
            self.asked += 1
            self.refuses -= 1
            if self.is_down or self.refuses >= 0:
                raise DatabaseUnavailable("It cannot be reached.")
            return await does(*given, **named)

        return do


@dataclasses.dataclass(frozen=True)
class Bureau:
    """Slack's side of the bot alone, so that its store can be taken away."""

    slack: FakeSlack
    rtc: FakeRtc
    store: Fragile
    desk: ListenerContext
    records: list[Record]

    async def typed(self, text: str, *, user: str = U_ANA) -> Message:
        assert (await self.slack.command(text, user=user, channel=C_ONCALL)).acked
        return await self.slack.next_message(user=user)

    async def changed(self, card: Message, action: str) -> Message:
        assert (await self.slack.press(card, action, user=U_ANA)).acked
        await self.slack.wait_for(lambda: card.edited)
        return card

    async def told(self, card: Message, action: str, *, user: str = U_ANA) -> Message:
        assert (await self.slack.press(card, action, user=user)).acked
        return await self.slack.next_message(user=user)


class _Records:
    """A sink of the audit log that keeps all in a list."""

    def __init__(self) -> None:
        self.kept: list[Record] = []

    async def write(self, records: Sequence[Record]) -> None:
        self.kept.extend(records)


@asynccontextmanager
async def open_bureau(fake_rtc: FakeRtc, tmp_path: Path, *, limits: Limits = LIMITS) -> AsyncIterator[Bureau]:
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(open_brief_bot(fake_rtc))
        fake = await stack.enter_async_context(open_fake_slack(FakeSlack()))
        await asyncio.to_thread(copy_migrated, tmp_path / DATABASE)
        database = await stack.enter_async_context(open_database(f"sqlite:///{tmp_path / DATABASE}"))
        await database.prepare()
        stores = stores_of(database)
        store: Any = Fragile(stores.subscriptions, stores.notices, stores.upkeep, stores.requests)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        patience = Timeouts(call=limits.call)
        slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session, patience=patience)
        workspace = await authenticate(slack)
        records = _Records()
        audit = await stack.enter_async_context(BatchingAuditLog(records, every=0.01))
        gate = make_gate(slack, workspace, rights=Rights(), per_minute=1_000, audit=audit, clock=bot.clock)
        work = await stack.enter_async_context(BackgroundTasks())
        desk = ListenerContext(
            answerer=LookupCards(
                bot.reader, store, recall=bot.reader.recall, last_known=bot.reader.last_known, clock=bot.clock
            ),
            apps=bot.apps,
            slack=slack,
            session=session,
            workspace=workspace,
            gate=gate,
            linker=LinkIssuer(bot.links, gate, work),
            health=TokenHealth(),
            work=work,
            subscriptions=store,
            notices=store,
            upkeep=store,
            requests=store,
            homes=await stack.enter_async_context(HomeTabPublisher(slack, store, store, clock=bot.clock)),
            next_look=lambda _task: timedelta(seconds=30),
            limits=limits,
        )
        bolt = make_bolt(slack, desk.workspace)
        register(bolt, desk)
        app = web.Application()
        handle = http_door(bolt, signing_secret=fake.signing_secret)

        async def knock(request: web.Request) -> web.StreamResponse:
            return await handle(request, request.read)

        app.router.add_post("/slack/events", knock)
        server = await stack.enter_async_context(TestServer(app))
        fake.request_url = str(server.make_url("/slack/events"))
        yield Bureau(fake, fake_rtc, store, desk, records.kept)
