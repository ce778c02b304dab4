"""Requests that a network delays on their way: whatever it does, no second at the server holds more than the limit."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.lookup.local_slots import OwnSlots
from bot.lookup.pacing import Pacer
from bot.lookup.under_way import LOST_FOR, WINDOW, Sent, UnderWay
from bot.playground.volcengine.arrivals import worst_second
from bot.recording.reading import Priority, Urgency
from testing.clock import VirtualTimeLoop, run_in_virtual_time
from testing.redis_server import RedisServer
from tests.lookup.redis.test_slots import Replica, open_three

LIMIT = 60
PATIENCE = 10.0


@dataclass(frozen=True)
class Stall:
    after: float
    seconds: float


@dataclass
class Network:
    """Each way takes its time; what meets a stall waits for its end, in both directions."""

    way: float
    stalls: list[Stall]
    arrivals: list[float] = field(default_factory=list)

    async def exchange(self, sent: Sent, *, thinks: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pass()
                self.arrivals.append(loop.time())
                await asyncio.sleep(thinks)
                await self._pass()
        except TimeoutError:
            sent.lost()
        else:
            sent.answered()

    async def _pass(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.way)
        for stall in self.stalls:
            if stall.after <= loop.time() < stall.after + stall.seconds:
                await asyncio.sleep(stall.after + stall.seconds - loop.time())


async def _keep_asking(network: Network, *, seconds: float, callers: int, thinks: float) -> None:
    clock = asyncio.get_running_loop().time
    async with Pacer(OwnSlots(LIMIT, clock=clock), timer=clock) as pacer:

        async def call() -> None:
            while clock() < seconds:
                await network.exchange(await pacer.turn(Urgency(Priority.PERSON)), thinks=thinks)

        await asyncio.gather(*(call() for _ in range(callers)))


stalls = st.lists(st.builds(Stall, after=st.floats(0, 3), seconds=st.floats(0.05, 3)), max_size=3)


@settings(max_examples=12, deadline=None)
@example(way=0.0, stalls=[Stall(after=0.0, seconds=1.0)], thinks=0.0, callers=90)
@given(way=st.floats(0, 0.1), stalls=stalls, thinks=st.floats(0, 0.5), callers=st.sampled_from([1, 90]))
def test_whatever_the_network_does_no_second_holds_more_than_the_limit(
    way: float, stalls: list[Stall], thinks: float, callers: int
) -> None:
    network = Network(way, stalls)
    run_in_virtual_time(_keep_asking(network, seconds=4, callers=callers, thinks=thinks))
    assert worst_second(sorted(network.arrivals)) <= LIMIT


@pytest.mark.parametrize("seconds", [0.5, 2.0, 9.0])
def test_a_stall_under_two_hundred_callers(seconds: float) -> None:
    network = Network(0.02, [Stall(3.0, seconds)])
    run_in_virtual_time(_keep_asking(network, seconds=seconds + 6, callers=200, thinks=0.01))
    assert worst_second(sorted(network.arrivals)) <= LIMIT
    # It is as fast as before when it is over.
    after = [at for at in network.arrivals if seconds + 4.5 < at < seconds + 5.5]
    assert len(after) >= 54


@pytest.mark.parametrize("way", [0.0, 0.02, 0.1])
def test_a_long_way_costs_no_pace(way: float) -> None:
    network = Network(way, [])
    run_in_virtual_time(_keep_asking(network, seconds=6, callers=200, thinks=0.01))
    assert sum(2 < at <= 5 for at in network.arrivals) / 3 >= 57


def test_what_nobody_answered_counts_until_something_later_is_answered() -> None:
    now = 100.0
    under_way = UnderWay(clock=lambda: now)
    lost = [under_way.begin() for _ in range(5)]
    now = 110.0
    for sent in lost:
        sent.lost()
        sent.lost()  # once is enough
    assert under_way.count() == 5
    under_way.begin().answered()
    now += WINDOW + 0.01
    assert under_way.count() == 0


def test_what_nobody_answered_counts_no_longer_than_it_may_lie_in_a_buffer() -> None:
    now = 100.0
    under_way = UnderWay(clock=lambda: now)
    under_way.begin().lost()
    now += LOST_FOR + 0.01
    assert under_way.count() == 0


ENDS: list[tuple[Callable[[Sent], None], int]] = [(Sent.answered, 1), (Sent.failed, 1), (Sent.never_left, 0)]


@pytest.mark.parametrize(("end", "counted"), ENDS)
def test_how_it_ends(end: Callable[[Sent], None], counted: int) -> None:
    now = 100.0
    under_way = UnderWay(clock=lambda: now)
    sent = under_way.begin()
    now += 5
    assert under_way.count() == 1
    end(sent)
    end(sent)
    assert under_way.count() == counted
    now += WINDOW + 0.01
    assert under_way.count() == 0


def test_one_who_gives_up_just_as_its_turn_comes_leaves_nothing_under_way() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with Pacer(OwnSlots(1, clock=loop.time), timer=loop.time) as pacer:
            waiting = asyncio.create_task(pacer.turn(Urgency(Priority.PERSON)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # the turn is granted, and not taken yet
            waiting.cancel()
            await asyncio.wait([waiting])
            (await pacer.turn(Urgency(Priority.PERSON))).answered()
            return loop.time()

    assert run_in_virtual_time(main()) <= 1.01


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_three_replicas_behind_a_network_that_stalls(redis_server: RedisServer, seconds: float) -> None:
    """In real time, for Redis has its own clock. What the others have under way counts too."""
    network = Network(0.02, [Stall(asyncio.get_running_loop().time() + 1.5, seconds)])
    ends_at = asyncio.get_running_loop().time() + seconds + 3.5

    async def call(replica: Replica) -> None:
        while asyncio.get_running_loop().time() < ends_at:
            await network.exchange(await replica.pacer.turn(Urgency(Priority.PERSON)))

    async with open_three(redis_server.url) as replicas:
        await asyncio.gather(*(call(replica) for replica in replicas for _ in range(60)))
        assert all(replica.slots.is_shared for replica in replicas)
    assert worst_second(sorted(network.arrivals)) <= LIMIT
