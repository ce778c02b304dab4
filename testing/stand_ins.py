"""Servers in processes of their own, so that what is measured does not share its event loop with what answers it."""

import asyncio
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL

import aiohttp
import psutil

from bot.app.config.load import load_settings
from bot.app.config.settings import Settings
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from testing.forked_processes import Forked, forking

ACCOUNT = Account()
READY_WITHIN = 30.0
ROOT = Path(__file__).parents[1]
# The example answer of the vendor's page, as bytes of HTTP.
_BODY = (
    b'{"Result":{"RecordTask":{"StartTime":1624873773000,"EndTime":1624874235000,"Status":3,"StopReason":"StopByAPI",'
    b'"RecordFileList":[{"Vid":"v02b69g10000***eldb8vjafvmg","Duration":457280,"Size":30388433,'
    b'"StartTime":1624873773354,"StreamList":[{"UserId":"user1","StreamType":0}]}]}},"ResponseMetadata":'
    b'{"RequestId":"20230****10420","Action":"GetRecordTask","Version":"2023-11-01","Service":"rtc",'
    b'"Region":"cn-north-1"}}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


@dataclass(frozen=True)
class Server:
    """A server at `url`, which tells what it received."""

    url: str
    control: Connection

    def received(self) -> list[tuple[float, str]]:
        """When each request came in (seconds, monotonic, the same in all processes), and its target."""
        self.control.send("received")
        told: list[tuple[float, str]] = self.control.recv()
        return told

    def count(self) -> int:
        """How many requests came in."""
        self.control.send("count")
        count: int = self.control.recv()
        return count

    def arrivals(self) -> list[float]:
        """When the last half a million requests came in."""
        self.control.send("arrivals")
        told: list[float] = self.control.recv()
        return told

    def fail_with(self, kind: str | None) -> None:
        """All requests go wrong from now on, or none again."""
        self.control.send(("fail", kind))
        self.control.recv()

    def end(self, room: str, task: str) -> float:
        """The task ends now, and leaves a file; the moment (seconds since the epoch)."""
        self.control.send(("end", room, task))
        ended_at: float = self.control.recv()
        return ended_at


Environ = dict[str, str]


@dataclass(frozen=True)
class StandIns:
    """RTC in a process of its own, Slack and its people in this one, and the settings that point at them."""

    rtc: Server
    slack: FakeSlack
    folder: Path
    environ: Environ


@dataclass
class Served:
    """`rectask serve` in a process of its own; its `url` is known once it is ready."""

    process: psutil.Popen | Forked
    log: Path
    url: str = ""

    async def until_ready(self) -> None:
        async with asyncio.timeout(READY_WITHIN):
            self.url = f"http://127.0.0.1:{await _port_of(self.process, self.log)}"
            await _until_ready(self.url)


@asynccontextmanager
async def open_stand_ins(**settings: str) -> AsyncIterator[StandIns]:
    """With a folder for a new database."""
    with fake_rtc() as rtc, tempfile.TemporaryDirectory() as name:
        async with open_fake_slack(FakeSlack()) as slack:
            folder = Path(name)
            yield StandIns(rtc, slack, folder, {**_environ(rtc, slack, folder), **settings})


def _environ(rtc: Server, slack: FakeSlack, folder: Path) -> Environ:
    return {
        "RECTASK_DATABASE_URL": f"sqlite:///{folder / 'rectask.db'}",
        "RECTASK_RTC_ENDPOINT": rtc.url,
        "RECTASK_APP_ID": ACCOUNT.app_ids[0],
        "VOLC_ACCESSKEY": ACCOUNT.access_key,
        "VOLC_SECRETKEY": ACCOUNT.secret_key,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        # One person asks as much here as many do elsewhere.
        "RECTASK_LOOKUPS_PER_MINUTE": "3600",
        "RECTASK_SUBSCRIPTIONS_PER_PERSON": "1000",
        "RECTASK_HOST": "127.0.0.1",
        "RECTASK_PORT": "0",
    }


@asynccontextmanager
async def serving(world: StandIns) -> AsyncIterator[Served]:
    """The bot, ready, behind the HTTP door, to which Slack's requests go."""
    served = start_serving(world.environ, world.folder, name="serve")
    try:
        await served.until_ready()
        world.slack.request_url = served.url + "/slack/events"
        yield served
    finally:
        served.process.terminate()
        await asyncio.to_thread(served.process.wait)


def start_serving(environ: Environ, folder: Path, *, name: str) -> Served:
    """Begin to serve; the log is `name`.log in the folder."""
    log, command = folder / f"{name}.log", [sys.executable, "-m", "bot", "serve"]
    with log.open("wb") as stream:
        process = psutil.Popen(
            command, env={"PYTHONPATH": str(ROOT), **environ}, cwd=folder, stdout=DEVNULL, stderr=stream
        )
    return Served(process, log)


async def _port_of(process: psutil.Popen | Forked, log: Path) -> int:
    """As its log says."""
    while process.poll() is None:
        if (port := _told_port(log)) is not None:
            return port
        await asyncio.sleep(0.02)
    told = _text_of(log).strip()
    *_, last = told.split("\n")
    raise ChildProcessError(f"rectask serve ended with {process.returncode}: {last}\n{told}")


def _told_port(log: Path) -> int | None:
    lines = _text_of(log).splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
    return next((int(event["port"]) for event in events if event["event"] == "server.opened"), None)


def _text_of(log: Path) -> str:
    return log.read_text()


async def _until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url + "/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.02)


@contextmanager
def fake_rtc(*, stall: float = 0.0) -> Iterator[Server]:
    """The stand-in for RTC; with `stall`, its event loop stands still for so many seconds once a second."""
    with _in_a_process(_run_fake_rtc, stall) as server:
        yield server


@contextmanager
def answering_machine() -> Iterator[Server]:
    """Answers everything with the vendor's example, as fast as asyncio can."""
    with _in_a_process(_run_answering_machine, 0.0) as server:
        yield server


def settings_for(url: str, *, qps: int = 60) -> Settings:
    """The settings that point at a server."""
    environ = {
        "RECTASK_RTC_ENDPOINT": url,
        "RECTASK_APP_ID": ACCOUNT.app_ids[0],
        "VOLC_ACCESSKEY": ACCOUNT.access_key,
        "VOLC_SECRETKEY": ACCOUNT.secret_key,
        "RECTASK_QPS": str(qps),
    }
    return load_settings(environ=environ, env_file=Path(os.devnull))


@contextmanager
def _in_a_process(run: Callable[[Connection, float], None], stall: float) -> Iterator[Server]:
    ours, theirs = multiprocessing.Pipe()
    process = forking().Process(target=run, args=(theirs, stall), daemon=True)
    process.start()
    theirs.close()  # so that a process that dies is noticed
    try:
        yield Server(url=ours.recv(), control=ours)
    finally:
        with suppress(BrokenPipeError):
            ours.send(None)
        process.join()


def _run_fake_rtc(control: Connection, stall: float) -> None:
    # It keeps what it received, and would stand still to look through that, and then count what waited as one bunch.
    gc.disable()

    async def serve() -> None:
        async with open_fake_rtc(FakeRtc(limit=None)) as fake:
            stalling = asyncio.create_task(stall_each_second(stall))
            control.send(fake.url)
            while (asked := await asyncio.to_thread(control.recv)) is not None:
                control.send(_answer(fake, asked))
            stalling.cancel()

    asyncio.run(serve())


def _answer(fake: FakeRtc, asked: object) -> object:
    match asked:
        case "received":
            return [(request.at, request.target) for request in fake.received]
        case "count":
            return len(fake.arrivals)
        case "arrivals":
            return list(fake.arrivals)
        case ("fail", None):
            fake.heal()
            return None
        case ("fail", str(kind)):
            fake.fail_with(kind)
            return None
        case ("end", str(room), str(task)):
            fake.end(room, task)
            return time.time()
    raise ValueError(asked)


async def stall_each_second(seconds: float) -> None:
    """Block the event loop for so long, once a second."""
    while seconds:
        await asyncio.sleep(1.0 - seconds)
        time.sleep(seconds)  # noqa: ASYNC251  # to block is the point


class _AnsweringMachine(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.waiting += data
        requests = self.waiting.count(b"\r\n\r\n")
        if requests:
            self.waiting = self.waiting.rpartition(b"\r\n\r\n")[2]
            self.transport.write(_ANSWER * requests)


def _run_answering_machine(control: Connection, _stall: float) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_AnsweringMachine, "127.0.0.1", 0)
        async with server:
            control.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await asyncio.to_thread(control.recv)

    asyncio.run(serve())
