"""docs/playground.md, held against what the stand-ins do."""

import re
from pathlib import Path

import pytest

from bot.playground.clock import PlayClock
from bot.playground.slack import blocks as slack_blocks
from bot.playground.slack import delivery as slack_doors
from bot.playground.slack import handles as slack_handles
from bot.playground.slack import limits as slack_limits
from bot.playground.slack import socket_faults as slack_socket_faults
from bot.playground.slack.control import Control
from bot.playground.slack.limits import Limits, Turnstile
from bot.playground.slack.methods import METHODS
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.socket_faults import SOCKET_FAULTS
from bot.playground.slack.stage import FAULTS as SLACK_FAULTS
from bot.playground.slack.stage import SlackStage
from bot.playground.stage import Stage
from bot.playground.trace import Trace
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.stage import FAULTS as RTC_FAULTS
from bot.playground.volcengine.stage import RtcStage

TEXT = (Path(__file__).parents[2] / "docs" / "playground.md").read_text(encoding="utf-8")
PROGRAMS, _, REST = TEXT.partition("## For programs")[2].partition("## Slack's stand-in")
METHOD_ROWS = {
    row[0]: row[1:]
    for row in re.findall(
        r"^\| `([\w.]+)` \| (.*?) ?\| (.*?) \| (.*?) ?\|$", REST.partition("### Rules")[0], re.MULTILINE
    )
}
RULES = REST.partition("### Rules")[2]


def all_routes() -> tuple[set[str], FakeRtc]:
    slack, rtc, trace, clock = FakeSlack(), FakeRtc(), Trace(), PlayClock()
    stage = Stage(trace, clock, slack=SlackStage(slack), rtc=RtcStage(rtc))
    control = Control(slack, None, [], None)
    gets = {"GET /-/state", "GET /-/events", "GET /-/rooms", "GET /-/stage?after=N", "GET /-/stage/events"}
    posts = {f"POST /-/{what}" for what in control.does} | {f"POST /-/stage/{what}" for what in stage.does}
    return gets | posts, rtc


def test_each_route_is_told_of() -> None:
    assert set(re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", PROGRAMS, re.MULTILINE)) == all_routes()[0]


def test_each_thing_to_arrange_is_told_of() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `POST /-/stage/(\w+)` \| (.*) \|$", PROGRAMS, re.MULTILINE)}
    assert RtcStage(all_routes()[1]).does.keys() <= set(re.findall(r"`(\w+)`", rows["task"]))
    assert RTC_FAULTS.keys() <= set(re.findall(r"`(\w+)`", rows["rtc"]))
    assert SLACK_FAULTS.keys() <= set(re.findall(r"`(\w+)`", rows["slack"]))


def test_each_fault_of_a_socket_is_told_of() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(socket\.\w+)` \| (.*) \|$", PROGRAMS, re.MULTILINE)}
    assert rows.keys() == SOCKET_FAULTS.keys()
    for method, kinds in SOCKET_FAULTS.items():
        assert kinds.keys() <= set(re.findall(r"`(\w+)`", rows[method]))


def test_each_method_has_its_row() -> None:
    assert METHOD_ROWS.keys() == METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_scope_and_rate_are_those_in_force(name: str) -> None:
    scope, rate, _ = METHOD_ROWS[name]
    assert scope.strip("`") == (METHODS[name].scope or "")
    turnstile = Turnstile(Limits(), lambda: 0.0)
    passed = sum(turnstile.seconds_to_wait(name, "C1") == 0 for _ in range(500))
    expected = "any" if passed == 500 else f"{passed} in {turnstile.seconds_to_wait(name, 'C1')} s"
    assert rate.removesuffix(" to one channel") == expected


@pytest.mark.parametrize(
    ("figure", "unit"),
    [
        (slack_limits.Limits().workspace.most, "messages in 60 s"),
        (slack_doors.EVENT_ATTEMPTS, "times in all"),
        (slack_doors.SOCKETS_MAY_BE, "at most"),
        (round(slack_handles.TICKET_LASTS), "s | enforced"),
        (round(slack_socket_faults.CLOSED_AFTER), "s | enforced"),
        (slack_handles.URL_USES, "uses in"),
        (round(slack_handles.URL_LASTS), "s, ephemeral"),
        (round(slack_handles.TRIGGER_LASTS), "s, one use"),
        (slack_blocks.BLOCKS_MAY_HAVE, "characters of blocks"),
        (slack_blocks.BLOCKS_ADVISED, "bytes a complaint"),
        (slack_blocks.TEXT_MAY_HAVE, "characters of text"),
        (slack_blocks.TEXT_ADVISED, "a complaint"),
        (slack_blocks.VIEW_MAY_HAVE, "bytes of a view"),
        (round(FakeSlack()._doors.ack_limit), "s | enforced, as `operation_timeout`"),  # noqa: SLF001
    ],
)
def test_figures_are_those_in_force(figure: int, unit: str) -> None:
    assert re.search(rf"\b{figure:,} {re.escape(unit)}", RULES)


def test_each_block_is_named() -> None:
    known = re.search(r"blocks: ([\w, ]+) \|", RULES)
    assert known is not None
    assert set(known[1].split(", ")) == {kind for kinds in slack_blocks._SURFACES.values() for kind in kinds}  # noqa: SLF001
