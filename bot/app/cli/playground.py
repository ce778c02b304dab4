"""`rectask playground`: the whole bot on this machine, between stand-ins for Slack, RTC and the stores, with a page."""

import asyncio
import logging
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

import structlog

from bot.app.cli.playground_notices import NoticesShown
from bot.app.cli.terminal import Terminal
from bot.app.config.load import load_settings
from bot.app.config.settings import Settings
from bot.app.log_setup import configure_logs
from bot.app.serve import serve
from bot.notices.person import Person
from bot.playground.clock import PlayClock
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.stage import SlackStage
from bot.playground.slack.world import T_HOME
from bot.playground.stage import Stage
from bot.playground.trace import Trace
from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.object_store import FakeStore, open_fake_store
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import SCENES
from bot.playground.volcengine.stage import RtcStage
from bot.playground.volcengine.vod import FakeVod, open_fake_vod
from bot.storage.database import open_database

PORT = 8321
_PORTS_TRIED = 20
_PAGE = Path(__file__).parents[2] / "playground" / "page"
_CONFIG = "rectask.toml"
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
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    clock = PlayClock()
    trace = Trace(clock)
    _let_hear(trace)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rectask-")))
        rtc = await stack.enter_async_context(open_fake_rtc(FakeRtc(clock=clock.now, trace=trace)))
        store = await stack.enter_async_context(open_fake_store(FakeStore(rtc.account, clock=clock.now)))
        vod = await stack.enter_async_context(open_fake_vod(FakeVod(rtc.account, clock=clock.now)))
        (folder / _CONFIG).write_text(_rules(store, vod), encoding="utf-8")
        slack = FakeSlack(clock=clock, page=None if is_headless else _PAGE, rooms=_rooms(), trace=trace)
        url = _database_url(folder)
        database = await stack.enter_async_context(open_database(url, clock=clock.now))
        notices = NoticesShown(database, (Person(T_HOME, user) for user in slack.people))
        stage = Stage(trace, clock, slack=SlackStage(slack), rtc=RtcStage(rtc), notices=notices)
        slack.add_routes(stage.routes())
        screen = Terminal(out, colours=False)
        await _open_on_a_free_port(stack, slack, port, screen)
        screen.print(
            f"The playground is at {slack.url} (Ctrl-C ends it).",
            "Type for example: /rectask Room1 Task1",
        )
        await serve(_settings(rtc, slack, folder=folder), stop=stop, clock=clock.now, timer=clock.timer)


def _let_hear(trace: Trace) -> None:
    """Lets the trace hear all that the bot logs, also what is too small for the terminal."""
    structlog.configure(
        processors=[trace.hear, *structlog.get_config()["processors"]],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )


async def _open_on_a_free_port(stack: AsyncExitStack, slack: FakeSlack, port: int | None, screen: Terminal) -> None:
    """On the port that was asked for, or on 8321 or one of the next."""
    for candidate in [port] if port is not None else range(PORT, PORT + _PORTS_TRIED):
        try:
            await stack.enter_async_context(open_fake_slack(slack, port=candidate))
        except (OSError, OverflowError):
            if port is None:
                screen.print(f"Port {candidate} is taken; trying the next one.")
            continue
        return
    raise SystemExit("rectask: no port is free for the playground; name one with --port")


def _database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'rectask.db'}"


def _rooms() -> list[dict[str, str]]:
    """What the page proposes to try."""
    about = {name: scene.about for name, scene in SCENES.items()} | {
        name: fault.about for name, fault in FAULTS.items()
    }
    return [{"room": room, "task": "Task1", "about": text} for room, text in about.items()]


def _rules(store: FakeStore, vod: FakeVod) -> str:
    """The stand-in's bucket counts as one with a domain of its own, for not every browser knows *.localhost."""
    return (
        f'[[storage]]\nkind = "tos"\nbucket = "{store.bucket}"\nregion = "{store.region}"\ndomain = "{store.url}"\n\n'
        f'[[storage]]\nkind = "vod"\nendpoint = "{vod.url}"\n'
    )


def _settings(rtc: FakeRtc, slack: FakeSlack, *, folder: Path) -> Settings:
    environ = {
        "RECTASK_RTC_ENDPOINT": rtc.url,
        "RECTASK_APPS": ",".join(f"{n}={i}" for n, i in zip(("prod", "staging"), rtc.account.app_ids, strict=True)),
        "VOLC_ACCESSKEY": rtc.account.access_key,
        "VOLC_SECRETKEY": rtc.account.secret_key,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "RECTASK_DATABASE_URL": _database_url(folder),
        "RECTASK_WATCH_INTERVAL": "5",
        # Nobody shares anything here, and a newcomer clicks a lot.
        "RECTASK_LOOKUPS_PER_MINUTE": "600",
        "RECTASK_AUDIT": str(folder / "audit.jsonl"),
        "RECTASK_CONFIG": str(folder / _CONFIG),
        "RECTASK_HOST": "127.0.0.1",
        "RECTASK_PORT": "0",
    }
    return load_settings(environ=environ, env_file=Path(os.devnull), for_slack=True)
