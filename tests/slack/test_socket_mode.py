"""The socket to Slack, whatever becomes of it: every way in which it can fail, for how long, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from structlog.typing import EventDict

from bot.playground.fake_slack import FakeSlack
from bot.playground.slack_socket_faults import BREAKS, HELLO
from bot.slack.socket_link import REPLACED
from tests.slack.socket_scene import Scene, entered, play

BACK_WITHIN = 45.0
OPENINGS, IN_SECONDS = 10, 60.0
FOR_SECONDS = 40.0
LOOKS_EVERY = 0.5
OPEN = "apps.connections.open"


@dataclass(frozen=True)
class Failing:
    """One way in which a socket fails: a fault of the stand-in, or its whole door (`method` is empty)."""

    method: str
    kind: str = ""
    retry_after: int = 1

    def __str__(self) -> str:
        return f"{self.method or 'nobody listens'} {self.kind}".strip()

    async def begin(self, slack: FakeSlack, *, times: int | None) -> None:
        if not self.method:
            await slack.close_door()
        elif times != 0:
            slack.fault(self.method, self.kind, times=times, retry_after=self.retry_after)

    async def begin_later(self, slack: FakeSlack, *, times: int | None) -> None:
        """With the socket that is there: it fails so itself, or is lost, so that another one is needed."""
        is_first = self.method == HELLO and self.kind in BREAKS
        await self.begin(slack, times=times - 1 if is_first and times else times)
        await slack.break_sockets(self.kind if is_first else "reset")

    async def end(self, scene: Scene, *, times: int | None) -> None:
        """Until it has come to pass so often, or for so long."""
        failed = scene.openings.outcomes
        if times is None:
            await asyncio.sleep(FOR_SECONDS)
        elif self.method:
            await until(lambda: not scene.slack.is_faulty)
        else:
            already = failed["unreachable"]
            await until(lambda: failed["unreachable"] >= already + times)
        scene.slack.heal()
        await scene.slack.open_door()


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # the stand-in tells nobody which faults have come to pass
        await asyncio.sleep(LOOKS_EVERY)


WAYS = [
    Failing(""),
    *(Failing(OPEN, kind) for kind in ("reset_before", "timeout_before", "500_before", "html_before", "cut_before")),
    *(Failing(OPEN, kind) for kind in ("lacking:url", "internal_error", "too_many_websockets")),
    Failing(OPEN, "ratelimited", retry_after=7),
    *(Failing("socket.address", kind) for kind in ("unreachable", "tls")),
    *(Failing("socket.handshake", kind) for kind in ("refused", "408", "503", "silent", "reset")),
    Failing("socket.handshake", "429", retry_after=7),
    Failing(HELLO, "missing"),
    *(Failing(HELLO, kind) for kind in BREAKS),
]


@pytest.mark.parametrize("is_start", [True, False], ids=["at the start", "later"])
@pytest.mark.parametrize("times", [1, 5, None], ids=["once", "five times", "for 40 s"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_socket_that_fails_is_back_in_time(
    logged: list[EventDict], way: Failing, times: int | None, is_start: bool
) -> None:
    async def script(slack: FakeSlack) -> None:
        async with failing(slack, way, times, is_start=is_start) as scene:
            await way.end(scene, times=times)
            await scene.until_answered(within=BACK_WITHIN - LOOKS_EVERY)
            await asyncio.sleep(90)
            assert (await scene.command()).acked
            assert await scene.door.is_connected()
            check_log(logged, scene, may_go_unnoticed=way.kind in REPLACED)
            check_pace(scene.openings.ended_at)
        assert slack.complaints == []

    play(script)


@asynccontextmanager
async def failing(slack: FakeSlack, way: Failing, times: int | None, *, is_start: bool) -> AsyncIterator[Scene]:
    if is_start:
        await way.begin(slack, times=times)
    async with entered(slack) as scene:
        if not is_start:
            await scene.settle()
            await way.begin_later(slack, times=times)
        yield scene


def check_log(logged: list[EventDict], scene: Scene, *, may_go_unnoticed: bool) -> None:
    """One line at the loss, one at the return, and the metrics say the same."""
    told = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert told == ["socket.lost", "socket.regained"] or (may_go_unnoticed and told == [])
    assert scene.count("rectask_socket_lost_total") == told.count("socket.lost")
    assert scene.count("rectask_socket_regained_total") == told.count("socket.regained")


def check_pace(openings: list[float]) -> None:
    for first, too_soon in zip(openings, openings[OPENINGS:], strict=False):
        assert too_soon - first >= IN_SECONDS
