"""What stands in Redis may have been written by anybody: it neither fools a replica nor makes it stand still."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.lookup.redis.answers import VERSION, SharedAnswers, encode_outcome
from bot.lookup.redis.connection import open_redis
from bot.lookup.redis.sealing import NotOurs, Seal
from bot.recording.reading import TaskNotFound
from bot.recording.task_ref import TaskRef
from bot.runtime.supervision import Supervisor
from testing.factories import SetClock
from testing.redis_server import RedisServer
from tests.lookup.redis.test_answers import READING, REF, now_utc, shared_answers
from tests.lookup.redis.test_slots import a_prefix, changes, open_replica, until

LIFE = timedelta(seconds=60)
OTHER = TaskRef(REF.app, REF.room, "Task2")


# Answers: only what a holder of the same secret sealed, for this task, and not too long ago, is believed.


@asynccontextmanager
async def answers_of(
    server: RedisServer, *, prefix: str, key: str = "ours", clock: Callable[[], datetime] = now_utc
) -> AsyncIterator[SharedAnswers]:
    async with open_redis(server.url, prefix=prefix) as link:
        yield shared_answers(link, key=key, clock=clock)


def stored(server: RedisServer, prefix: str) -> dict[bytes, bytes]:
    with redis.Redis(port=server.port) as client:
        return {name: client.get(name) for name in client.keys(f"{prefix}answer:*")}


def put(server: RedisServer, name: bytes, value: bytes) -> None:
    with redis.Redis(port=server.port) as client:
        client.set(name, value, px=60_000)


async def test_an_answer_that_somebody_made_up_is_not_believed_and_told_once(
    redis_server: RedisServer, logged: list[EventDict]
) -> None:
    prefix = a_prefix()
    async with answers_of(redis_server, prefix=prefix) as answers:
        await answers.keep(REF, READING, LIFE)
        [name] = stored(redis_server, prefix)
        for made_up in (encode_outcome(READING), b"", b"x" * 39, b"x" * 400):
            put(redis_server, name, made_up)
            assert await answers.recall(REF) is None
    assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == ["answer.not_believed"]


async def test_an_answer_for_another_task_is_not_believed(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with answers_of(redis_server, prefix=prefix) as answers:
        await answers.keep(REF, READING, LIFE)
        [(first, sealed)] = stored(redis_server, prefix).items()
        await answers.keep(OTHER, TaskNotFound("gone", meaning="m", advice="a"), LIFE)
        [second] = stored(redis_server, prefix).keys() - {first}
        put(redis_server, second, sealed)
        assert await answers.recall(OTHER) is None
        assert await answers.recall(REF) is not None


async def test_an_old_answer_that_is_put_back_is_not_believed(redis_server: RedisServer) -> None:
    prefix, clock = a_prefix(), SetClock(datetime(2026, 11, 22, tzinfo=UTC))
    async with answers_of(redis_server, prefix=prefix, clock=clock) as answers:
        await answers.keep(REF, READING, LIFE)
        [(name, sealed)] = stored(redis_server, prefix).items()
        clock.move(timedelta(seconds=61))
        put(redis_server, name, sealed)
        assert await answers.recall(REF) is None


async def test_no_answer_is_told_for_longer_than_any_is_kept(redis_server: RedisServer) -> None:
    prefix, clock = a_prefix(), SetClock(datetime(2026, 11, 22, tzinfo=UTC))
    async with answers_of(redis_server, prefix=prefix, clock=clock) as answers:
        await answers.keep(REF, READING, timedelta(days=1))
        clock.move(-timedelta(days=1))  # a replica whose clock is far behind
        kept = await answers.recall(REF)
    assert kept is not None
    assert kept[1] == timedelta(minutes=10)


async def test_after_a_change_of_the_key_old_answers_are_unknown_and_new_ones_known(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with (
        answers_of(redis_server, prefix=prefix, key="before") as before,
        answers_of(redis_server, prefix=prefix, key="after") as after,
        answers_of(redis_server, prefix=prefix, key="after") as restarted,
    ):
        await before.keep(REF, READING, LIFE)
        assert await after.recall(REF) is None
        await after.keep(REF, READING, LIFE)
        assert await restarted.recall(REF) is not None
        assert await before.recall(REF) is not None


async def test_the_release_before_is_neither_believed_nor_disturbed(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with answers_of(redis_server, prefix=prefix) as answers:
        await answers.keep(REF, READING, LIFE)
        names = stored(redis_server, prefix)
    # It wrote its answers, compressed and nothing more, under version 1.
    assert VERSION > 1
    assert not [name for name in names if name.startswith(f"{prefix}answer:1:".encode())]


def test_no_name_in_redis_shows_what_it_is_about() -> None:
    """Rooms are often dates or numbers: who knows how a name is made could try them all."""
    assert Seal.from_secret("one").name(b"Room1") != Seal.from_secret("two").name(b"Room1")


async def test_half_a_gigabyte_is_not_read(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with answers_of(redis_server, prefix=prefix) as answers:
        await answers.keep(REF, READING, LIFE)
        [(name, sealed)] = stored(redis_server, prefix).items()
        with redis.Redis(port=redis_server.port) as client:
            client.set(name, sealed)
            client.setrange(name, 100_000_000, b"x")
            began = time.monotonic()
            assert await answers.recall(REF) is None
            client.delete(name)
    assert time.monotonic() - began < 1


seals = st.builds(Seal.from_secret, st.text())


@given(seals, st.binary(), st.binary(), st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_sealed_comes_back(seal: Seal, content: bytes, about: bytes, expires_at: datetime) -> None:
    opened = seal.open(seal.close(content, about=about, expires_at=expires_at), about=about)
    assert opened.content == content
    assert expires_at - opened.expires_at < timedelta(milliseconds=1)


@given(st.binary(max_size=80), st.binary(max_size=10), st.integers(0, 200), st.integers(1, 255))
def test_no_byte_can_be_changed(content: bytes, about: bytes, at: int, by: int) -> None:
    seal = Seal.from_secret("ours")
    sealed = bytearray(seal.close(content, about=about, expires_at=datetime(2026, 1, 1, tzinfo=UTC)))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(NotOurs):
        seal.open(bytes(sealed), about=about)


# The pace: a number that cannot be is no number, and no wait is without a bound.

numbers = st.integers(-(10**20), 10**20).map(str) | st.sampled_from(
    ["nan", "inf", "-inf", "1e300", "0x10", "", "{now}", "{ahead}"]
)
replica_rows = st.lists(numbers, max_size=6).map(" ".join) | st.text(max_size=20)
states = st.fixed_dictionaries(
    {},
    optional={name: numbers | st.text(max_size=5) for name in ("next", "touched", "slowed_at", "slowed_from", "else")}
    | {f"replica:{number}": replica_rows for number in range(3)},
)


@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(states, min_size=10, max_size=20))
def test_whatever_stands_in_redis_a_replica_goes_on(redis_server: RedisServer, states: list[dict[str, str]]) -> None:
    """Many at once, for each has to wait a second for its first slot."""

    async def all_of_them() -> None:
        await asyncio.gather(*(_take_a_turn_after(redis_server, state) for state in states))

    asyncio.run(all_of_them())


async def _take_a_turn_after(server: RedisServer, state: dict[str, str]) -> None:
    prefix, now = a_prefix(), round(time.time() * 1_000_000)
    with redis.Redis(port=server.port) as client:
        for name, text in state.items():
            filled = text.replace("{now}", str(now)).replace("{ahead}", str(now + 10**15))
            client.hset(f"{prefix}pace", name, filled.encode("utf-8", "replace"))
    async with open_replica(server.url, prefix=prefix) as replica, asyncio.timeout(30):
        await replica.take()


@pytest.mark.parametrize("then", ["nothing", "flush"])
async def test_a_slot_far_in_the_future_stops_nobody(redis_server: RedisServer, then: str) -> None:
    prefix = a_prefix()
    async with open_replica(redis_server.url, prefix=prefix) as replica:
        await replica.take()
        with redis.Redis(port=redis_server.port) as client:
            client.hset(f"{prefix}pace", "next", round((time.time() + 86_400) * 1_000_000))
            if then == "flush":
                client.delete(f"{prefix}pace")
        async with asyncio.timeout(4):
            for _ in range(5):
                await replica.take()
        assert replica.slots.is_shared


class Liar:
    """Speaks Redis's protocol, and answers each script with what it was told to."""

    def __init__(self) -> None:
        self.beat: bytes = b""
        self.reserve: bytes = b""
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0?protocol=2"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while words := await self._command(reader):
                writer.write(self._reply(words))
                await writer.drain()
        writer.close()

    async def _command(self, reader: asyncio.StreamReader) -> list[bytes]:
        count = int((await reader.readuntil(b"\r\n"))[1:])
        words = []
        for _ in range(count):
            size = int((await reader.readuntil(b"\r\n"))[1:])
            words.append((await reader.readexactly(size + 2))[:-2])
        return words

    def _reply(self, words: list[bytes]) -> bytes:
        if words[0].upper() != b"EVALSHA":
            return b"+OK\r\n"
        return {b"beat": self.beat, b"reserve": self.reserve}.get(words[4], b"*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n")


