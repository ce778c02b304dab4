"""From the stores of the configuration file to links: builds what makes them, owns it and closes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from bot.app.config.settings import Settings
from bot.app.config.storage_table import S3Settings, StoreSettings, TemplateSettings, TosSettings, VodSettings
from bot.app.wiring.credentials import key_names, store_credentials
from bot.lookup.local_slots import OwnSlots
from bot.lookup.pacing import Pacer
from bot.runtime.proxy import proxy_for
from bot.volcengine.api.client import VolcengineApi
from bot.volcengine.api.signing import Signer
from bot.volcengine.api.transport import PATIENCE, Timeouts, open_http
from bot.volcengine.files.dialects import S3, TOS, domain_address, s3_address, tos_address
from bot.volcengine.files.object_store import ObjectStore
from bot.volcengine.files.presigning import Dialect, ObjectAddress
from bot.volcengine.files.router import FileStore, RuleLinkMaker, StoreRule
from bot.volcengine.files.template import TemplateStore
from bot.volcengine.files.vod import SERVICE, VOD, VodStore

# Requests a second for all VOD stores together: far below the vendor's 2,000, and more than people press buttons.
VOD_PACE = 20


@asynccontextmanager
async def open_links(
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    patience: Timeouts = PATIENCE,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[RuleLinkMaker]:
    """What makes links, by the stores of the settings; without any, no file has one.

    Leaving the block ends what is under way and closes every connection. `sleep` is what passes the time between two
    attempts at VOD.
    """
    async with AsyncExitStack() as stack:
        bench = _Bench(settings, stack, clock, patience, sleep)
        yield RuleLinkMaker([await bench.rule(store) for store in settings.file.stores])


@dataclass(slots=True)
class _Bench:
    """What rules are made with."""

    settings: Settings
    stack: AsyncExitStack
    clock: Callable[[], datetime]
    patience: Timeouts
    sleep: Callable[[float], Awaitable[None]]
    vod_pacer: Pacer | None = None

    async def rule(self, store: StoreSettings) -> StoreRule:
        return StoreRule(await self._store(store), app=store.app, prefix=store.prefix)

    async def _store(self, store: StoreSettings) -> FileStore:
        match store:
            case TosSettings(domain=str(domain)):
                return self._bucket(store, TOS, partial(domain_address, domain=domain))
            case TosSettings(endpoint=str(endpoint)):
                return self._bucket(store, TOS, partial(tos_address, bucket=store.bucket, endpoint=endpoint))
            case S3Settings():
                locate = partial(s3_address, bucket=store.bucket, endpoint=store.endpoint, style=store.style)
                return self._bucket(store, S3, locate)
            case VodSettings():
                return await self._vod(store)
            case TemplateSettings():
                parts = urlsplit(store.url)
                origin = f"{parts.scheme}://{parts.netloc}"
                return TemplateStore(name=_name(store, parts.netloc), origin=origin, url=store.url)
        raise AssertionError  # the settings make sure that a bucket of TOS has one of the two

    def _bucket(
        self, store: TosSettings | S3Settings, dialect: Dialect, locate: Callable[[str], ObjectAddress]
    ) -> ObjectStore:
        return ObjectStore(
            name=_name(store, store.bucket),
            origin=locate("").origin,
            key_names=key_names(store, self.settings),
            dialect=dialect,
            locate=locate,
            credentials=store_credentials(store, self.settings),
            region=store.region,
            expires=timedelta(seconds=store.expires),
            clock=self.clock,
        )

    async def _vod(self, store: VodSettings) -> VodStore:
        if self.vod_pacer is None:
            self.vod_pacer = await self.stack.enter_async_context(Pacer(OwnSlots(VOD_PACE)))
        openapi = VolcengineApi(
            await self.stack.enter_async_context(open_http(patience=self.patience, proxy=proxy_for(store.endpoint))),
            service=VOD,
            endpoint=store.endpoint,
            signer=Signer(
                store_credentials(store, self.settings), region=store.region, service=SERVICE, clock=self.clock
            ),
            pacer=self.vod_pacer,
            credentials_source=key_names(store, self.settings),
            clock=self.clock,
            patience=self.patience,
            sleep=self.sleep,
        )
        return VodStore(openapi, name=_name(store, store.region), origin=store.endpoint, clock=self.clock)


def _name(store: StoreSettings, place: str) -> str:
    of_app = f" of {store.app}" if store.app else ""
    return f"{store.kind} {place}{of_app}"
