"""`rectask playground`: the whole bot on this machine, between stand-ins for Slack and RTC, with a page to use it."""

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

from bot.cli.terminal import Terminal
from bot.logs import configure_logs
from bot.playground.fake_rtc import FakeRtc, open_fake_rtc
from bot.playground.fake_slack import FakeSlack, open_fake_slack
from bot.playground.faults import FAULTS
from bot.playground.scenes import SCENES
from bot.service import serve
from bot.settings import Settings, load_settings

PORT = 8321
_PORTS_TRIED = 20
_PAGE = Path(__file__).parents[1] / "playground" / "page"
# The stand-ins are on this machine; a proxy has no business between them.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def run(*, port: int | None, is_headless: bool) -> int:
    """Run it until Ctrl-C, and return the exit code."""
    for name in _PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    configure_logs(level="warning", as_json=False, secrets=())
    asyncio.run(_play(port, is_headless=is_headless, out=sys.stdout))
    return 0


async def _play(port: int | None, *, is_headless: bool, out: TextIO) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        rtc = await stack.enter_async_context(open_fake_rtc(FakeRtc()))
        slack = await _open_slack_on_a_free_port(stack, port, page=None if is_headless else _PAGE)
        Terminal(out, colours=False).print(
            f"The playground is at {slack.url} (Ctrl-C ends it).",
            "Type for example: /rectask Room1 Task1",
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rectask-"))
        await serve(_settings(rtc, slack, folder=Path(folder)), stop=stop)


async def _open_slack_on_a_free_port(stack: AsyncExitStack, port: int | None, *, page: Path | None) -> FakeSlack:
    """On the port that was asked for, or on 8321 or one of the next."""
    for candidate in [port] if port is not None else range(PORT, PORT + _PORTS_TRIED):
        try:
            return await stack.enter_async_context(
                open_fake_slack(FakeSlack(page=page, rooms=_rooms()), port=candidate)
            )
        except (OSError, OverflowError):
            continue
    raise SystemExit("rectask: no port is free for the playground; name one with --port")


def _rooms() -> list[dict[str, str]]:
    """What the page proposes to try."""
    about = {name: scene.about for name, scene in SCENES.items()} | {
        name: fault.about for name, fault in FAULTS.items()
    }
    return [{"room": room, "task": "Task1", "about": text} for room, text in about.items()]


def _settings(rtc: FakeRtc, slack: FakeSlack, *, folder: Path) -> Settings:
    environ = {
        "RECTASK_RTC_ENDPOINT": rtc.url,
        "RECTASK_APPS": ",".join(f"{n}={i}" for n, i in zip(("prod", "staging"), rtc.account.app_ids, strict=True)),
        "VOLC_ACCESSKEY": rtc.account.access_key,
        "VOLC_SECRETKEY": rtc.account.secret_key,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "RECTASK_DATABASE_URL": f"sqlite:///{folder / 'rectask.db'}",
        "RECTASK_WATCH_INTERVAL": "5",
        "RECTASK_AUDIT": str(folder / "audit.jsonl"),
        "RECTASK_HOST": "127.0.0.1",
        "RECTASK_PORT": "0",
    }
    return load_settings(environ=environ, env_file=Path(os.devnull), for_slack=True)
