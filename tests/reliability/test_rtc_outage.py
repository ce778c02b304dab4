"""RTC is gone for ten minutes: all who watch are told afterwards, and the log says so twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.typing import EventDict

from bot.lookup.local_slots import OwnSlots
from bot.lookup.pacing import Pacer
from bot.notices.person import Person
from bot.playground.slack.world import T_HOME
from bot.recording.reading import TaskReader
from bot.volcengine.api.client import VolcengineApi
from bot.volcengine.api.signing import Credentials, Signer
from bot.volcengine.api.transport import open_http
from bot.volcengine.rtc.reader import RTC, SERVICE, RtcTaskReader
from testing.factories import BRIEF, no_time
from testing.lifetimes import INTERVAL, Works

STEP = timedelta(seconds=10)


@asynccontextmanager
async def hasty_reader(works: Works) -> AsyncIterator[TaskReader]:
    """RTC, asked without a limit: the clock of this test goes faster than the pacer's."""
    account = works.rtc.account
    credentials = Credentials(access_key=account.access_key, secret_key=account.secret_key)
    async with open_http(patience=BRIEF, proxy=None) as http, Pacer(OwnSlots(100_000)) as pacer:
        yield RtcTaskReader(
            VolcengineApi(
                http,
                service=RTC,
                endpoint=works.rtc.url,
                signer=Signer(credentials, region="cn-north-1", service=SERVICE, clock=works.clock),
                pacer=pacer,
                credentials_source="the test",
                clock=works.clock,
                patience=BRIEF,
                sleep=no_time,
            )
        )


@pytest.mark.parametrize(
    ("url", "kind", "count"),
    [
        ("sqlite", "ServiceUnavailableTemp", 3),
        pytest.param("sqlite", "ServiceUnavailableTemp", 20, marks=pytest.mark.slow),
        pytest.param("postgresql", "reset", 20, marks=pytest.mark.slow),
    ],
    indirect=["url"],
)
async def test_all_are_told_afterwards_and_the_log_says_it_twice(
    works: Works, logged: list[EventDict], kind: str, count: int, is_long: bool
) -> None:
    count = 500 if is_long else count
    rooms = [f"r{number}" for number in range(count)]
    people = works.slack.add_people(count)
    for room, user in zip(rooms, people, strict=True):
        works.runs(room)
        await works.subscribe(room, Person(T_HOME, user))
    async with hasty_reader(works) as reader, works.life(reader=reader) as life:
        works.rtc.fail_with(kind)
        works.clock.move(INTERVAL)
        for _ in range(timedelta(minutes=10) // STEP):
            await life.go_round()
            works.clock.move(STEP)
        for room in rooms:
            works.ends(room)
        assert not works.slack.messages
        works.rtc.heal()
        for _ in range(timedelta(minutes=3) // STEP):
            await life.watcher.rounds.round()
            while await life.deliverer.rounds.round():
                pass
            works.clock.move(STEP)
    told = [works.messages(room, user=user) for room, user in zip(rooms, people, strict=True)]
    assert [len(messages) for messages in told] == [1] * count
    said = [(entry["event"], entry["of"]) for entry in logged if entry["event"].startswith("outage.")]
    assert said == [("outage.began", "rtc"), ("outage.ended", "rtc")]
