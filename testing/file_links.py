"""A world with stores: a configuration file that points at stand-ins, and a client that sends an address as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.app.config.load import load_settings
from bot.app.config.settings import Settings
from bot.app.wiring.file_links import open_links
from bot.playground.volcengine.gateway import Account
from bot.recording.task import RecordingFile
from bot.recording.task_ref import RtcApp, TaskRef
from bot.volcengine.files.router import RuleLinkMaker
from testing.factories import BRIEF, SetClock, no_time

PROD, STAGING = RtcApp("prod", "661e0000000000000000543c"), RtcApp("staging", "661f0000000000000000543c")
REF = TaskRef(PROD, "Room1", "Task1")


def settings_with(folder: Path, text: str, account: Account, **more: str) -> Settings:
    """The settings of an environment with this account's key (as READ_KEY and READ_SECRET too), and of this file."""
    (folder / "rectask.toml").write_text(text, encoding="utf-8")
    environ = {
        "VOLC_ACCESSKEY": account.access_key,
        "VOLC_SECRETKEY": account.secret_key,
        "READ_KEY": account.access_key,
        "READ_SECRET": account.secret_key,
        "RECTASK_APPS": f"{PROD.name}={PROD.app_id},{STAGING.name}={STAGING.app_id}",
    }
    token = {"VOLCENGINE_SESSION_TOKEN": account.session_token} if account.session_token else {}
    return load_settings(environ=environ | token | more, env_file=folder / ".env")


@asynccontextmanager
async def links_of(settings: Settings, clock: SetClock) -> AsyncIterator[RuleLinkMaker]:
    async with open_links(settings, clock=clock, patience=BRIEF, sleep=no_time) as links:
        yield links


def key_file(key: str) -> RecordingFile:
    return RecordingFile(object_key=key)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of fetching an address."""

    status: int
    body: bytes
    headers: dict[str, str]


class _ThisMachine(AbstractResolver):
    """Every name is this machine, as browsers have it for *.localhost."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to close."""


async def fetch(url: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """The address as it is, byte for byte, by a real HTTP client."""
    connector = aiohttp.TCPConnector(resolver=_ThisMachine())
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        request = session.request(
            method, yarl.URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        )
        async with request as response:
            return Answer(response.status, await response.read(), {**response.headers})
