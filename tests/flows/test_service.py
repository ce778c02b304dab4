"""The service itself: what gets in, whether it is ready, what Slack's troubles do to it, how it ends."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from structlog.typing import EventDict

from bot.app.serve import serve
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, U_ANA
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.slack.connection.auth import TokenRefused
from bot.volcengine.api.transport import Timeouts
from testing.conversation import typed, until_ready, words_of
from testing.harness import Office, open_office, settings_for
from testing.http_requests import get

COMMAND = urlencode({"command": "/rectask", "text": "Room1 Task1", "user_id": "U1", "team_id": "T1"}).encode()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with open_office(door="http") as opened:
        await until_ready(opened)
        yield opened


async def test_health(office: Office) -> None:
    assert await get(f"{office.url}/healthz") == (200, {"alive": True})
    for _ in range(200):  # the first round comes a moment after the door is open
        if (await get(f"{office.url}/readyz"))[0] == 200:
            break
        await asyncio.sleep(0.05)
    assert await get(f"{office.url}/readyz") == (
        200,
        {
            "ready": True,
            "checks": {
                "serving": True,
                "slack_token": True,
                "slack_permissions": True,
                "store": True,
                "rounds": True,
                "due_times": True,
                "clock": True,
                "background_tasks": True,
            },
            "warnings": {"looks": True},
        },
    )


async def checks_of(office: Office) -> dict[str, bool]:
    _, told = await get(f"{office.url}/readyz")
    assert isinstance(told, dict)
    return dict(told["checks"])


async def test_nobody_is_promised_anything_by_a_database_whose_file_was_deleted(office: Office) -> None:
    file, elsewhere = office.folder / "rectask.db", office.folder / "elsewhere.db"
    shutil.move(file, elsewhere)
    assert (await checks_of(office))["store"] is False
    await typed(office, "watch Room1 Task1")
    shutil.move(elsewhere, file)
    assert (await checks_of(office))["store"] is True
    assert "Task1" not in words_of(await typed(office, "list"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
        ({"X-Slack-Signature": "v0=é"}, 400),
        ({"X-Slack-Signature": ""}, 400),
        ({"X-Slack-Request-Timestamp": "1"}, 401),
        ({"X-Slack-Request-Timestamp": "soon"}, 400),
    ],
)
async def test_what_is_not_slacks_does_not_get_in(
    office: Office, logged: list[EventDict], change: dict[str, str], status: int
) -> None:
    outcome = await office.slack.post_to_bot(COMMAND, office.slack.sign(COMMAND) | change)
    assert outcome.status == status
    assert [entry["event"] for entry in logged] == ["requests.refused"]
    assert "Room1" not in str(logged)


async def test_a_request_without_headers_and_one_of_two_megabytes(office: Office) -> None:
    assert (await office.slack.post_to_bot(COMMAND, {})).status == 400
    huge = b"x" * 2_000_000
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{office.url}/slack/events", data=io.BytesIO(huge), headers=office.slack.sign(huge)) as response,
    ):
        assert response.status == 413


@pytest.mark.parametrize("door", ["http", "socket"])
async def test_a_token_that_slack_refuses_ends_it(door: str) -> None:
    with pytest.raises(TokenRefused, match="SLACK_BOT_TOKEN"):
        await serve_with(FakeSlack(), door=door, fault=("auth.test", "invalid_auth"))


async def test_an_app_token_that_slack_refuses_ends_it() -> None:
    with pytest.raises(TokenRefused, match="SLACK_APP_TOKEN"):
        await serve_with(FakeSlack(), door="socket", fault=("apps.connections.open", "invalid_auth"))


async def serve_with(slack: FakeSlack, *, door: str, fault: tuple[str, str]) -> None:
    slack.fault(*fault)
    async with open_office(door=door, slack=slack) as office:
        await office.serving


async def test_it_waits_unready_until_slack_is_there(logged: list[EventDict]) -> None:
    slack = FakeSlack()
    slack.fault("auth.test", "500_before", times=3)
    async with open_office(door="http", slack=slack) as office:
        await slack.wait_for(lambda: slack.calls)
        status, told = await get(f"{office.url}/readyz")
        assert (status, told["ready"]) == (503, False)  # type: ignore[index]
        assert (await slack.command("help")).status == 503
    assert [entry["event"] for entry in logged].count("start.delayed") == 1


@pytest.mark.parametrize("kind", ["ratelimited", "500_before", "reset_before", "html_before"])
async def test_an_answer_that_slack_does_not_take_at_once_comes_all_the_same(
    logged: list[EventDict], kind: str
) -> None:
    async with open_office(door="http", patience=Timeouts(attempt=2.2, total=2.3)) as office:
        await until_ready(office)
        office.slack.fault("response_url", kind)
        await office.slack.command("slow Task1", user=U_ANA, channel=C_ONCALL)
        await office.end()
        assert "Asking RTC about" in office.slack.visible_to(U_ANA)[0].text
        assert "rectask.refresh" in str(office.slack.message_for(U_ANA).blocks)
    assert not [entry["event"] for entry in logged if entry["event"].startswith("answer.")]


async def test_a_token_that_dies_while_running_turns_it_unready(office: Office, logged: list[EventDict]) -> None:
    card = await typed(office, "Room1 Task1")
    office.slack.fault("views.open", "invalid_auth", times=2)
    for _ in range(2):
        await office.slack.press(card, "rectask.files", user=U_ANA)
    await office.slack.wait_for(lambda: [call.method for call in office.slack.calls].count("views.open") == 2)
    await office.slack.wait_for(lambda: "slack_token.refused" in [entry["event"] for entry in logged])
    status, told = await get(f"{office.url}/readyz")
    assert (status, told["checks"]["slack_token"]) == (503, False)  # type: ignore[index]
    await office.end()
    assert [entry["event"] for entry in logged].count("slack_token.refused") == 1


async def test_notices_that_slack_does_not_permit_turn_it_unready_until_one_goes_through(office: Office) -> None:
    async def is_permitted() -> object:
        return (await get(f"{office.url}/readyz"))[1]["checks"]["slack_permissions"]  # type: ignore[index]

    office.slack.fault("chat.postMessage", "messages_tab_disabled")
    await typed(office, "watch running Task1")
    office.rtc.end("running")
    await office.slack.press(await typed(office, "running Task1"), "rectask.refresh", user=U_ANA)
    await office.slack.wait_for(lambda: [call for call in office.slack.calls if call.method == "chat.postMessage"])
    for _ in range(100):
        if not await is_permitted():
            return
        await asyncio.sleep(0.02)
    pytest.fail("It is ready.")


async def test_the_token_is_looked_after_and_its_recovery_noticed(logged: list[EventDict], tmp_path: Path) -> None:
    slack = FakeSlack()
    rounds = 0

    async def sleep(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        slack.fault("auth.test", "token_revoked") if rounds == 1 else None
        if rounds > 3:
            await asyncio.Event().wait()

    async with open_fake_rtc(FakeRtc()) as rtc, open_fake_slack(slack):
        stop = asyncio.Event()
        serving = asyncio.create_task(
            serve(settings_for(rtc, slack, door="http", folder=tmp_path), stop=stop, sleep=sleep)
        )
        await slack.wait_for(lambda: len(slack.calls) >= 4)
        stop.set()
        await serving
    events = [entry["event"] for entry in logged]
    assert events.index("slack_token.refused") < events.index("slack_token.recovered")


async def test_a_socket_that_is_lost_turns_it_unready_and_is_opened_again() -> None:
    async with open_office(door="socket") as office:
        await office.slack.wait_for_socket()
        for _ in range(100):
            if (await get(f"{office.url}/readyz"))[0] == 200:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("It is not ready.")
        await office.slack.disconnect()
        await office.slack.wait_for_socket()
        card = await typed(office, "Room1 Task1")
        assert "Ended after" in card.text


async def test_one_handshake_that_fails_does_not_make_it_deaf() -> None:
    async with open_office(door="socket") as office:
        await office.slack.wait_for_socket()
        office.slack.fault("socket.handshake", "408")
        await office.slack.break_sockets("reset")
        assert (await get(f"{office.url}/readyz"))[0] == 503
        await office.slack.wait_for_socket(timeout=10.0)
        assert not office.slack.is_faulty
        assert "Ended after" in (await typed(office, "Room1 Task1")).text


async def test_what_slack_refuses_is_told_with_an_id_that_is_in_the_log(
    office: Office, logged: list[EventDict]
) -> None:
    card = await typed(office, "Room1 Task1")
    office.slack.fault("conversations.info", "some_new_error")
    await office.slack.press(card, "rectask.share", user=U_ANA)
    told = await office.slack.next_message(user=U_ANA)
    (failed,) = [entry for entry in logged if entry["event"] == "slack_call.failed"]
    assert failed["incident"] in str(told.blocks)
    assert "some_new_error" in failed["error"]
    assert "exc_info" not in failed
