"""Signature and signed GET beside the vendor's packages, as ratios within one run.

Run by beside_peers.py in a process that has those packages.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from volcengine.ApiInfo import ApiInfo
from volcengine.base.Service import Service
from volcengine.Credentials import Credentials as TheirCredentials
from volcengine.ServiceInfo import ServiceInfo
from volcenginesdkcore.signv4 import SignerV4

from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import open_bot
from bot.lookup.under_way import Sent, UnderWay
from bot.recording.reading import Priority, Urgency
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.client import VolcengineApi
from bot.volcengine.api.signing import Credentials, Signer, canonical_query
from bot.volcengine.api.transport import PATIENCE, open_http, open_transport
from bot.volcengine.rtc.reader import RTC, RtcTaskReader
from testing.stand_ins import ACCOUNT, answering_machine, settings_for

CALLERS = 20
QUERY = {
    "Action": "GetRecordTask",
    "Version": "2023-11-01",
    "AppId": ACCOUNT.app_ids[0],
    "RoomId": "Room1",
    "TaskId": "Task1",
}


@dataclass(frozen=True)
class Size:
    rounds: int = 5
    signatures: int = 5_000
    requests: int = 2_000


QUICK = Size(rounds=3, signatures=1_000, requests=300)


def _signature(size: Size) -> list[str]:
    ours = Signer(
        Credentials(ACCOUNT.access_key, ACCOUNT.secret_key),
        region="cn-north-1",
        service="rtc",
        clock=lambda: datetime.now(UTC),
    )
    query = canonical_query(QUERY.items())

    def mine() -> None:
        ours.sign(method="GET", path="/", query=query, host="rtc.volcengineapi.com")

    def theirs() -> None:
        SignerV4.sign(
            "/", "GET", {"Host": "rtc.volcengineapi.com"}, "", {}, QUERY,
            ACCOUNT.access_key, ACCOUNT.secret_key, "cn-north-1", "rtc",
        )  # fmt: skip

    ratios, spent = [], []
    for _ in range(size.rounds):
        our_time, their_time = _seconds(mine, size.signatures), _seconds(theirs, size.signatures)
        ratios.append(their_time / our_time)
        spent.append(our_time / size.signatures * 1e6)
    return [
        f"{statistics.median(ratios):.2f}x as fast as volcenginesdk-core 5.0.54 ({statistics.median(spent):.1f} µs)"
    ]


def _seconds(act: Callable[[], None], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        act()
    return time.perf_counter() - begun


def _get(size: Size) -> list[str]:
    """Each round measures the three in turn, so that a change in the machine's speed meets them all."""
    to_theirs, to_unsigned, paces = [], [], []
    with answering_machine() as server:
        for _ in range(size.rounds):
            theirs = _pace_of_theirs(server.url, size.requests)
            unsigned = asyncio.run(_pace_unsigned(server.url, size.requests))
            ours = asyncio.run(_pace_of_ours(server.url, size.requests))
            to_theirs.append(ours / theirs)
            to_unsigned.append(ours / unsigned)
            paces.append(ours)
    median = statistics.median
    return [
        f"{median(to_theirs):.2f}x volcengine 1.0.229 from 20 threads ({median(paces):.0f} a second)",
        f"{median(to_unsigned):.2f}x",
    ]


class _NoPacer:
    async def turn(self, urgency: Urgency) -> Sent:
        """At once."""
        del urgency
        return UnderWay().begin()

    def slow_down(self) -> None:
        """It never is."""


async def _pace_of_ours(url: str, requests: int) -> float:
    settings = settings_for(url)
    clock = lambda: datetime.now(UTC)  # noqa: E731
    signer = Signer(
        Credentials(ACCOUNT.access_key, ACCOUNT.secret_key), region="cn-north-1", service="rtc", clock=clock
    )
    async with open_http(patience=PATIENCE) as http, open_bot(settings) as bot:
        openapi = VolcengineApi(
            http,
            service=RTC,
            endpoint=url,
            signer=signer,
            pacer=_NoPacer(),
            credentials_source="",
            clock=clock,
            patience=PATIENCE,
        )
        reader = RtcTaskReader(openapi)

        async def ask(number: int) -> None:
            ref = TaskRef(bot.apps[0], "Room1", f"Task{number}")
            reading = await reader.read(ref, urgency=Urgency(Priority.PERSON))
            assert reading.task.files[0].size == 30388433

        return await _pace(ask, requests)


async def _pace_unsigned(url: str, requests: int) -> float:
    """By a stock httpx.AsyncClient."""
    target = f"{url}/?{canonical_query(QUERY.items())}"
    async with open_transport() as transport, httpx.AsyncClient(transport=transport) as http:

        async def get(number: int) -> None:
            assert (await http.get(target.replace("Task1", f"Task{number}"))).status_code == 200

        return await _pace(get, requests)


async def _pace(act: Callable[[int], Awaitable[None]], requests: int) -> float:
    """Requests a second, each about another task, by 20 callers, after a round to warm up."""
    numbers = itertools.count()

    async def repeat(times: int) -> None:
        for _ in range(times):
            await act(next(numbers))

    await asyncio.gather(*(repeat(5) for _ in range(CALLERS)))
    begun = time.perf_counter()
    await asyncio.gather(*(repeat(requests // CALLERS) for _ in range(CALLERS)))
    return requests / (time.perf_counter() - begun)


def _pace_of_theirs(url: str, requests: int) -> float:
    info = ServiceInfo(
        urlsplit(url).netloc,
        {"Accept": "application/json"},
        TheirCredentials(ACCOUNT.access_key, ACCOUNT.secret_key, "rtc", "cn-north-1"),
        5,
        5,
        "http",
    )
    api = ApiInfo("GET", "/", {"Action": QUERY["Action"], "Version": QUERY["Version"]}, {}, {})
    service = Service(info, {"GetRecordTask": api})
    parameters = {name: QUERY[name] for name in ("AppId", "RoomId")}

    def ask(number: int) -> None:
        answer = json.loads(service.get("GetRecordTask", parameters | {"TaskId": f"Task{number}"}))
        assert answer["Result"]["RecordTask"]["Status"] == 3

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(ask, range(100)))
        begun = time.perf_counter()
        list(pool.map(ask, range(requests)))
        return requests / (time.perf_counter() - begun)


STEPS = {"signature": _signature, "get": _get}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    configure_logs(level="error", as_json=True, secrets=())
    print(json.dumps(STEPS[arguments.step](QUICK if arguments.quick else Size())))


if __name__ == "__main__":
    main()
