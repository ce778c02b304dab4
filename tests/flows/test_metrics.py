"""GET /metrics of the running bot: each thing that happens moves what counts it."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import psycopg
import pytest

from bot import __version__
from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN
from testing.conversation import typed, until_ready
from testing.harness import Office, open_office
from testing.metrics import Scraped, scrape, scrape_until
from testing.postgres import Postgres

AN_HOUR = "3600"
OF_THE_STORE = (
    "rectask_watched_tasks",
    "rectask_watched_tasks_overdue",
    "rectask_oldest_due_look_seconds",
    "rectask_oldest_pending_notice_seconds",
)


class Timer:
    """The machine's, and ahead of it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead

    def until_the_store_is_asked_again(self) -> None:
        self.ahead += 10


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office(door="http") as opened:
        await until_ready(opened)
        yield opened


async def test_look_ups_are_counted_with_what_they_cost_rtc(office: Office) -> None:
    await typed(office, "Room1 Task1")
    rooms = ("Room1", "nosuch", "error-LackPolicy", "error-FlowLimitExceeded", "closed", "slow", "html", "bad-gateway")
    await asyncio.gather(*(office.slack.command(f"{room} Task1", user=U_ANA, channel=C_ONCALL) for room in rooms))
    is_all = {"found": 2, "not_found": 1, "refused": 1, "unavailable": 5}

    def lookups(scraped: Scraped) -> dict[str, float | None]:
        return {each: scraped.get("rectask_lookups_total", outcome=each, asker="person") for each in is_all}

    scraped = await scrape_until(office.url, lambda each: lookups(each) == is_all)
    codes = {
        "ok": 1,
        "InvalidParameter.ErrorActiveTaskNotFound": 1,
        "LackPolicy": 1,
        "FlowLimitExceeded": 3,
        "unreachable": 3,
        "timeout": 3,
        "unreadable": 1,
        "502": 3,
        "other": 0,
    }
    assert {code: scraped.get("rectask_rtc_requests_total", code=code) for code in codes} == codes
    assert scraped.get("rectask_rtc_request_seconds_count") == sum(codes.values())
    assert scraped.get("rectask_pacer_wait_seconds_count", priority="person") == sum(codes.values())
    sources = {"memory": 1, "flight": 0, "shared": 0, "rtc": 8}
    assert {each: scraped.get("rectask_answers_total", source=each) for each in sources} == sources
    assert scraped.get("rectask_rtc_request_seconds_bucket", le="10.0") == sum(codes.values())


async def test_acks_are_timed_and_calls_of_slack_counted(office: Office) -> None:
    before = await scrape(office.url)
    card = await typed(office, "Room1 Task1")
    office.slack.fault("users.info", "500_before")
    await typed(office, "Room1 Task1", user=U_BEN)
    await office.slack.press(card, "rectask.refresh", user=U_ANA)
    office.slack.fault("conversations.info", "some_new_error")
    await office.slack.press(card, "rectask.share", user=U_ANA)
    office.slack.fault("views.publish", "ratelimited")
    await office.slack.open_home(user=U_ANA)

    def calls(scraped: Scraped, method: str, outcome: str) -> float | None:
        return scraped.get("rectask_slack_calls_total", method=method, outcome=outcome)

    one_each = {
        "auth.test": "ok",
        "users.info": "unreachable",
        "conversations.info": "error",
        "views.publish": "ratelimited",
    }
    after = await scrape_until(office.url, lambda told: all(calls(told, *each) == 1 for each in one_each.items()))
    assert calls(after, "response_url", "ok")
    assert not any(calls(after, "other", each) for each in ("ok", "ratelimited", "error", "unreachable"))

    def more(kind: str, **bucket: str) -> float:
        name = f"rectask_ack_seconds_{'bucket' if bucket else 'count'}"
        return (after.get(name, kind=kind, **bucket) or 0) - (before.get(name, kind=kind, **bucket) or 0)

    assert [more(kind) for kind in ("command", "action", "event", "view")] == [2, 2, 1, 0]
    assert [more(kind, le="3.0") for kind in ("command", "action", "event")] == [2, 2, 1]


