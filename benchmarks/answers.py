"""The whole bot between the stand-ins, over HTTP: its speed beside a bare Bolt app, and its acks under strain.

The bare app only acks: Bolt's aiohttp adapter with Bolt's own check of the signature, on aiohttp's server. Bolt looks
every 10 ms whether a listener has acked, so that a few connections would measure that pause: 50 of them cannot get
more than 5,000 answers a second, which a bare app comes near to. With 100 the serving process's CPU is measured.
"""

import asyncio
import json
import math
import multiprocessing
import re
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.table import Claim, Part
from bot.playground.slack.delivery import Delivery, Outcome
from bot.playground.slack.payloads import command_form
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA, Message
from bot.playground.volcengine.arrivals import worst_second
from testing.forked_processes import forking
from testing.stand_ins import Environ, open_stand_ins, serving

CONNECTIONS = 100
ANSWERED_WITHIN = 30.0
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass(frozen=True)
class Size:
    rounds: int = 5
    requests: int = 4_000
    requests_while_remembered: int = 1_000
    hanging: int = 50
    at_once: int = 400


QUICK = Size(rounds=1, requests=500, requests_while_remembered=100, hanging=10, at_once=100)


def parts(*, quick: bool) -> Iterator[Part]:
    size = QUICK if quick else Size()
    yield _part(
        "`/rectask` answered from the cache, over HTTP", ">= 80 % of a bare Bolt app that only acks", _cached, size
    )
    yield _part("the same for a task that runs, which the store is asked about", "reported", _running, size)
    yield _part(f"ack while RTC hangs for 30 s, {size.hanging} askers", "< 2.5 s, p99", _hanging, size)
    yield _part(
        f"{size.at_once} different tasks asked for at once",
        "all answered, acked < 2.9 s, worst second <= 60",
        _at_once,
        size,
    )


def _part(what: str, bar: str, measure: Callable[[Size], Coroutine[None, None, str]], size: Size) -> Part:
    return Part((Claim(what, bar),), lambda: [asyncio.run(measure(size))])


