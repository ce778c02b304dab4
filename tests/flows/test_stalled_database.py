"""While the database takes its time: who presses a button sees so at once, and nothing is posted twice or unasked."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.playground.slack.world import U_ANA, U_BEN, Message
from bot.playground.volcengine.rtc import FakeRtc
from testing.file_links_harness import open_linked_office
from testing.fragile_office import Bureau, open_bureau
from tests.flows.test_slow_answers import BRISK, answer_to

SIGN = "Waiting for Rectask's database … The answer follows here."


@pytest.fixture
async def bureau(fake_rtc: FakeRtc, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(fake_rtc, tmp_path, limits=BRISK) as opened:
        yield opened


@contextmanager
def stalled(database: Path) -> Iterator[None]:
    """Another program holds the lock: whoever writes waits."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def until_all_is_done(bureau: Bureau) -> None:
    for _ in range(1_000):
        if not len(bureau.desk.work):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("Something still goes on.")


def seen_by_all(bureau: Bureau) -> list[Message]:
    return [message for message in bureau.slack.messages if message.ephemeral_to is None]


async def test_share_sent_three_times_says_that_it_waits_and_posts_once(bureau: Bureau, tmp_path: Path) -> None:
    card = await answer_to(bureau, "Room1 Task1")
    bureau.slack.repeats = 2
    with stalled(tmp_path / "rectask.db"):
        assert (await bureau.slack.press(card, "rectask.share", user=U_ANA)).acked
        sign = await bureau.slack.next_message(user=U_ANA)
        assert (sign.text, sign.ephemeral_to) == (SIGN, U_ANA)
        assert not seen_by_all(bureau)
    await bureau.slack.next_message(user=U_BEN)
    await until_all_is_done(bureau)
    assert len(seen_by_all(bureau)) == 1


async def test_refresh_on_a_shared_card_says_that_it_waits(bureau: Bureau, tmp_path: Path) -> None:
    await bureau.slack.press(await answer_to(bureau, "running Task1"), "rectask.share", user=U_ANA)
    shared = await bureau.slack.next_message(user=U_BEN)
    await until_all_is_done(bureau)
    asked = len(bureau.rtc.received)
    before = len(bureau.slack.messages)
    with stalled(tmp_path / "rectask.db"):
        assert (await bureau.slack.press(shared, "rectask.refresh", user=U_ANA)).acked
        await bureau.slack.wait_for(lambda: len(bureau.slack.messages) > before)
        assert (bureau.slack.messages[-1].text, bureau.slack.messages[-1].ephemeral_to) == (SIGN, U_ANA)
        assert len(bureau.rtc.received) == asked
    await bureau.slack.wait_for(lambda: len(bureau.rtc.received) > asked)
    await until_all_is_done(bureau)
    assert len(seen_by_all(bureau)) == 1


async def test_get_links_says_within_two_seconds_that_it_waits() -> None:
    async with open_linked_office() as linked:
        shared = await linked.shared("stopped-by-api Task1")
        slack = linked.office.slack
        before = len(slack.messages)
        (database,) = linked.office.folder.glob("*.db")
        with stalled(database):
            pressed = time.monotonic()
            assert (await slack.press(shared, "rectask.links", user=U_ANA)).acked
            await slack.wait_for(lambda: len(slack.messages) > before)
            assert time.monotonic() - pressed < 2.0
        assert (slack.messages[-1].text, slack.messages[-1].ephemeral_to) == (SIGN, U_ANA)
        await linked.office.end()
        assert len(slack.messages) == before + 2
        assert all(message.ephemeral_to == U_ANA for message in slack.messages[before:])