async def test_a_watched_task_from_its_due_time_to_its_notice() -> None:
    timer = Timer()
    async with open_office(door="socket", timer=timer, RECTASK_WATCH_INTERVAL=AN_HOUR) as office:
        await office.slack.wait_for_socket()
        await office.slack.command("watch running Task1", user=U_ANA, channel=C_ONCALL)
        await office.slack.next_message(user=U_ANA, channel=C_ONCALL)
        scraped = await scrape(office.url)
        assert [scraped.get(name) for name in OF_THE_STORE] == [1, 0, 0, 0]
        assert scraped.get("rectask_lookups_total", outcome="found", asker="watcher") == 0
        office.slack.fault("chat.postMessage", "ratelimited")
        office.rtc.end("running")
        timer.until_the_store_is_asked_again()
        await typed(office, "running Task1")
        settled = "rectask_notices_settled_total"
        await scrape_until(office.url, lambda each: each.get(settled, outcome="delivered") == 1)
        timer.until_the_store_is_asked_again()
        scraped = await scrape(office.url)
        await office.slack.break_sockets("closed")
        await scrape_until(office.url, lambda each: each.get("rectask_socket_lost_total", reason="closed") == 1)
    assert scraped.get("rectask_socket_regained_total") == 0
    assert scraped.get(settled, outcome="put_off") == 1
    assert [scraped.get(name) for name in OF_THE_STORE] == [0, 0, 0, 0]
    states = ("pending", "sending", "delivered", "dead")
    assert [scraped.get("rectask_notices", state=each) for each in states] == [0, 0, 1, 0]
    assert scraped.get("rectask_lookups_total", outcome="found", asker="watcher") == 1
    assert scraped.get("rectask_look_lateness_seconds_count") == 1
    for loop in ("looks", "notices"):
        assert scraped.get("rectask_rounds_total", loop=loop, outcome="good")
        good_at = scraped.get("rectask_last_good_round_timestamp_seconds", loop=loop)
        assert good_at == pytest.approx(time.time(), abs=60)
    assert scraped.get("rectask_ack_seconds_count", kind="command") == 2
    assert scraped.get("rectask_build_info", version=__version__) == 1
    assert scraped.get("process_resident_memory_bytes")


async def test_a_store_that_hangs_or_is_gone_is_told_of_in_time(postgres: Postgres) -> None:
    timer = Timer()
    url = postgres.create("scraped")

    async def is_reachable() -> bool:
        timer.until_the_store_is_asked_again()
        began = time.monotonic()
        scraped = await scrape(opened.url)
        assert time.monotonic() - began < 2.5
        told = scraped.get("rectask_store_reachable") == 1
        assert [scraped.get(name) is not None for name in OF_THE_STORE] == [told] * len(OF_THE_STORE)
        return told

    async with open_office(door="http", timer=timer, RECTASK_DATABASE_URL=url) as opened:
        await until_ready(opened)
        assert await is_reachable()
        with psycopg.connect(url) as connection:
            # In a thread: it waits for whatever transaction the bot has begun, which goes on in this one.
            await asyncio.to_thread(connection.execute, "LOCK TABLE notices IN ACCESS EXCLUSIVE MODE")
            assert not await is_reachable()
            assert not await is_reachable()
        await scrape_until(opened.url, lambda each: each.get("rectask_store_reachable") == 1)
        postgres.stop()
        try:
            assert not await is_reachable()
            failed = {"loop": "looks", "outcome": "failed"}
            await scrape_until(opened.url, lambda each: bool(each.get("rectask_rounds_total", **failed)))
        finally:
            postgres.start()
        assert await is_reachable()


async def test_openmetrics_is_given_to_who_asks_for_it(office: Office) -> None:
    accepted = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    async with aiohttp.ClientSession() as session, session.get(f"{office.url}/metrics", headers=accepted) as response:
        assert response.content_type == "application/openmetrics-text"
        assert (await response.text()).endswith("# EOF\n")
