"""The socket to Slack, whatever becomes of it: every way in which it can fail, for how long, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from structlog.typing import EventDict

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.socket_faults import BREAKS, HELLO, SOCKET_FAULTS
from bot.slack.connection.auth import TokenRefused
from bot.slack.connection.socket_link import REPLACED
from bot.slack.connection.socket_pace import LIMITS
from testing.socket_scene import LONGEST, Scene, entered, now, play

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
    *(Failing(HELLO, f"{kind}_instead") for kind in ("too_many_websockets", "link_disabled")),
    *(Failing(HELLO, kind) for kind in BREAKS),
]


# Every day, each way once and with the socket that is there; so often, so long and at the start, one of each step.
IN_EVERY_SIZE = {"nobody listens", f"{OPEN} 500_before", "socket.handshake silent", f"{HELLO} missing"}
TIMES = {1: "once", 5: "five times", None: "for 40 s"}
STARTS = {True: "at the start", False: "later"}
SIZES = [
    pytest.param(
        *(way, times, is_start),
        id=f"{way}-{TIMES[times]}-{STARTS[is_start]}",
        marks=() if str(way) in IN_EVERY_SIZE or (times == 1 and not is_start) else pytest.mark.slow,
    )
    for way in WAYS
    for times in TIMES
    for is_start in STARTS
]


@pytest.mark.parametrize(("way", "times", "is_start"), SIZES)
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


@pytest.mark.parametrize(
    "way",
    [Failing(""), Failing(OPEN, "timeout_before"), Failing("socket.handshake", "silent"), Failing(HELLO, "no_pong")],
)
@pytest.mark.parametrize("moment", [600.0, *(pytest.param(later, marks=pytest.mark.slow) for later in (610.0, 620.0))])
def test_an_outage_of_ten_minutes_is_over_when_slack_is_well(way: Failing, moment: float) -> None:
    """At whichever moment that is: the pauses are at their longest by then."""

    async def script(slack: FakeSlack) -> None:
        async with failing(slack, way, None, is_start=False) as scene:
            await asyncio.sleep(moment)
            slack.heal()
            await slack.open_door()
            await scene.until_answered(within=BACK_WITHIN)

    play(script)


@pytest.mark.parametrize("chance", [0.0, pytest.param(LONGEST, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", SOCKET_FAULTS[HELLO])
def test_a_storm_stays_below_ten_openings_a_minute(kind: str, chance: float) -> None:
    """Whatever Slack does after each hello, with the shortest and the longest pauses."""

    async def script(slack: FakeSlack) -> None:
        slack.fault(HELLO, kind, times=None)
        async with entered(slack, random=lambda: chance) as scene:
            await asyncio.sleep(300)
            assert len(scene.openings.ended_at) >= 5
            check_pace(scene.openings.ended_at)

    play(script)


@pytest.mark.parametrize(
    ("method", "kind"), [(OPEN, "ratelimited"), ("socket.handshake", "429")], ids=["address", "handshake"]
)
def test_retry_after_is_kept_to(method: str, kind: str) -> None:
    async def script(slack: FakeSlack) -> None:
        slack.fault(method, kind, retry_after=50)
        async with entered(slack, random=lambda: 0.0) as scene:
            await asyncio.sleep(49.5)
            assert len(scene.openings.ended_at) == 1
            await scene.until_answered(within=5.0)
            assert scene.openings.ended_at[1] - scene.openings.ended_at[0] >= 50

    play(script)


def test_a_handshake_is_not_redirected(logged: list[EventDict]) -> None:
    async def script(slack: FakeSlack) -> None:
        slack.fault("socket.handshake", "302")
        async with entered(slack) as scene:
            await scene.until_answered(within=BACK_WITHIN)

    play(script)
    assert [entry["error"] for entry in logged if entry["event"] == "socket.lost"] == ["RedirectRefused"]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_a_socket_that_is_replaced_loses_no_command(logged: list[EventDict], reason: str) -> None:
    """Not those that are under way, nor those that come while it happens."""

    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            under_way = [asyncio.create_task(scene.command(f"slow {number}")) for number in range(5)]
            await asyncio.sleep(0.5)
            await slack.disconnect(reason)
            await slack.wait_for_socket(timeout=1.0)
            outcomes = [await scene.command(str(number)) for number in range(20)]
            assert all(outcome.acked for outcome in [*await asyncio.gather(*under_way), *outcomes])
            await asyncio.sleep(60)
            assert slack.complaints == []

    play(script)
    assert [entry for entry in logged if entry["log_level"] != "debug"] == []


def test_a_successor_is_there_before_its_predecessor_is_left() -> None:
    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            slack.fault(OPEN, "slow_before", seconds=8.0)
            await slack.disconnect("warning")
            for _ in range(20):
                await asyncio.sleep(1)
                assert await scene.door.is_connected()
            assert slack.sockets == 1

    play(script)


def test_a_socket_without_a_successor_is_not_taken_for_one_for_ever(logged: list[EventDict]) -> None:
    """Slack does not close it and sends nothing over it."""

    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            (socket,) = slack._doors.sockets.usable  # noqa: SLF001  # the stand-in would close it
            slack.fault(OPEN, "500_before", times=None)
            await slack.disconnect("warning")
            socket.end.reschedule(None)
            await asyncio.sleep(LIMITS.replaced_within - 1)
            assert await scene.door.is_connected()
            await asyncio.sleep(3)
            assert not await scene.door.is_connected()

    play(script)
    assert [entry["reason"] for entry in logged if entry["event"] == "socket.lost"] == ["warning"]


def test_a_token_that_is_refused_at_the_start_is_told_whoever_waits() -> None:
    async def script(slack: FakeSlack) -> None:
        slack.fault(OPEN, "500_before", times=3)
        slack.fault(OPEN, "invalid_auth", times=None)
        async with entered(slack) as scene:
            with pytest.raises(TokenRefused, match="SLACK_APP_TOKEN: invalid_auth"):
                await scene.door.prove()

    play(script)


def test_a_token_that_is_refused_later_is_tried_slowly(logged: list[EventDict]) -> None:
    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            await scene.door.prove()
            slack.fault(OPEN, "invalid_auth", times=None)
            await slack.break_sockets("closed")
            await asyncio.sleep(600)
            assert not await scene.door.is_connected()
            assert 20 <= len(scene.openings.ended_at) <= 42
            slack.heal()
            await scene.until_answered(within=BACK_WITHIN)
            await asyncio.sleep(20)

    play(script)
    told = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert told == ["socket.lost", "app_token.refused", "socket.regained"]


def test_a_loop_that_is_killed_is_started_again(logged: list[EventDict]) -> None:
    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            (loop,) = [task for task in asyncio.all_tasks() if task.get_name() == "slack_socket"]
            loop.cancel()
            await asyncio.sleep(30)
            assert (await scene.command()).acked
            await slack.break_sockets("reset")
            await scene.until_answered(within=BACK_WITHIN)

    play(script)
    assert "background_task.restarted" in [entry["event"] for entry in logged]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        (OPEN, "timeout_before"),
        ("socket.handshake", "silent"),
        (HELLO, "missing"),
        (HELLO, "half_open"),
        (HELLO, "no_pong"),
        (HELLO, "warning"),
        (OPEN, "invalid_auth"),
        (OPEN, "ratelimited"),
        ("socket.address", "unreachable"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("after", [3.0, *(pytest.param(then, marks=pytest.mark.slow) for then in (0.0, 12.0))])
def test_leaving_takes_a_second_whatever_goes_on(method: str, kind: str, after: float) -> None:
    """And as long as acknowledgements may take besides, where some are due."""

    async def script(slack: FakeSlack) -> None:
        if method:
            slack.fault(method, kind, times=None)
        async with entered(slack):
            await asyncio.sleep(after)
            began = now()
        assert now() - began <= LIMITS.close + 0.1

    play(script)


def test_what_is_inside_is_acknowledged_before_the_door_is_left() -> None:
    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            under_way = asyncio.create_task(scene.command("slow"))
            await asyncio.sleep(0.5)
        assert (await under_way).acked

    play(script)


@pytest.mark.parametrize("odd", ['"text"', "[]", "nonsense", "{}", '{"type": "disconnect"}', '{"envelope_id": 1}'])
def test_what_slack_never_sends_does_no_harm(odd: str) -> None:
    async def script(slack: FakeSlack) -> None:
        async with entered(slack) as scene:
            await scene.settle()
            (socket,) = slack._doors.sockets.usable  # noqa: SLF001  # the stand-in says nothing that Slack does not say
            await socket.response.send_str(odd)
            await scene.until_answered(within=5.0)
            await asyncio.sleep(30)
            assert (await scene.command()).acked

    play(script)
