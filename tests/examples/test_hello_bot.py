"""The example bot against `rectask-fake-slack`, over both doors, told what to do over HTTP as its page does."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.slow

Json = dict[str, Any]
BOT = Path(__file__).parents[2] / "examples" / "hello_bot.py"
ANA = "U0ANA00001"


@asynccontextmanager
async def running(*argv: str, environ: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *argv), env=os.environ | (environ or {}), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()


class Control:
    """What `rectask-fake-slack` is told and asked."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self.url = http, url

    async def do(self, what: str, **said: object) -> Json:
        async with self._http.post(f"{self.url}/-/{what}", json={"user": ANA, "channel": "C0ONCALL01", **said}) as told:
            answer: Json = await told.json()
            return answer

    async def look(self, what: str) -> Json:
        async with self._http.get(f"{self.url}/-/{what}") as told:
            answer: Json = await told.json()
            return answer

    async def newest(self, is_it: Callable[[Json], bool]) -> Json:
        """The newest message, as soon as it is that one."""
        async with self._http.ws_connect(f"{self.url}/-/events") as events, asyncio.timeout(20):
            while True:
                messages = (await events.receive_json())["messages"]
                if messages and is_it(messages[-1]):
                    newest: Json = messages[-1]
                    return newest


async def until_it_answers(control: Control) -> None:
    async with asyncio.timeout(30):
        while not (await control.do("command", text="/echo Are you there?"))["acked"]:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0.1)


def a_free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


@pytest.mark.parametrize("door", ["socket", "http"])
async def test_it_says_hello_and_who_pressed(door: str) -> None:
    port = a_free_port()
    request_url = ("--request-url", f"http://127.0.0.1:{port}/slack/events") if door == "http" else ()
    async with (
        running("-m", "bot.playground.fake_slack_command", "--port", "0", *request_url) as fake,
        aiohttp.ClientSession() as http,
    ):
        assert fake.stdout is not None
        said = (await fake.stdout.readuntil(b"Ctrl-C ends it.")).decode()
        environ = dict(re.findall(r"export (\w+)=(\S+)", said)) | {"PORT": str(port)}
        if door == "http":
            environ["SLACK_APP_TOKEN"] = ""
        control = Control(http, environ["SLACK_API_URL"].removesuffix("/api/"))
        async with running(str(BOT), environ=environ):
            await until_it_answers(control)
            assert (await control.do("say", text="hello"))["acked"]
            greeting = await control.newest(lambda message: "Hey there" in message["text"])
            assert greeting["text"] == f"Hey there <@{ANA}>!"
            await control.do("press", ts=greeting["ts"], action_id="button_click")
            answer = await control.newest(lambda message: "clicked" in message["text"])
            assert (answer["text"], answer["ephemeral_to"]) == (f"<@{ANA}> clicked the button", None)
        slack = (await control.look("stage"))["stage"]["slack"]
        assert (slack["complaints"], slack["refusals"]) == ([], [])
    assert fake.returncode == 0


async def test_the_app_has_the_name_that_is_given() -> None:
    async with running("-m", "bot.playground.fake_slack_command", "--port", "0", "--name", "Hello Bot") as fake:
        assert fake.stdout is not None
        said = (await fake.stdout.readuntil(b"Ctrl-C ends it.")).decode()
        environ = dict(re.findall(r"export (\w+)=(\S+)", said))
        async with aiohttp.ClientSession() as http:
            control = Control(http, environ["SLACK_API_URL"].removesuffix("/api/"))
            assert (await control.look("state"))["app"] == {"name": "Hello Bot"}
            authorized = {"Authorization": f"Bearer {environ['SLACK_BOT_TOKEN']}"}
            async with http.post(f"{environ['SLACK_API_URL']}auth.test", headers=authorized) as told:
                assert (await told.json())["user"] == "hello-bot"


async def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with running("-m", "bot.playground.fake_slack_command", "--port", str(taken.getsockname()[1])) as fake:
            assert await fake.wait() == 1