@asynccontextmanager
async def open_liar() -> AsyncIterator[Liar]:
    liar = Liar()
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = server.sockets[0].getsockname()[1]
    try:
        yield liar
    finally:
        server.close()


def reply(values: Sequence[int | bytes | None]) -> bytes:
    def one(value: int | bytes | None) -> bytes:
        if value is None:
            return b"$-1\r\n"
        return b":%d\r\n" % value if isinstance(value, int) else b"$%d\r\n%b\r\n" % (len(value), value)

    return b"*%d\r\n" % len(values) + b"".join(map(one, values))


WELL_BEAT, WELL_RESERVE = reply([0, 0, 1, 1_000_000]), reply([1, 0, 1, 1_000_000])
NONSENSE = [
    pytest.param(b":7\r\n", id="a number"),
    pytest.param(b"$-1\r\n", id="nothing"),
    pytest.param(b"+OK\r\n", id="a word"),
    pytest.param(reply([]), id="an empty list"),
    pytest.param(reply([0, 0]), id="a short list"),
    pytest.param(reply([0, None, 1, 1]), id="a hole"),
    pytest.param(reply([0, b"soon", 1, 1]), id="text for a number"),
    pytest.param(reply([2, 0, 1, 1]), id="neither granted nor not"),
    pytest.param(reply([0, -1, 1, 1]), id="a negative wait"),
    pytest.param(reply([0, 0, 10**9, 1]), id="a billion replicas"),
    pytest.param(reply([0, 0, 1, 10**9]), id="a thousand times the pace"),
    pytest.param(b"*4\r\n*1\r\n:0\r\n:0\r\n:0\r\n:0\r\n", id="a list in a list"),
    pytest.param(b"what\r\n", id="no answer of Redis's protocol"),
]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_costs_the_shared_pace_and_nothing_else(nonsense: bytes, logged: list[EventDict]) -> None:
    async with open_liar() as liar:
        liar.beat = liar.reserve = nonsense
        async with open_replica(liar.url, prefix=a_prefix(), replicas=3) as replica:
            async with asyncio.timeout(4):
                await replica.take()
            assert not replica.slots.is_shared
            await asyncio.sleep(0.6)  # a beat later it still is the same news
    assert changes(logged) == ["pacer.alone"]
    assert not [entry for entry in logged if entry["log_level"] == "error"]