@contextmanager
def _in_a_process(run: Callable[[Connection, Environ], None], environ: Environ) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = forking().Process(target=run, args=(theirs, environ), daemon=True)
    process.start()
    theirs.close()  # so that a process that dies is noticed
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _run_bare_bolt(control: Connection, environ: Environ) -> None:
    async def run() -> None:
        slack = AsyncWebClient(token=environ["SLACK_BOT_TOKEN"], base_url=environ["SLACK_API_URL"])
        bolt = AsyncApp(client=slack, signing_secret=environ["SLACK_SIGNING_SECRET"])
        bolt.command("/rectask")(only_ack)

        async def handle(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

        app = web.Application()
        app.router.add_post("/slack/events", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        control.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    async def only_ack(ack: AsyncAck) -> None:
        await ack()

    asyncio.run(run())


async def _cached(size: Size) -> str:
    """An ended task, which nothing need be asked about."""
    figures, received = await _beside_bare_bolt("Room1", size.rounds, size.requests)
    assert received == CONNECTIONS, "not all answers were from the cache"
    return f"{figures}, each in one process, {CONNECTIONS} connections"


async def _running(size: Size) -> str:
    """What runs is remembered for five seconds, and the store says whether the asker is subscribed."""
    figures, received = await _beside_bare_bolt("running", size.rounds, size.requests_while_remembered)
    anew = max(received - CONNECTIONS * (size.rounds + 1), 0)
    return f"{figures}; RTC was asked in the middle of it {anew} times"


async def _beside_bare_bolt(room: str, rounds: int, requests: int) -> tuple[str, int]:
    """The figures, and how many requests RTC received.

    The two are measured in turn, so that a change in the machine's speed meets both. Each time all is in the memory
    before it counts.
    """
    ratios, ours, bares = [], [], []
    async with open_stand_ins() as world, serving(world) as bot:
        with _in_a_process(_run_bare_bolt, world.environ) as bare_url:
            for _ in range(rounds + 1):
                bares.append(await _pace(world.slack, bare_url, room, requests, answer_has=b""))
                await _pace(world.slack, bot.url, room, CONNECTIONS, answer_has=b"")
                ours.append(await _pace(world.slack, bot.url, room, requests, answer_has=b'"blocks"'))
                ratios.append(ours[-1] / bares[-1])
        received = world.rtc.count()
    our, bare, ratio = (statistics.median(figures[1:]) for figures in (ours, bares, ratios))  # but for the warm-up
    return f"{ratio:.0%} ({our:.0f} a second beside {bare:.0f})", received


async def _pace(slack: FakeSlack, url: str, room: str, requests: int, *, answer_has: bytes) -> float:
    """Requests a second; each connection asks about a task of its own."""
    prepared = [_request(slack, url, f"{room} cached{number}") for number in range(CONNECTIONS)]
    begun = time.perf_counter()
    await asyncio.gather(*(_repeat(url, data, requests // CONNECTIONS, answer_has) for data in prepared))
    return requests / (time.perf_counter() - begun)


def _request(slack: FakeSlack, url: str, text: str) -> bytes:
    """The bytes of a command as Slack sends it, signed now."""
    form = command_form(
        slack.people[U_ANA],
        slack.channels[C_ONCALL],
        command="/rectask",
        text=text,
        trigger_id="1.2.3",
        url=slack.url + "/hooks/commands/unused",
    )
    body, content_type = Delivery("slash_commands", form).as_http()
    headers = {
        "Host": url.removeprefix("http://"),
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        **slack.sign(body),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /slack/events HTTP/1.1\r\n{lines}\r\n".encode() + body


async def _repeat(url: str, request: bytes, times: int, answer_has: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None
        content = await reader.readexactly(int(length[1]))
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert answer_has in content, content
    writer.close()
    await writer.wait_closed()


async def _hanging(size: Size) -> str:
    async with open_stand_ins() as world, serving(world):
        outcomes = await asyncio.gather(*(world.slack.command(f"slow hanging{n}") for n in range(size.hanging)))
    worst = _seconds_at(outcomes, 0.99)
    return f"{worst:.2f} s p99, {_seconds_at(outcomes, 0.5):.2f} s in the median, {_acked(outcomes)} acked"


async def _at_once(size: Size) -> str:
    tasks = [f"at-once{number}." for number in range(size.at_once)]
    async with open_stand_ins() as world, serving(world):
        slack = world.slack
        begun = time.monotonic()
        outcomes = await asyncio.gather(*(slack.command(f"Room1 {task}") for task in tasks))
        with suppress(TimeoutError):  # the figure tells
            await slack.wait_for(lambda: len(slack.messages) >= size.at_once, timeout=ANSWERED_WITHIN)
        took = time.monotonic() - begun
        cards = [json.dumps(message.blocks) for message in slack.messages if _is_answer(message)]
        arrivals = [at for at, _ in world.rtc.received()]
        assert not slack.complaints + slack.refusals, (slack.complaints, slack.refusals)
    answered = sum(any(task in card for card in cards) for task in tasks)
    in_ack = sum(outcome.body is not None for outcome in outcomes)
    return (
        f"{answered} answered ({in_ack} in the ack, the last after {took:.1f} s), "
        f"{_acked(outcomes)} acked within {_seconds_at(outcomes, 1):.2f} s, worst second {worst_second(arrivals)}"
    )


def _is_answer(message: Message) -> bool:
    """Whether it shows a task with its files, and not that something failed."""
    return message.is_bot and "rectask.files" in json.dumps(message.blocks)


def _acked(outcomes: list[Outcome]) -> int:
    return sum(outcome.acked and outcome.error is None for outcome in outcomes)


def _seconds_at(outcomes: list[Outcome], share: float) -> float:
    """The seconds within which that share of them was over."""
    seconds = sorted(outcome.seconds for outcome in outcomes)
    return seconds[math.ceil(len(seconds) * share) - 1]
