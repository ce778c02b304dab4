"""SIGTERM ends `rectask serve` with 0 within twelve seconds, at any moment of its life and whatever hangs."""

import asyncio
import fcntl
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, U_ANA
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from testing.factories import environ_for
from testing.forked_processes import Piped, fork_piped, rectask
from testing.silent_peer import Silent, open_silent

# A process each; one that is told to stop while it serves is in test_serve.py, too.
pytestmark = pytest.mark.slow

# Compose and Kubernetes wait for twenty.
ENDED_WITHIN = 12.0
COMES_WITHIN = 30.0
SMALLEST_PIPE = 4096


@dataclass
class World:
    """The stand-ins, and a process between them."""

    rtc: FakeRtc
    slack: FakeSlack
    silent: Silent
    folder: Path
    stack: AsyncExitStack
    more: dict[str, str] = field(default_factory=dict)
    door: str = "http"
    events: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | Piped | None = None
    port: int = 0

    @property
    def process(self) -> asyncio.subprocess.Process | Piped:
        assert self._process is not None
        return self._process

    async def start(self, *, stdout: int = asyncio.subprocess.DEVNULL, stderr: int = asyncio.subprocess.PIPE) -> None:
        environ = os.environ | self._environ()
        self._process = await fork_piped(rectask("serve"), environ=environ, stdout=stdout, stderr=stderr)
        self.stack.push_async_callback(self._leave_nothing)

    async def start_importing(self) -> None:
        """An interpreter of its own, which has to import all first."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "serve"),
            env=os.environ | self._environ(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self.stack.push_async_callback(self._leave_nothing)

    def _environ(self) -> Mapping[str, str]:
        credential = {
            "http": {"SLACK_SIGNING_SECRET": self.slack.signing_secret},
            "socket": {"SLACK_APP_TOKEN": self.slack.app_token},
        }[self.door]
        return {
            **environ_for(self.rtc),
            **credential,
            "RECTASK_DATABASE_URL": f"sqlite:///{self.folder / 'rectask.db'}",
            "RECTASK_AUDIT": str(self.folder / "audit.jsonl"),
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": self.slack.api_url,
            "RECTASK_HOST": "127.0.0.1",
            "RECTASK_PORT": "0",
            **self.more,
        }

    async def _leave_nothing(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    async def until(self, event: str) -> None:
        """Until the process has logged this."""
        assert self.process.stderr is not None
        async with asyncio.timeout(COMES_WITHIN):
            while event not in self.events:
                line = await self.process.stderr.readline()
                assert line, f"It ended before {event}: {self.events}"
                said = json.loads(line)
                self.events.append(said["event"])
                if "port" in said:
                    self.port = said["port"]
                    self.slack.request_url = f"http://127.0.0.1:{self.port}/slack/events"

    async def start_serving(self) -> None:
        await self.start()
        await self.until("door.opened")


async def while_it_imports(world: World) -> None:
    await world.start_importing()
    await asyncio.sleep(0.3)  # Python itself needs less, and all modules more


async def while_the_database_is_silent(world: World) -> None:
    world.more["RECTASK_DATABASE_URL"] = f"postgresql://rectask@127.0.0.1:{world.silent.port}/rectask"
    await world.start()
    await world.silent.somebody_came.wait()


async def while_sqlite_is_locked(world: World) -> None:
    connection = world.stack.enter_context(closing(sqlite3.connect(world.folder / "rectask.db", isolation_level=None)))
    connection.execute("BEGIN EXCLUSIVE")
    await world.start()
    await world.until("server.opened")


async def while_redis_is_silent(world: World) -> None:
    world.more["RECTASK_REDIS_URL"] = f"redis://127.0.0.1:{world.silent.port}"
    await world.start()
    await world.silent.somebody_came.wait()


async def while_slack_is_silent(world: World) -> None:
    world.more["SLACK_API_URL"] = f"http://127.0.0.1:{world.silent.port}/api/"
    await world.start()
    await world.silent.somebody_came.wait()


async def while_slack_answers_503(world: World) -> None:
    world.slack.fault("auth.test", "503_before", times=None)
    await world.start()
    await world.until("start.delayed")


async def while_the_opening_of_a_socket_hangs(world: World) -> None:
    world.door = "socket"
    world.slack.fault("apps.connections.open", "timeout_before", times=None)
    await world.start()
    await world.slack.wait_for(lambda: world.slack.calls, timeout=COMES_WITHIN)  # of auth.test
    await asyncio.sleep(0.3)


async def while_the_sockets_gateway_is_silent(world: World) -> None:
    world.door = "socket"
    world.slack.fault("socket.handshake", "silent", times=None)
    await world.start()
    await world.until("door.opened")
    await asyncio.sleep(0.3)


async def while_the_socket_is_half_open(world: World) -> None:
    world.door = "socket"
    world.slack.fault("socket.hello", "half_open", times=None)
    await world.start()
    await world.slack.wait_for_socket(timeout=COMES_WITHIN)


async def while_it_serves(world: World) -> None:
    await world.start_serving()


async def while_rtc_hangs(world: World, *, seconds: float = 60.0) -> None:
    world.rtc.delay = seconds
    await world.start_serving()
    await world.slack.command("Room1 Task1", user=U_ANA, channel=C_ONCALL)


async def while_a_body_drips(world: World) -> None:
    await world.start_serving()
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    world.stack.callback(writer.close)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nc")

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(b"o")
            await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    world.stack.callback(dripping.cancel)
    await asyncio.sleep(0.3)


async def while_nobody_reads_the_log(world: World) -> None:
    """And people are answered all the same."""
    world.door = "socket"  # where the port need not be read from the log
    world.more["RECTASK_LOG_LEVEL"] = "debug"
    await world.start(stderr=_full_pipe(world))
    await world.slack.wait_for_socket(timeout=COMES_WITHIN)
    for number in range(5):
        assert (await world.slack.command(f"Room1 Task{number}", user=U_ANA, channel=C_ONCALL)).acked


async def while_nobody_reads_the_audit_log(world: World) -> None:
    world.more["RECTASK_AUDIT"] = "stdout"
    await world.start(stdout=_full_pipe(world))
    await world.until("door.opened")
    assert (await world.slack.command("help")).acked
    await asyncio.sleep(1.1)  # the audit log is written every second


async def while_standard_output_is_closed(world: World) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    world.stack.callback(os.close, writes)
    world.more["RECTASK_AUDIT"] = "stdout"
    await world.start(stdout=writes)
    await world.until("door.opened")
    assert (await world.slack.command("help")).acked


async def while_nobody_opens_the_audit_logs_pipe(world: World) -> None:
    os.mkfifo(world.folder / "pipe")
    world.more["RECTASK_AUDIT"] = str(world.folder / "pipe")
    await world.start_serving()
    assert (await world.slack.command("help")).acked
    await asyncio.sleep(1.1)


async def while_it_ends(world: World) -> None:
    await while_rtc_hangs(world, seconds=2.5)
    world.process.send_signal(signal.SIGTERM)
    await world.until("server.stopping")


def _full_pipe(world: World) -> int:
    """The end to write to of a pipe in which there is no room left."""
    reads, writes = os.pipe()
    world.stack.callback(os.close, reads)
    world.stack.callback(os.close, writes)
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    os.write(writes, b"x" * SMALLEST_PIPE)
    return writes


MOMENTS = [
    while_it_imports,
    while_the_database_is_silent,
    while_sqlite_is_locked,
    while_redis_is_silent,
    while_slack_is_silent,
    while_slack_answers_503,
    while_the_opening_of_a_socket_hangs,
    while_the_sockets_gateway_is_silent,
    while_the_socket_is_half_open,
    while_it_serves,
    while_rtc_hangs,
    while_a_body_drips,
    while_nobody_reads_the_log,
    while_nobody_reads_the_audit_log,
    while_standard_output_is_closed,
    while_nobody_opens_the_audit_logs_pipe,
    while_it_ends,
]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        rtc = await stack.enter_async_context(open_fake_rtc(FakeRtc()))
        slack = await stack.enter_async_context(open_fake_slack(FakeSlack()))
        silent = await stack.enter_async_context(open_silent())
        yield World(rtc, slack, silent, tmp_path, stack)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
async def test_sigterm_ends_it(world: World, moment: Callable[[World], Awaitable[None]]) -> None:
    async with asyncio.timeout(COMES_WITHIN + ENDED_WITHIN):
        await moment(world)
        world.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(ENDED_WITHIN):
            await world.process.wait()
    assert world.process.returncode == 0