async def test_a_pace_that_made_no_sense_is_shared_again_when_it_does(logged: list[EventDict]) -> None:
    async with open_liar() as liar:
        liar.beat = reply([0, b"soon", 1, 1])
        liar.reserve = WELL_RESERVE
        now = 0.0
        async with open_replica(liar.url, prefix=a_prefix(), timer=lambda: time.monotonic() + now) as replica:
            liar.beat = WELL_BEAT
            now = 11.0  # it is not believed for ten seconds
            await until(lambda: replica.slots.is_shared)
    assert changes(logged) == ["pacer.alone", "pacer.shared"]


@pytest.mark.parametrize("wait", [2_100_000, 10**9, 2**62])
async def test_a_slot_too_far_ahead_is_not_waited_for(wait: int, logged: list[EventDict]) -> None:
    async with open_liar() as liar:
        liar.beat, liar.reserve = WELL_BEAT, reply([1, wait, 1, 1_000_000])
        async with open_replica(liar.url, prefix=a_prefix()) as replica:
            async with asyncio.timeout(2):
                await replica.take()
            await asyncio.sleep(0.6)
            assert not replica.slots.is_shared
    [alone] = [entry for entry in logged if entry["event"] == "pacer.alone"]
    assert "ahead" in alone["error"]


async def test_an_answer_that_comes_bit_by_bit_is_not_waited_for(logged: list[EventDict]) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(10_000)
            writer.write(b"$1000000\r\n")
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with asyncio.timeout(8), open_replica(url, prefix=a_prefix()) as replica:
        await replica.take()
        assert not replica.slots.is_shared
    server.close()
    assert changes(logged) == ["pacer.alone"]


async def test_a_beat_that_ends_is_started_again_and_known_to_be_away(
    redis_server: RedisServer, logged: list[EventDict]
) -> None:
    supervisor = Supervisor()
    async with open_replica(redis_server.url, prefix=a_prefix(), supervisor=supervisor) as replica:
        [beat] = [task for task in asyncio.all_tasks() if task.get_name() == "shared_pace"]
        beat.cancel()
        await until(lambda: "shared_pace" in supervisor.away)
        await until(lambda: not supervisor.away)
        await replica.take()
        assert replica.slots.is_shared
    events = [entry["event"] for entry in logged if entry["event"].startswith("background_task")]
    assert events == ["background_task.ended", "background_task.restarted"]
