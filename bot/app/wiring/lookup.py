"""Composes look-ups: the vendor's client, the pace, the cache and what replicas share."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.app.config.settings import Settings
from bot.app.wiring.credentials import own_credentials
from bot.app.wiring.file_links import open_links
from bot.lookup import meter as lookup_meter
from bot.lookup.cache import CachingReader, Shared
from bot.lookup.local_slots import OwnSlots
from bot.lookup.meter import LookupMeter
from bot.lookup.pacing import Pacer, Slots
from bot.recording.task_ref import RtcApp
from bot.runtime.proxy import proxy_for
from bot.runtime.supervision import Supervisor
from bot.volcengine.api.client import VolcengineApi
from bot.volcengine.api.meter import UNMETERED, AttemptMeter
from bot.volcengine.api.signing import Signer
from bot.volcengine.api.transport import PATIENCE, Timeouts, open_http
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
    patience: Timeouts = PATIENCE,
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
        openapi = VolcengineApi(
            http,
            service=RTC,
            endpoint=settings.rtc_endpoint,
            signer=Signer(own_credentials(settings), region=settings.rtc_region, service=SERVICE, clock=clock),
            pacer=pacer,
            credentials_source=settings.key_names,
            clock=clock,
            patience=patience,
            sleep=sleep,
            meter=attempts,
        )
        rtc = RtcTaskReader(openapi)
        reader = CachingReader(rtc, clock=clock, timer=timer, shared=sharing.answers, meter=meter)
        await stack.enter_async_context(reader)
        links = await stack.enter_async_context(open_links(settings, clock=clock, patience=patience, sleep=sleep))
        yield Bot(reader=reader, rtc=rtc, apps=rtc_apps(settings), links=links, clock=clock)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Where this process's slots come from, and the memory of answers behind its own, if there is one."""

    slots: Slots
    answers: Shared | None = None


@asynccontextmanager
async def open_sharing(
    settings: Settings, *, clock: Callable[[], datetime], meter: LookupMeter, supervisor: Supervisor
) -> AsyncIterator[Sharing]:
    """Alone where no Redis is set; a Redis that is out of reach does not keep it from opening."""
    if settings.redis_url is None:
        yield Sharing(OwnSlots(settings.qps))
        return
    # The driver is an extra, and takes its time to import.
    from bot.lookup.redis.answers import SharedAnswers  # noqa: PLC0415
    from bot.lookup.redis.connection import open_redis  # noqa: PLC0415
    from bot.lookup.redis.sealing import Seal  # noqa: PLC0415
    from bot.lookup.redis.slots import SharedSlots  # noqa: PLC0415

    async with (
        open_redis(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix) as link,
        SharedSlots(
            link,
            limit=settings.qps,
            replicas=settings.replicas,
            # A new one at each start: what the process before it left behind is not this one's.
            replica=secrets.token_hex(8),
            meter=meter,
            supervisor=supervisor,
        ) as slots,
    ):
        seal = Seal.from_secret(own_credentials(settings).secret_key)
        yield Sharing(slots, SharedAnswers(link, seal=seal, clock=clock))
