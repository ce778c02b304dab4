"""Subscriptions in the running bot: what a person's look-up does for others, an orderly end, a store that is gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from bot.app.serve import serve
from bot.app.wiring.notices import stores_of
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import task
from bot.storage.database import open_database
from testing.conversation import typed
from testing.harness import Office, open_office, settings_for
from testing.http_requests import get
from testing.postgres import Postgres

START = round(time.time() * 1000) - 600_000
AN_HOUR = "3600"


async def test_whoever_looks_up_an_end_brings_the_notice_to_all_who_wait() -> None:
    async with open_office(door="socket", RECTASK_WATCH_INTERVAL=AN_HOUR) as office:
        await office.slack.wait_for_socket()
        office.rtc.answers["mine"] = task(status=2, start=START)
        card = await typed(office, "mine Task1")
        await office.slack.press(card, "rectask.subscribe", user=U_ANA)
        await office.slack.wait_for(lambda: card.edited)
        office.rtc.end("mine")
        await office.slack.press(card, "rectask.refresh", user=U_ANA)
        dm = office.slack.world.dm_with(U_ANA).id
        notice = await office.slack.next_message(channel=dm)
        assert "Ended" in notice.text


async def test_an_orderly_end_gives_back_what_is_being_looked_at(tmp_path: Path) -> None:
    rtc = FakeRtc()
    async with open_fake_rtc(rtc), open_fake_slack(FakeSlack()) as slack:
        rtc.answers["mine"] = task(status=1, start=START)
        settings = settings_for(rtc, slack, door="socket", folder=tmp_path, RECTASK_WATCH_INTERVAL="5")
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(settings, stop=stop))
        await slack.wait_for_socket()
        await slack.command("watch mine Task1", user=U_ANA, channel=C_ONCALL)
        await slack.next_message(user=U_ANA, channel=C_ONCALL)
        rtc.fail_with("slow")
        await _until(lambda: any("mine" in request.target for request in list(rtc.received)[1:]))
        stop.set()
        await serving
        async with open_database(settings.database_url.get_secret_value()) as database:
            (look,) = await stores_of(database).looks.claim_due(limit=9, lease=timedelta(seconds=1))
        assert look.watched.ref.room == "mine"


async def test_a_store_that_goes_away_turns_it_unready_and_look_ups_go_on(postgres: Postgres) -> None:
    async with open_office(door="http", RECTASK_DATABASE_URL=postgres.create("office")) as office:
        await _until(lambda: _is_ready(office))
        postgres.stop()
        try:
            await _until(lambda: _has_no_store(office))
            assert "Ended after" in (await typed(office, "Room1 Task1", user=U_BEN)).text
        finally:
            postgres.start()
        await _until(lambda: _is_ready(office))


async def _is_ready(office: Office) -> bool:
    return (await get(f"{office.url}/readyz"))[0] == HTTPStatus.OK


async def _has_no_store(office: Office) -> bool:
    _, told = await get(f"{office.url}/readyz")
    assert isinstance(told, dict)
    return told["checks"]["store"] is False


async def _until(find: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            found = find()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.05)


async def test_an_app_that_was_renamed_is_called_by_its_new_name_in_the_list(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mine.db'}"
    rtc, app_id = FakeRtc(), FakeRtc().account.app_ids[0]
    async with open_fake_rtc(rtc), open_fake_slack(FakeSlack()) as slack:
        rtc.answers["mine"] = task(status=2, start=START)
        for name, typed_text in (("before", "watch mine Task1"), ("after", "list")):
            settings = settings_for(
                rtc,
                slack,
                door="socket",
                folder=tmp_path,
                RECTASK_DATABASE_URL=url,
                RECTASK_APP_ID="",
                RECTASK_APPS=f"{name}={app_id}",
            )
            stop = asyncio.Event()
            serving = asyncio.create_task(serve(settings, stop=stop))
            await slack.wait_for_socket()
            await slack.command(typed_text, user=U_ANA, channel=C_ONCALL)
            await slack.next_message(user=U_ANA, channel=C_ONCALL)
            stop.set()
            await serving
        listed = str(slack.message_for(U_ANA, channel=C_ONCALL).blocks)
    assert "`after`" in listed
    assert "`before`" not in listed
