"""The composition root: builds everything from the settings, owns it and closes it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.keys import own_credentials
from bot.linking import open_links
from bot.lookup import meter as lookup_meter
from bot.lookup.cache import CachingReader
from bot.lookup.pacing import Pacer
from bot.recording.task_ref import RtcApp
from bot.runtime.proxy import proxy_for
from bot.runtime.supervision import Supervisor
from bot.settings import Settings
from bot.sharing import open_sharing
from bot.volcengine.api.client import OpenApi
from bot.volcengine.api.meter import UNMETERED, AttemptMeter
from bot.volcengine.api.signing import Signer
from bot.volcengine.api.transport import PATIENCE, Patience, open_http
from bot.volcengine.files.router import RuleLinkMaker
from bot.volcengine.rtc.reader import RTC, SERVICE, RtcTaskReader

Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """The wall clock, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Bot:
    """What a front (the terminal, Slack) is given to work with."""

    reader: CachingReader
    rtc: RtcTaskReader
    apps: tuple[RtcApp, ...]
    links: RuleLinkMaker
    clock: Clock


def rtc_apps(settings: Settings) -> tuple[RtcApp, ...]:
    """The configured RTC apps, the default one first."""
    return tuple(RtcApp(name, app_id) for name, app_id in settings.apps)


@asynccontextmanager
async def open_bot(
    settings: Settings,
    *,
    clock: Clock = now_utc,
    timer: Callable[[], float] = time.monotonic,
    patience: Patience = PATIENCE,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    attempts: AttemptMeter = UNMETERED,
    meter: lookup_meter.LookupMeter = lookup_meter.UNMETERED,
    supervisor: Supervisor | None = None,
) -> AsyncIterator[Bot]:
    """The bot, ready to answer; leaving the block ends what is under way and closes every connection.

    `sleep` is what passes the time between two attempts; by `timer` the memory of answers counts its seconds.
    `attempts` is told of each request to RTC, `meter` of each answer and of each turn at the pacer. `supervisor` knows
    which background tasks are away.
    """
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http(patience=patience, proxy=proxy_for(settings.rtc_endpoint)))
        sharing = await stack.enter_async_context(
            open_sharing(settings, clock=clock, meter=meter, supervisor=supervisor or Supervisor())
        )
        pacer = await stack.enter_async_context(Pacer(sharing.slots, meter=meter))
        openapi = OpenApi(
            http,
            service=RTC,
            endpoint=settings.rtc_endpoint,
            signer=Signer(own_credentials(settings), region=settings.rtc_region, service=SERVICE, clock=clock),
            pacer=pacer,
            origin=settings.key_names,
            clock=clock,
            patience=patience,
            sleep=sleep,
            meter=attempts,
        )
        rtc = RtcTaskReader(openapi)
        reader = await stack.enter_async_context(
            CachingReader(rtc, clock=clock, timer=timer, shared=sharing.answers, meter=meter)
        )
        links = await stack.enter_async_context(open_links(settings, clock=clock, patience=patience, sleep=sleep))
        yield Bot(reader=reader, rtc=rtc, apps=rtc_apps(settings), links=links, clock=clock)
