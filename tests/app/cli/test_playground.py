"""`rectask playground` as a process, as its page and other programs meet it."""

import asyncio
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA
from tests.app.cli.test_serve import start

Json = dict[str, Any]


@pytest.mark.slow
async def test_ctrl_c_ends_it_with_a_page_open_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The bot's events, its requests and its notices are in the trace, which the page reads until the end."""
    process = await start("playground", "--headless", "--port", "0", environ={"TMPDIR": str(tmp_path)})
    assert process.stdout is not None
    said = (await process.stdout.readuntil(b"(Ctrl-C ends it)")).decode()
    url = re.findall(r"http://127\.0\.0\.1:\d+", said)[0]
    assert count(tmp_path) == 1
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/-/stage/events") as events:
        seen: set[str] = set()
        notices: list[Json] = []
        async with asyncio.timeout(60):
            await read_until(events, seen, notices, lambda: "slack from bot: socket" in seen)
            await type_in(http, url, "/rectask watch run-3600 Task1")
            await read_until(events, seen, notices, lambda: bool(notices))
            await http.post(f"{url}/-/stage/task", json={"do": "end", "room": "run-3600"})
            await read_until(events, seen, notices, lambda: bool(notices) and notices[0]["notice"] == "delivered")
            await type_in(http, url, "/rectask run-3600 Task1")
            await read_until(events, seen, notices, lambda: "bot cache.hit" in seen)
            async with http.get(f"{url}/") as page:
                assert page.status == 404
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert count(tmp_path) == 0
    assert {"bot cache.missed", "bot turn.awaited", "rtc GetRecordTask", "stage task", "bot task.concluded"} <= seen
    assert {"slack from bot: chat.postMessage", "bot notice.delivered"} <= seen
    assert (notices[0]["person"], notices[0]["room"], notices[0]["task"]) == (U_ANA, "run-3600", "Task1")


def count(folder: Path) -> int:
    return len(list(folder.iterdir()))


async def type_in(http: aiohttp.ClientSession, url: str, text: str) -> None:
    async with http.post(f"{url}/-/command", json={"user": U_ANA, "channel": C_ONCALL, "text": text}) as answer:
        assert (await answer.json())["error"] is None


async def read_until(
    events: aiohttp.ClientWebSocketResponse, seen: set[str], notices: list[Json], is_enough: Callable[[], bool]
) -> None:
    """Reads on, and keeps what was seen and how notices stand."""
    while not is_enough():
        news = await events.receive_json()
        seen |= {f"{entry['layer']} {entry['what']}" for entry in news["entries"]}
        if "stage" in news:
            notices[:] = news["stage"]["notices"]
