"""Three replicas and 600 callers: the worst second as RTC counts it, while all is well and while something is not."""

import asyncio
import functools
import signal
import time
from contextlib import suppress
from urllib.parse import urlsplit

from bot.app.config.load import load_settings
from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import open_bot
from bot.playground.volcengine.arrivals import worst_second
from bot.recording.reading import Priority, TaskReadError, Urgency
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.transport import Timeouts
from testing.factories import NO_FILE
from testing.fault_proxy import FaultProxy, open_fault_proxy
from testing.forked_processes import Forked, fork, own_environ
from testing.redis_server import RedisServer, run_redis
from testing.stand_ins import ACCOUNT, Server, fake_rtc

REPLICAS, CALLERS = 3, 600
# They wait for their turn far longer than people would.
UNHURRIED = Timeouts(total=600)


async def shared_pace(trouble: str, *, seconds: float, away: float = 0.0) -> str:
    """`trouble` comes in the middle: "none", "flush", "kill" (Redis is back after a quarter), "stall" or "stop".

    For `away` seconds nothing gets through to RTC or back ("stall"), or each replica in turn stands still ("stop").
    """
    with fake_rtc() as rtc, run_redis() as redis:
        async with open_fault_proxy(urlsplit(rtc.url).port or 0) as network:
            url = f"http://127.0.0.1:{network.port}" if trouble == "stall" else rtc.url
            processes = [_start(url, redis, seconds) for _ in range(REPLICAS)]
            await asyncio.sleep(seconds / 2)
            match trouble:
                case "stall":
                    await _stall(network, away)
                case "stop":
                    await _stop_each(processes, away)
                case _:
                    await _trouble(trouble, redis, seconds)
            return await _told(processes, rtc)


async def _told(processes: list[Forked], rtc: Server) -> str:
    for process in processes:
        assert await asyncio.to_thread(process.wait) == 0
    arrivals = rtc.arrivals()
    pace = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    return f"worst second {worst_second(arrivals)}, {pace:.1f} a second over {len(arrivals):,} requests"


async def _stall(network: FaultProxy, away: float) -> None:
    network.fault = "stall"
    await asyncio.sleep(away)
    network.fault = "none"


async def _stop_each(processes: list[Forked], away: float) -> None:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(away)
        process.send_signal(signal.SIGCONT)


async def _trouble(trouble: str, redis: RedisServer, seconds: float) -> None:
    if trouble == "flush":
        await asyncio.to_thread(redis.flush)
    if trouble == "kill":
        await asyncio.to_thread(redis.kill)
        await asyncio.sleep(seconds / 4)
        await asyncio.to_thread(redis.start)


def _start(url: str, redis: RedisServer, seconds: float) -> Forked:
    environ = {
        "RECTASK_RTC_ENDPOINT": url,
        "RECTASK_APP_ID": ACCOUNT.app_ids[0],
        "VOLC_ACCESSKEY": ACCOUNT.access_key,
        "VOLC_SECRETKEY": ACCOUNT.secret_key,
        "RECTASK_REDIS_URL": redis.url,
        "RECTASK_REPLICAS": str(REPLICAS),
    }
    run = functools.partial(_run, environ, seconds)
    return fork(run, environ=own_environ(), stdout=1, stderr=2)


def _run(environ: dict[str, str], seconds: float) -> None:
    configure_logs(level="error", as_json=True, secrets=())
    asyncio.run(_ask_all(environ, seconds))


async def _ask_all(environ: dict[str, str], seconds: float) -> None:
    async with open_bot(load_settings(environ=environ, env_file=NO_FILE), patience=UNHURRIED) as bot:
        until = time.monotonic() + seconds

        async def call(caller: int) -> None:
            number = 0
            while time.monotonic() < until:
                number += 1
                ref = TaskRef(bot.apps[0], "Room1", f"{caller}-{number}-{id(bot)}")
                with suppress(TaskReadError):
                    await bot.reader.read(ref, urgency=Urgency(Priority.PERSON))

        calls = [asyncio.create_task(call(caller)) for caller in range(CALLERS // REPLICAS)]
        await asyncio.sleep(seconds)
        for each in calls:
            each.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
