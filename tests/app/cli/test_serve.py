"""`rectask serve` and `rectask playground` as processes: their start, their signals, their exit codes."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import pytest

from bot.app.cli import main
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import U_ANA
from bot.playground.volcengine.object_store import video
from bot.playground.volcengine.rtc import FakeRtc
from testing.factories import environ_for
from testing.file_links import fetch
from testing.forked_processes import Piped, fork_piped, rectask


def environ_of(rtc: FakeRtc, slack: FakeSlack, folder: Path, **more: str) -> dict[str, str]:
    return {
        "RECTASK_DATABASE_URL": f"sqlite:///{folder / 'rectask.db'}",
        **environ_for(rtc),
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "RECTASK_HOST": "127.0.0.1",
        "RECTASK_PORT": "0",
        **more,
    }


async def start(*argv: str, environ: Mapping[str, str]) -> Piped:
    return await fork_piped(rectask(*argv), environ=os.environ | dict(environ))


async def start_anew(*argv: str, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    """An interpreter of its own, as a shell starts it."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *argv),
        env=os.environ | dict(environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("name", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
async def test_it_serves_until_it_is_told_to_stop(fake_rtc: FakeRtc, tmp_path: Path, name: signal.Signals) -> None:
    async with open_fake_slack(FakeSlack()) as slack:
        environ = environ_of(fake_rtc, slack, tmp_path, SLACK_CLIENT_ID="1", SLACK_CLIENT_SECRET="2")
        process = await start_anew("serve", environ=environ)
        await slack.wait_for_socket(timeout=60)
        await slack.command("Room1 Task1")
        assert "Ended after" in (await slack.next_message(user=U_ANA)).text
        process.send_signal(name)
        _, err = await process.communicate()
    assert process.returncode == 0
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events] == [
        *("settings.ignored", "server.opened", "schema.migrated", "door.opened", "server.stopping")
    ]
    assert not [secret for secret in (slack.bot_token, slack.app_token) if secret.encode() in err]


@pytest.mark.slow
async def test_on_a_terminal_it_says_what_to_do_next(fake_rtc: FakeRtc, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    async with open_fake_slack(FakeSlack()) as slack:
        environ = os.environ | environ_of(fake_rtc, slack, tmp_path)
        process = await fork_piped(rectask("serve"), environ=environ, stdout=asyncio.subprocess.DEVNULL, stderr=theirs)
        await slack.wait_for_socket(timeout=60)
        said = await asyncio.to_thread(_read_until, ours, b"Ctrl-C ends it.")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    for end in (ours, theirs):
        os.close(end)
    assert b"Rectask is running. Type /rectask help in Slack. Ctrl-C ends it." in said


def _read_until(descriptor: int, words: bytes) -> bytes:
    said = b""
    while words not in said:
        said += os.read(descriptor, 4096)
    return said


@pytest.mark.slow
async def test_a_token_that_slack_refuses(fake_rtc: FakeRtc, tmp_path: Path) -> None:
    async with open_fake_slack(FakeSlack()) as slack:
        process = await start("serve", environ=environ_of(fake_rtc, slack, tmp_path, SLACK_BOT_TOKEN="xoxb-wrong"))
        _, err = await process.communicate()
    assert process.returncode == 69
    assert b"rectask: Slack refuses SLACK_BOT_TOKEN: invalid_auth." in err
    assert b"Traceback" not in err


@pytest.mark.slow
async def test_a_port_that_is_in_use(fake_rtc: FakeRtc, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with open_fake_slack(FakeSlack()) as slack:
            port = taken.getsockname()[1]
            process = await start("serve", environ=environ_of(fake_rtc, slack, tmp_path, RECTASK_PORT=str(port)))
            _, err = await process.communicate()
    assert process.returncode == 78
    assert f"rectask: RECTASK_PORT is {port}, which another program uses already.".encode() in err
    assert b"Traceback" not in err


def test_missing_settings(use_environ: Callable[[Mapping[str, str]], None], capsys: pytest.CaptureFixture[str]) -> None:
    use_environ({})
    assert main(["serve"]) == 78
    assert "rectask: SLACK_BOT_TOKEN is missing" in capsys.readouterr().err


@pytest.mark.slow
async def test_the_playground_is_the_whole_bot() -> None:
    """With a port that is taken, settings that are wrong and a proxy that is none: it cares for none of them."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8321))
            taken.listen()
            is_ours = True
        except OSError:  # somebody else has it, and may give it back at any moment
            is_ours = False
        environ = {"SLACK_BOT_TOKEN": "nonsense", "RECTASK_QPS": "0", "HTTP_PROXY": "http://127.0.0.1:1"}
        process = await start("playground", environ=environ)
        assert process.stdout is not None
        said = (await process.stdout.readuntil(b"(Ctrl-C ends it)")).decode()
        url = re.findall(r"http://127\.0\.0\.1:\d+", said)[0]
        assert not is_ours or "Port 8321 is taken; trying the next one." in said
        assert not (is_ours and url == "http://127.0.0.1:8321")
        async with aiohttp.ClientSession() as session:
            assert b"<title>" in await (await session.get(url)).read()
            card, link = await _card_on_page(session, url)
            assert (await fetch(link)).body == video()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert "Ended after 7 min 42 s" in card
    assert (process.returncode, err) == (0, b"")


async def _card_on_page(session: aiohttp.ClientSession, url: str) -> tuple[str, str]:
    """Its text, and the link to its file."""
    command = {"user": U_ANA, "channel": "C0ONCALL01", "text": "/rectask Room1 Task1"}
    for _ in range(100):
        await session.post(f"{url}/-/command", json=command)
        messages = (await (await session.get(f"{url}/-/state")).json())["messages"]
        if messages:
            blocks = messages[-1]["blocks"]
            return str(messages[-1]["text"]), next(b["accessory"]["url"] for b in blocks if "accessory" in b)
        await asyncio.sleep(0.05)
    pytest.fail("There is no card.")


@pytest.mark.slow
async def test_a_port_that_is_taken_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await start("playground", "--headless", "--port", str(taken.getsockname()[1]), environ={})
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"rectask: no port is free for the playground" in err
