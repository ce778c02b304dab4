"""A mistake of ours in one notice: it is tried for long, closed with a reason, and holds up no other."""

from datetime import timedelta

import pytest
from structlog.typing import EventDict

from bot.notices.delivery.deliverer import Deliverer
from bot.notices.delivery.message_rate import Pace
from bot.notices.notice import MessageRef, Notice
from testing.factories import no_time
from testing.lifetimes import INTERVAL, Works


class Mistaken:
    """A messenger that cannot make the card of one room."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    async def check(self, notice: Notice) -> None: ...

    async def find(self, notice: Notice) -> MessageRef | None:
        del notice
        return None

    async def post(self, notice: Notice) -> MessageRef:
        assert notice.completion.reading is not None
        room = notice.completion.reading.task.ref.room
        if room == "bad":
            raise KeyError(room)
        self.posted.append(room)
        return MessageRef("D1", "1.000001")


@pytest.fixture
def url(sqlite_url: str) -> str:
    """Of no matter here."""
    return sqlite_url


async def test_it_is_closed_with_a_reason_and_holds_up_no_other(works: Works, logged: list[EventDict]) -> None:
    for room in ("bad", "good"):
        works.runs(room)
        await works.subscribe(room)
        works.ends(room)
    works.clock.move(INTERVAL)
    messenger = Mistaken()
    deliverer = Deliverer(
        works.stores.notices,
        messenger,
        clock=works.clock,
        on_settled=lambda _person: None,
        pace=Pace(timer=works.seconds, per_second=1000.0),
        timer=works.seconds,
        sleep=no_time,
    )
    async with works.life() as life:
        await life.watcher.rounds.round()
    for _ in range(25):
        await deliverer.rounds.round()
        works.clock.move(timedelta(hours=4))
    assert messenger.posted == ["good"]
    (bad,) = [entry for entry in await works.entries() if entry.watched.ref.room == "bad"]
    assert (bad.notice_state, bad.reason) == ("dead", "Something went wrong here")
    assert sum(entry["event"] == "notice.failed" for entry in logged) < 25
