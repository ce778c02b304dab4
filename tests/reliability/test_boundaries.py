"""A process dies before and after each statement, each commit and each call of Slack between the end and "delivered".

The boundaries are enumerated: a life without a death counts them, then one life dies at each. A transaction
without a commit leaves nothing behind, so nobody can tell the boundaries between two commits or calls of Slack from one
another: every day a life dies at the first of them, and in the slow tests at each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from bot.storage.database import Database
from testing.lifetimes import INTERVAL, PAST_ALL_LEASES, Life, Works

CALLS = ("users.info", "chat.postMessage")
CALLS_WITH_FILES = ("users.info", "chat.update", "chat.postMessage")
CALLS_OF_DOUBT = ("users.info", "conversations.open", "conversations.history", "chat.postMessage")
READING = {"users.info", "conversations.open", "conversations.history"}
EXTENTS = pytest.mark.parametrize(
    ("url", "at_each"),
    [
        ("sqlite", False),
        pytest.param("postgresql", False, marks=pytest.mark.slow),
        pytest.param("sqlite", True, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
    indirect=["url"],
)


def each_way(methods: Sequence[str]) -> pytest.MarkDecorator:
    """The process dies before Slack has the call, or after it; every day only where that is not the same to Slack."""
    rows = [
        pytest.param(method, when, marks=[pytest.mark.slow] if method in READING and when == "before" else [])
        for method in methods
        for when in ("before", "after")
    ]
    return pytest.mark.parametrize(("method", "when"), rows)


class Death(BaseException):
    """Nothing is caught that was not meant to be, and nothing is written any more."""


@dataclass
class Reaper:
    """Counts the boundaries of a life, and ends it at one of them, or at its first call of a method of Slack."""

    works: Works
    at: int | None = None
    call: str | None = None
    reached: list[str] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    is_dead: bool = False

    def watch(self, database: Database) -> None:
        engine = database.engine.sync_engine
        self._calls_before = len(self.works.slack.calls)
        self._durable: tuple[int, int] | None = None
        event.listen(engine, "before_cursor_execute", lambda *_: self._reach("before a statement"))
        event.listen(engine, "after_cursor_execute", lambda *_: self._reach("after a statement"))
        event.listen(engine, "commit", self._commit)

    def _commit(self, connection: Any) -> None:
        self._reach("before a commit")
        connection.connection.commit()
        # Here the answer is lost: the process sees a failure, and yet it is written.
        self._reach("after a commit")

    def _reach(self, boundary: str) -> None:
        calls = list(self.works.slack.calls)[self._calls_before :]
        self.is_dead |= len(self.reached) == self.at or any(call.method == self.call for call in calls)
        if self.is_dead:
            raise Death
        self._note_first(boundary, len(calls))
        self.reached.append(boundary)

    def _note_first(self, boundary: str, calls: int) -> None:
        commits = [*self.reached, boundary].count("after a commit")
        if self._durable != (commits, calls):
            self._durable = (commits, calls)
            self.firsts.append(len(self.reached))

    def boundaries(self, *, each: bool) -> Sequence[int]:
        """All of them, or the first after each commit and each call of Slack: what is durable differs there."""
        return range(len(self.reached)) if each else self.firsts


async def live(works: Works, reaper: Reaper) -> None:
    async with works.life() as life:
        reaper.watch(life.database)
        try:
            await _two_rounds(life)
        except Death:
            return


async def _two_rounds(life: Life) -> None:
    """Twice, so that what was put off for a moment has its turn; errors of tasks are theirs."""
    await life.go_round()
    await life.go_round()


async def story(works: Works, room: str, reaper: Reaper) -> None:
    """The task ends, a process sees it and dies on the way, another one takes over."""
    works.runs(room)
    await works.subscribe(room)
    works.ends(room)
    works.clock.move(INTERVAL)
    await live(works, reaper)
    works.slack.heal()
    works.clock.move(PAST_ALL_LEASES)
    await works.until_quiet(rounds=3)


async def delivered_once(works: Works, room: str) -> None:
    assert [message.text for message in works.messages(room)] == [
        f"{room} / Task1: Ended after 10 min: stopped through the API. 1 file, 251.2 MB."
    ]
    (state,) = {entry.notice_state for entry in await works.entries() if entry.watched.ref.room == room}
    assert state == "delivered"


@EXTENTS
async def test_one_notice_whichever_statement_or_commit_a_process_dies_at(
    works: Works, at_each: bool, is_long: bool
) -> None:
    counting = Reaper(works)
    await story(works, "counting", counting)
    await delivered_once(works, "counting")
    assert len(counting.reached) > 30
    assert counting.reached.count("after a commit") >= 6
    for boundary in counting.boundaries(each=at_each or is_long):
        reaper = Reaper(works, at=boundary)
        await story(works, f"b{boundary}", reaper)
        assert reaper.is_dead
        await delivered_once(works, f"b{boundary}")


@each_way(CALLS)
async def test_one_notice_whichever_call_of_slack_a_process_dies_at(works: Works, method: str, when: str) -> None:
    works.slack.fault(method, f"reset_{when}")
    reaper = Reaper(works, call=method)
    await story(works, "call", reaper)
    assert reaper.is_dead
    await delivered_once(works, "call")


async def doubt(works: Works, room: str) -> None:
    """A process has died right after it posted."""
    works.runs(room)
    await works.subscribe(room)
    works.ends(room)
    works.clock.move(INTERVAL)
    works.slack.fault("chat.postMessage", "reset_after")
    await live(works, Reaper(works, call="chat.postMessage"))
    assert len(works.messages(room)) == 1
    works.clock.move(PAST_ALL_LEASES)


@EXTENTS
async def test_one_notice_where_the_process_that_looks_for_it_dies_too(
    works: Works, at_each: bool, is_long: bool
) -> None:
    counting = Reaper(works)
    await doubt(works, "counting")
    await live(works, counting)
    await delivered_once(works, "counting")
    for boundary in counting.boundaries(each=at_each or is_long):
        await doubt(works, f"b{boundary}")
        reaper = Reaper(works, at=boundary)
        await live(works, reaper)
        assert reaper.is_dead
        works.clock.move(PAST_ALL_LEASES)
        await works.until_quiet(rounds=2)
        await delivered_once(works, f"b{boundary}")


@each_way(CALLS_OF_DOUBT[:3])
async def test_one_notice_where_slack_fails_while_it_is_looked_for(works: Works, method: str, when: str) -> None:
    await doubt(works, "call")
    works.slack.fault(method, f"reset_{when}")
    reaper = Reaper(works, call=method)
    await live(works, reaper)
    works.clock.move(PAST_ALL_LEASES)
    await works.until_quiet(rounds=2)
    await delivered_once(works, "call")


async def told_without_files(works: Works, room: str) -> None:
    """Its end was told without files, and now there are some."""
    works.runs(room)
    await works.subscribe(room)
    works.ends(room, files=0)
    works.clock.move(INTERVAL)
    await works.until_quiet(rounds=5)
    assert len(works.messages(room)) == 1
    works.rtc.answers[room] = works.told(room, files=1)
    works.clock.move(2 * INTERVAL)


def files_told_once(works: Works, room: str) -> None:
    """The first message was changed, and has one reply."""
    first, *replies = works.messages(room)
    assert "1 file" in first.text
    assert [reply.thread_ts for reply in replies] == [first.ts]


@EXTENTS
async def test_late_files_are_told_once_whichever_statement_or_commit_a_process_dies_at(
    works: Works, at_each: bool, is_long: bool
) -> None:
    counting = Reaper(works)
    await told_without_files(works, "counting")
    await live(works, counting)
    files_told_once(works, "counting")
    assert len(counting.reached) > 20
    for boundary in counting.boundaries(each=at_each or is_long):
        await told_without_files(works, f"b{boundary}")
        reaper = Reaper(works, at=boundary)
        await live(works, reaper)
        assert reaper.is_dead
        works.clock.move(PAST_ALL_LEASES)
        await works.until_quiet(rounds=2)
        files_told_once(works, f"b{boundary}")


@each_way(CALLS_WITH_FILES)
async def test_late_files_are_told_once_whichever_call_of_slack_a_process_dies_at(
    works: Works, method: str, when: str
) -> None:
    await told_without_files(works, "call")
    works.slack.fault(method, f"reset_{when}")
    reaper = Reaper(works, call=method)
    await live(works, reaper)
    assert reaper.is_dead
    works.clock.move(PAST_ALL_LEASES)
    await works.until_quiet(rounds=2)
    files_told_once(works, "call")
