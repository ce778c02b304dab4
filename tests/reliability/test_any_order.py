"""Subscribing, unsubscribing, ends, deaths, stale holders and faults of Slack, in any order: one notice each."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bot.notices.notice import ClaimedNotice
from bot.notices.person import Person
from bot.playground.slack.world import T_HOME, U_ANA, U_BEN
from testing.factories import SetClock
from testing.lifetimes import PAST_ALL_LEASES, Life, Works, open_works
from tests.reliability.test_boundaries import Reaper, live

ROOMS = ("a", "b", "c")
PEOPLE = (Person(T_HOME, U_ANA), Person(T_HOME, U_BEN))
FAULTS = ("ratelimited", "500_before", "500_after", "reset_before", "reset_after", "fatal_error")
PROMISED, PERHAPS = "promised", "perhaps"


class AnyOrder(RuleBasedStateMachine):
    """`owed` is what each person must have been told of each room in the end."""

    rooms = st.sampled_from(ROOMS)
    people = st.sampled_from(PEOPLE)
    # A moment, an interval, and more than any lease lasts.
    pauses = st.sampled_from([1, 31, 181])

    def __init__(self, template: Path) -> None:
        super().__init__()
        self.template = template
        self.runner = asyncio.Runner()
        self.owed: dict[tuple[str, Person], str] = {}
        self.subscribed: set[tuple[str, Person]] = set()
        self.over: set[str] = set()
        self.held: list[tuple[Life, ClaimedNotice]] = []

    @initialize()
    def open(self) -> None:
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.stack = AsyncExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{shutil.copy(self.template, Path(folder, 'rectask.db'))}"
        self.clock = SetClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
        self.works: Works = await self.stack.enter_async_context(open_works(url, self.clock))
        for room in ROOMS:
            self.works.runs(room)
            await self.works.subscribe(room, PEOPLE[0])
            self.subscribed.add((room, PEOPLE[0]))
        self.holder = await self.stack.enter_async_context(self.works.life())

    @rule(room=rooms, person=people)
    def subscribe(self, room: str, person: Person) -> None:
        if room not in self.over:
            self.runner.run(self.works.subscribe(room, person))
            self.subscribed.add((room, person))

    @rule(room=rooms, person=people)
    def unsubscribe(self, room: str, person: Person) -> None:
        had = self.runner.run(self.works.stores.subscriptions.unsubscribe(self.works.ref(room), person))
        if (room, person) in self.subscribed:
            assert had
        self.subscribed.discard((room, person))
        if had and (room, person) in self.owed:
            self.owed[room, person] = PERHAPS

    @rule(room=rooms)
    def end(self, room: str) -> None:
        if room in self.over:
            return
        self.works.ends(room)
        self.over.add(room)
        for key in [key for key in self.subscribed if key[0] == room]:
            self.owed[key] = PROMISED
            self.subscribed.discard(key)

    @rule(seconds=pauses)
    def work(self, seconds: int) -> None:
        self.clock.move(timedelta(seconds=seconds))
        self.runner.run(self._work())

    async def _work(self) -> None:
        async with self.works.life() as life:
            await life.go_round()

    @rule(seconds=pauses, boundary=st.integers(0, 45))
    def die(self, seconds: int, boundary: int) -> None:
        self.clock.move(timedelta(seconds=seconds))
        self.runner.run(live(self.works, Reaper(self.works, at=boundary)))

    @rule(seconds=pauses)
    def stand_still(self, seconds: int) -> None:
        """A process looks, claims what is due then, and is stopped before it sends anything."""
        self.clock.move(timedelta(seconds=seconds))
        self.runner.run(self._stand_still())

    async def _stand_still(self) -> None:
        await self.holder.watcher.rounds.round()
        claimed = await self.holder.stores.notices.claim_due(limit=9, lease=timedelta(seconds=60))
        self.held += [(self.holder, delivery) for delivery in claimed]

    @precondition(lambda self: self.held)
    @rule()
    def go_on(self) -> None:
        life, delivery = self.held.pop()
        self.runner.run(life.deliverer._handle(delivery))  # noqa: SLF001  # where it stood

    @rule(kind=st.sampled_from(FAULTS), method=st.sampled_from(["users.info", "chat.postMessage"]))
    def slack_fails(self, kind: str, method: str) -> None:
        self.works.slack.fault(method, kind)

    def teardown(self) -> None:
        if hasattr(self, "works"):
            self.runner.run(self._settle())
            self._check()
            self.runner.run(self.stack.aclose())
        self.runner.close()

    async def _settle(self) -> None:
        self.works.slack.heal()
        self.clock.move(PAST_ALL_LEASES)
        await self.works.until_quiet(rounds=6)
        for life, delivery in self.held:
            await life.deliverer._handle(delivery)  # noqa: SLF001  # all of them are stale by now

    def _check(self) -> None:
        for room in ROOMS:
            for person in PEOPLE:
                told = len(self.works.messages(room, user=person.user_id))
                match self.owed.get((room, person)):
                    case "promised":
                        assert told == 1, f"{told} messages about {room} to {person}"
                    case "perhaps":
                        assert told <= 1
                    case _:
                        assert told == 0


@pytest.mark.parametrize("examples", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_one_notice_in_any_order(sqlite_template: Path, examples: int, is_long: bool) -> None:
    run_state_machine_as_test(
        lambda: AnyOrder(sqlite_template),  # type: ignore[arg-type]  # it is only called; its types want a class
        settings=settings(
            max_examples=500 if is_long else examples, stateful_step_count=25, suppress_health_check=list(HealthCheck)
        ),
    )
