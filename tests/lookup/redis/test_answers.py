"""Answers that replicas share, on a real Redis: what comes back, how long it lives, what goes wrong unseen."""

import asyncio
import dataclasses
import random
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from bot.app.wiring.lookup import Bot
from bot.lookup.redis.answers import SharedAnswers, decode_outcome, encode_outcome
from bot.lookup.redis.connection import RedisLink, open_redis
from bot.lookup.redis.sealing import Seal
from bot.playground.volcengine.rtc import FakeRtc
from bot.recording.reading import Reading, TaskNotFound
from bot.recording.serialization import NotDecodable
from bot.recording.task import RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef
from testing.factories import ask, open_brief_bot
from testing.fault_proxy import Fault, open_fault_proxy
from testing.redis_server import RedisServer
from tests.lookup.redis.test_slots import a_prefix
from tests.recording.test_serialization import readings

REF = TaskRef(RtcApp("prod", "661e0000000000000000543c"), "Room1", "Task1")
READING = Reading(
    RecordTask(REF, Status.from_code(3)), read_at=datetime(2026, 11, 22, tzinfo=UTC), raw='{"Result": {"Status": 3}}'
)


@given(readings, st.text())
def test_an_answer_comes_back_whole_with_its_own_text(reading: Reading, raw: str) -> None:
    whole = dataclasses.replace(reading, raw=raw)
    assert decode_outcome(encode_outcome(whole), reading.task.ref) == whole


def test_an_answer_with_half_a_character_comes_back_too() -> None:
    odd = dataclasses.replace(READING, raw='{"Note": "\ud83d"}')
    assert decode_outcome(encode_outcome(odd), REF) == odd


def test_not_found_comes_back_with_all_it_says() -> None:
    told = TaskNotFound("gone", meaning="m", advice="a", code="NotFound", request_id="r1", log_id=None)
    back = decode_outcome(encode_outcome(told), REF)
    assert isinstance(back, TaskNotFound)
    assert vars(back) == vars(told)


@given(
    st.binary()
    | st.binary().map(zlib.compress)
    | st.sampled_from([b"null", b"[]", b'{"reading":1}']).map(zlib.compress)
)
def test_what_no_release_wrote_is_not_decodable(text: bytes) -> None:
    with pytest.raises(NotDecodable):
        decode_outcome(text, REF)


@asynccontextmanager
async def two_replicas(url: str, fake: FakeRtc, *, prefix: str) -> AsyncIterator[tuple[Bot, Bot]]:
    shared = {"RECTASK_REDIS_URL": url, "RECTASK_REDIS_PREFIX": prefix}
    # The other one calls the same app by another name.
    named = {"RECTASK_APP_ID": "", "RECTASK_APPS": f"other={fake.account.app_ids[0]}"}
    async with open_brief_bot(fake, **shared) as one, open_brief_bot(fake, **(shared | named)) as two:
        yield one, two


def now_utc() -> datetime:
    return datetime.now(UTC)


def shared_answers(link: RedisLink, *, key: str = "ours", clock: Callable[[], datetime] = now_utc) -> SharedAnswers:
    return SharedAnswers(link, seal=Seal.from_secret(key), clock=clock)


def rooms_asked(fake: FakeRtc) -> list[str]:
    return [parse_qs(urlsplit(request.target).query)["RoomId"][0] for request in fake.received]


async def test_what_one_replica_asked_the_others_know(redis_server: RedisServer, fake_rtc: FakeRtc) -> None:
    async with two_replicas(redis_server.url, fake_rtc, prefix=a_prefix()) as (one, two):
        first = await ask(one, "idle")
        second = await ask(two, "idle")
        for replica in (one, two, two):
            with pytest.raises(TaskNotFound):
                await ask(replica, "nowhere")
        await ask(two, "idle", fresh=True)
    assert second == dataclasses.replace(first, task=dataclasses.replace(first.task, ref=second.task.ref))
    assert second.task.ref.app.name == "other"
    assert rooms_asked(fake_rtc) == ["idle", "nowhere", "idle"]


async def test_a_refresh_is_not_told_what_is_shared_when_it_joins(redis_server: RedisServer, fake_rtc: FakeRtc) -> None:
    async with two_replicas(redis_server.url, fake_rtc, prefix=a_prefix()) as (one, two):
        await ask(one, "idle")
        await asyncio.gather(ask(two, "idle"), ask(two, "idle", fresh=True))
    assert rooms_asked(fake_rtc) == ["idle", "idle"]


async def test_it_lives_no_longer_there_than_here(redis_server: RedisServer, fake_rtc: FakeRtc) -> None:
    prefix = a_prefix()
    async with two_replicas(redis_server.url, fake_rtc, prefix=prefix) as (one, _):
        await ask(one, "idle")
        await ask(one, "running")
    with redis.Redis(port=redis_server.port) as client:
        lives = sorted(client.pttl(key) / 1000 for key in client.keys(f"{prefix}answer:*"))
    assert 0 < lives[0] <= 5
    assert 590 < lives[1] <= 600


async def test_what_is_kept_is_told_only_until_it_ends(redis_server: RedisServer) -> None:
    async with open_redis(redis_server.url, prefix=a_prefix()) as link:
        answers = shared_answers(link)
        await answers.keep(REF, READING, timedelta(seconds=60))
        kept = await answers.recall(REF)
        assert kept is not None
        assert kept[0] == READING
        assert timedelta(seconds=50) < kept[1] <= timedelta(seconds=60)


async def test_what_can_not_be_read_is_as_good_as_nothing(redis_server: RedisServer, fake_rtc: FakeRtc) -> None:
    prefix = a_prefix()
    async with two_replicas(redis_server.url, fake_rtc, prefix=prefix) as (one, two):
        await ask(one, "idle")
        with redis.Redis(port=redis_server.port) as client:
            for key in client.keys(f"{prefix}answer:*"):
                client.set(key, b"another tool's", px=60_000)
        await ask(two, "idle")
    assert rooms_asked(fake_rtc) == ["idle", "idle"]


async def test_a_very_long_answer_is_not_shared(redis_server: RedisServer) -> None:
    async with open_redis(redis_server.url, prefix=a_prefix()) as link:
        answers = shared_answers(link)
        long = dataclasses.replace(READING, raw=random.Random(1).randbytes(400_000).hex())  # noqa: S311  # no key
        await answers.keep(REF, long, timedelta(seconds=60))
        assert await answers.recall(REF) is None


@pytest.mark.parametrize("fault", ["reset", "reset_after", "black_hole"])
async def test_without_redis_each_replica_asks_for_itself(
    redis_server: RedisServer, fake_rtc: FakeRtc, fault: Fault
) -> None:
    async with open_fault_proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        async with two_replicas(url, fake_rtc, prefix=a_prefix()) as (one, two):
            await ask(one, "running")
            proxy.fault = fault
            await ask(two, "running")
            await ask(one, "running")
    assert rooms_asked(fake_rtc) == ["running", "running"]
