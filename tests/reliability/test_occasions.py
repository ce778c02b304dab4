"""What subscribers are told on each occasion, from RTC's answer to the words in their direct messages."""

import json
from datetime import timedelta

import pytest
from structlog.typing import EventDict

from bot.notices.person import Person
from bot.playground.slack.world import T_HOME, U_ANA, U_BEN
from bot.playground.volcengine.scenes import task
from bot.recording.reading import Priority, Urgency
from testing.lifetimes import INTERVAL, Works

BEN = Person(T_HOME, U_BEN)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def url(sqlite_url: str) -> str:
    """The kinds of databases are compared elsewhere."""
    return sqlite_url


def said(works: Works, room: str = "room") -> str:
    """All that the newest direct message about the room says."""
    message = works.messages(room)[-1]
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


async def go_on(works: Works, span: timedelta, *, step: timedelta = INTERVAL) -> None:
    await works.until_quiet(rounds=span // step, step=step)


async def test_the_end_with_its_files(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room", Person(T_HOME, U_ANA), BEN)
    works.ends("room")
    works.clock.move(INTERVAL)
    await go_on(works, MINUTE)
    assert len(works.messages("room")) == len(works.messages("room", user=U_BEN)) == 1
    assert "Ended after 10 min: stopped through the API. 1 file" in said(works)
    assert "You get this because you subscribed" in said(works)
    asked = len(works.rtc.received)
    await go_on(works, 10 * MINUTE)
    assert len(works.rtc.received) == asked


async def test_one_look_for_all_who_subscribe(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room", *(Person(T_HOME, user) for user in works.slack.add_people(20)))
    asked = len(works.rtc.received)
    works.clock.move(INTERVAL)
    async with works.life() as life:
        await life.go_round()
    assert len(works.rtc.received) == asked + 1


async def test_files_that_come_within_two_minutes_come_with_the_end(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.ends("room", files=0)
    works.clock.move(INTERVAL)
    await go_on(works, MINUTE)
    assert works.messages("room") == []
    works.rtc.answers["room"] = works.told("room", files=2)
    await go_on(works, MINUTE)
    assert len(works.messages("room")) == 1
    assert "2 files" in said(works)


async def test_files_that_come_later_change_the_message_and_are_told_in_its_thread(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.ends("room", files=0)
    works.clock.move(INTERVAL)
    await go_on(works, 3 * MINUTE)
    (first,) = works.messages("room")
    assert "No files" in first.text
    works.rtc.answers["room"] = works.told("room", files=2)
    await go_on(works, 3 * MINUTE)
    changed, reply = works.messages("room")
    assert (changed.ts, reply.thread_ts) == (first.ts, first.ts)
    assert "2 files" in changed.text
    assert changed.edited == 1
    asked = len(works.rtc.received)
    await go_on(works, 5 * MINUTE)
    assert (len(works.messages("room")), len(works.rtc.received)) == (2, asked)


async def test_files_that_never_come_are_looked_for_no_longer_than_an_hour(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.ends("room", files=0)
    works.clock.move(INTERVAL)
    await go_on(works, 70 * MINUTE, step=MINUTE)
    asked = len(works.rtc.received)
    assert 55 < asked < 80
    await go_on(works, 10 * MINUTE, step=MINUTE)
    assert (len(works.messages("room")), len(works.rtc.received)) == (1, asked)


async def test_a_task_whose_ids_were_taken_by_a_newer_one(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.clock.move(INTERVAL)
    works.runs("room")
    await go_on(works, MINUTE)
    assert len(works.messages("room")) == 1
    assert "newer" in said(works)
    assert "rectask.subscribe" in said(works)
    (entry,) = await works.entries()
    assert entry.notice_state == "delivered"


async def test_a_task_that_rtc_does_not_find_for_a_while(works: Works) -> None:
    """It may be running all the same: nothing is told before its end, or before its 72 hours are over."""
    works.runs("room")
    await works.subscribe("room")
    told = works.rtc.answers.pop("room")
    works.clock.move(INTERVAL)
    await go_on(works, 30 * MINUTE, step=2 * MINUTE)
    assert works.messages("room") == []
    works.rtc.answers["room"] = told
    works.ends("room")
    await go_on(works, 30 * MINUTE, step=2 * MINUTE)
    assert len(works.messages("room")) == 1
    assert "Ended" in said(works)


async def test_a_task_that_runs_longer_than_rtc_tells_of_it(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.clock.move(timedelta(hours=71, minutes=49))
    await go_on(works, MINUTE / 2)
    assert works.messages("room") == []
    del works.rtc.answers["room"]
    await go_on(works, 3 * MINUTE)
    (message,) = works.messages("room")
    assert "72 h" in said(works)
    assert "unning" in message.text + said(works)


async def test_a_status_that_tells_nothing_for_long_and_then_the_end(works: Works) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.rtc.answers["room"] = task(status=0, start=works.started("room"))
    works.clock.move(INTERVAL)
    await go_on(works, 15 * MINUTE, step=MINUTE)
    assert len(works.messages("room")) == 1
    works.ends("room")
    await go_on(works, 2 * MINUTE)
    assert len(works.messages("room")) == 2
    assert "Ended" in works.messages("room")[-1].text


async def test_what_failed_is_shown_in_the_list_and_looked_at_less_often(works: Works, logged: list[EventDict]) -> None:
    works.runs("room")
    await works.subscribe("room")
    works.rtc.fail_with("LackPolicy")
    works.clock.move(INTERVAL)
    asked = len(works.rtc.received)
    await go_on(works, 20 * MINUTE)
    (entry,) = await works.entries()
    assert "LackPolicy" in (entry.watched.last_error or "")
    assert entry.watched.failures > 3
    assert len(works.rtc.received) - asked < 14
    assert not [entry for entry in logged if entry["event"] == "outage.began"]


async def test_one_task_that_can_not_be_read_stops_no_other(works: Works) -> None:
    works.runs("bad")
    works.runs("good")
    await works.subscribe("bad")
    await works.subscribe("good")
    works.rtc.answers["bad"] = "text where a task should be"
    works.ends("good")
    works.clock.move(INTERVAL)
    await go_on(works, MINUTE)
    assert len(works.messages("good")) == 1
    assert works.messages("bad") == []


@pytest.mark.parametrize("asked_before", [1, 4], ids=["in the memory of answers", "the last that is known"])
async def test_an_end_that_another_replica_has_seen_is_not_looked_for_in_memory(
    works: Works, asked_before: int
) -> None:
    """This replica still has "running" in its memory when the other one's refresh makes the look due."""
    works.runs("mine")
    await works.subscribe("mine")
    reader = works.bot.reader
    works.clock.move(timedelta(seconds=asked_before))
    await reader.read(works.ref("mine"), urgency=Urgency(Priority.PERSON))
    works.clock.move(timedelta(seconds=1))
    works.ends("mine")
    await works.stores.looks.hasten(works.ref("mine"))
    last_known = reader.last_known if asked_before > 1 else (lambda _ref: None)
    async with works.life(reader=reader, last_known=last_known) as life:
        await life.go_round()
    assert len(works.messages("mine")) == 1
