"""This machine's clock differs from Slack's: said where somebody looks, and over again once it is set."""

import asyncio

import pytest
from structlog.typing import EventDict

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA
from bot.slack.connection.clock import SlackClock, in_words, seconds_ahead
from testing.harness import Office, open_office
from testing.http_requests import get

SIX_MINUTES = 360
NOON = 1_795_000_000.0


async def checks_once_serving(office: Office) -> dict[str, bool]:
    async with asyncio.timeout(10):
        while True:
            _, told = await get(f"{office.url}/readyz")
            if told["checks"]["serving"] and told["checks"]["rounds"]:  # type: ignore[index]
                return told["checks"]  # type: ignore[index,no-any-return]
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("skew", "ahead"), [(-SIX_MINUTES, SIX_MINUTES), (SIX_MINUTES, -SIX_MINUTES)])
async def test_over_http_it_is_told_and_told_again_once_it_is_right(
    skew: int, ahead: int, logged: list[EventDict]
) -> None:
    slack = FakeSlack()
    slack.skew = skew
    async with open_office(door="http", slack=slack) as office:
        assert not (await checks_once_serving(office))["clock"]
        for _ in range(3):
            assert (await slack.command("help", user=U_ANA, channel=C_ONCALL)).status == 401
        slack.skew = 0
        # Whatever is asked of Slack next tells the time.
        await slack.command("Room1 Task1", user=U_ANA, channel=C_ONCALL)
        assert (await slack.command("help", user=U_ANA, channel=C_ONCALL)).acked
        assert (await checks_once_serving(office))["clock"]
    told = [each for each in logged if each["event"].startswith("clock.")]
    assert [each["event"] for each in told] == ["clock.wrong", "clock.corrected"]
    assert abs(told[0]["seconds_ahead_of_slack"] - ahead) <= 2


async def test_over_a_socket_it_is_in_the_log_alone(logged: list[EventDict]) -> None:
    slack = FakeSlack()
    slack.skew = SIX_MINUTES
    async with open_office(door="socket", slack=slack) as office:
        await slack.wait_for_socket()
        assert "clock" not in await checks_once_serving(office)
        assert (await slack.command("help", user=U_ANA, channel=C_ONCALL)).acked
    assert [each["event"] for each in logged if each["event"].startswith("clock.")] == ["clock.wrong"]


async def test_an_old_request_played_back_does_not_make_it_unready() -> None:
    async with open_office(door="http") as office:
        await checks_once_serving(office)
        body = b"command=%2Frectask&text=help"
        for _ in range(20):
            old = office.slack.sign(body, timestamp="1700000000")
            assert (await office.slack.post_to_bot(body, old)).status == 401
        assert (await checks_once_serving(office))["clock"]


@pytest.mark.parametrize("date", [None, "", "soon", "Sat, 99 Nov 2026 25:00:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT"])
def test_what_is_no_date_tells_nothing(date: str | None) -> None:
    clock = SlackClock(now=lambda: NOON)
    clock.note(date)
    assert seconds_ahead(date) is None
    assert clock.is_well


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0.4, "agrees with Slack's"),
        (360.0, "is 360 s ahead of Slack's"),
        (-1_200.0, "is 1,200 s behind Slack's"),
    ],
)
def test_the_difference_in_words(ahead: float, words: str) -> None:
    assert words in in_words(ahead)
