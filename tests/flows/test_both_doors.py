"""Each kind of payload over each door: whatever Slack sends is carried the same way over HTTP and over a socket.

All other flows go through one door.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, U_GUEST, Message
from bot.playground.volcengine.scenes import task
from bot.volcengine.api.transport import Timeouts
from testing.conversation import home_of, nothing_amiss, pressed, typed, words_of
from testing.harness import DOORS, Office
from testing.http_requests import get
from tests.flows.test_look_up import afresh
from tests.flows.test_rights import ready_office
from tests.flows.test_service import COMMAND
from tests.flows.test_subscriptions import shows

START = 1_795_000_000_000


@pytest.fixture(scope="module", params=DOORS)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with ready_office(request.param, RECTASK_LOOKUPS_PER_MINUTE="1000") as office:
        yield office


@pytest.fixture
def office(opened: Office) -> Office:
    """Each test has a room of its own."""
    return afresh(opened)


async def test_a_look_up(office: Office) -> None:
    card = await typed(office, "Room1 Task1")
    assert card.ephemeral_to == U_ANA
    assert card.text == "Room1 / Task1: Ended after 7 min 42 s: stopped through the API. 1 file, 30.4 MB."
    assert card.blocks[0]["text"]["text"] == "✅ Ended after 7 min 42 s: stopped through the API. 1 file, 30.4 MB."
    assert "v02b69g10000***eldb8vjafvmg" in words_of(card)
    assert len(office.rtc.received) == 1
    assert nothing_amiss(office.slack)


async def test_two_people_asking_at_once_cost_one_request(office: Office) -> None:
    await asyncio.gather(typed(office, "Room1 Task9"), typed(office, "Room1 Task9", user=U_BEN))
    assert len(office.rtc.received) == 1


async def test_a_command_with_a_typing_error(office: Office) -> None:
    assert "Did you mean “help”?" in words_of(await typed(office, "hepl"))
    assert not office.rtc.received
    assert nothing_amiss(office.slack)


async def test_a_button_that_changes_its_card(office: Office) -> None:
    office.rtc.answers["mine"] = task(status=2, start=START)
    card = await typed(office, "mine Task1")
    assert "Running" in card.text
    office.rtc.answers["mine"] = task(status=3, start=START, end=START + 60_000, reason="StopByAPI")
    await pressed(office, card, "rectask.refresh")
    assert "Ended after 1 min" in card.text
    assert nothing_amiss(office.slack)


async def shared(office: Office, text: str) -> Message:
    card = await typed(office, text)
    assert (await office.slack.press(card, "rectask.share", user=U_ANA)).acked
    return await office.slack.next_message(user=U_BEN, channel=C_ONCALL)


async def test_a_button_that_posts(office: Office) -> None:
    message = await shared(office, "Room1 Task1")
    assert message.ephemeral_to is None
    assert f"Shared by <@{U_ANA}>" in words_of(message)
    assert nothing_amiss(office.slack)


async def test_a_button_whose_answer_the_presser_alone_sees(office: Office) -> None:
    message = await shared(office, "running Task3")
    assert (await office.slack.press(message, "rectask.subscribe", user=U_BEN)).acked
    answer = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    assert answer.ephemeral_to == U_BEN
    assert "You will get a message when it ends" in words_of(answer)
    assert not message.edited
    assert nothing_amiss(office.slack)


async def test_a_button_that_was_tampered_with(office: Office) -> None:
    card = await typed(office, "Room1 Task1")
    value = '{"a":"prod","r":"../..","t":"x"}'
    assert (await office.slack.press(card, "rectask.refresh", user=U_ANA, value=value)).acked
    assert "That button cannot be used" in words_of(await office.slack.next_message(user=U_ANA))


async def test_a_modal(office: Office) -> None:
    await office.slack.press(await typed(office, "many-files Task1"), "rectask.files", user=U_ANA)
    await office.slack.wait_for(lambda: office.slack.world.modals_of(U_ANA))
    view = office.slack.view_for(U_ANA)
    await office.slack.wait_for(lambda: "page 1 of 50" in json.dumps(view.content))
    await office.slack.press(view, "rectask.files.next", user=U_ANA)
    await office.slack.wait_for(lambda: "page 2 of 50" in json.dumps(view.content))
    assert nothing_amiss(office.slack)


async def test_the_home_tab_and_the_message_that_comes_in_the_end(office: Office) -> None:
    home = await home_of(office)
    card = await typed(office, "running Task1")
    await pressed(office, card, "rectask.subscribe")
    await office.slack.wait_for(lambda: shows(home, "Next check"))
    office.rtc.end("running")
    await pressed(office, card, "rectask.refresh")
    message = await office.slack.next_message(user=U_ANA, channel=f"D{U_ANA[1:]}")
    assert ": Ended after" in message.text
    await office.slack.wait_for(lambda: shows(home, "The message about its end was delivered"))
    await office.slack.press(home, "rectask.clear", user=U_ANA)
    await office.slack.wait_for(lambda: shows(home, "You have no subscriptions"))
    assert nothing_amiss(office.slack)


async def test_an_event_about_a_person(office: Office) -> None:
    await typed(office, "watch running Task2", user=U_BEN)
    assert (await office.slack.deactivate(U_BEN)).acked
    await office.slack.reactivate(U_BEN)
    office.slack.channels[C_ONCALL].members.append(U_BEN)
    assert "`Task2`" in words_of(await typed(office, "list", user=U_BEN))
    assert nothing_amiss(office.slack)


async def test_who_has_no_right_is_refused(office: Office) -> None:
    message = await shared(office, "Room1 Task1")
    asked = len(office.rtc.received)
    assert "You may not do this here" in words_of(await typed(office, "nosuch Task1", user=U_GUEST))
    assert (await office.slack.press(message, "rectask.files", user=U_GUEST)).acked
    told = await office.slack.next_message(user=U_GUEST, channel=C_ONCALL)
    assert told.ephemeral_to == U_GUEST
    assert "You may not do this here" in words_of(told)
    assert len(office.rtc.received) == asked


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_sent_again_happens_once(door: str) -> None:
    async with ready_office(door) as office:
        card = await typed(office, "Room1 Task1")
        office.slack.repeats = 2
        assert (await office.slack.press(card, "rectask.share", user=U_ANA)).acked
        assert [outcome.acked for outcome in office.slack.repeated] == [True, True]
        await office.end()
        assert len([message for message in office.slack.messages if message.ephemeral_to is None]) == 1


async def send_with_a_wrong_signature(office: Office) -> None:
    outcome = await office.slack.post_to_bot(COMMAND, office.slack.sign(COMMAND, secret="wrong"))
    assert outcome.status == 401


async def send_an_envelope_of_nothing(office: Office) -> None:
    (socket,) = office.slack._doors.sockets.usable  # noqa: SLF001  # the stand-in says nothing that Slack does not say
    await socket.response.send_str('{"envelope_id": 1}')


@pytest.mark.parametrize("door", DOORS)
async def test_what_slack_has_not_sent_is_not_served(door: str) -> None:
    send: dict[str, Callable[[Office], Awaitable[None]]]
    send = {"http": send_with_a_wrong_signature, "socket": send_an_envelope_of_nothing}
    async with ready_office(door) as office:
        await send[door](office)
        assert not office.slack.messages
        assert not office.rtc.received
        assert "Ended after" in (await typed(office, "Room1 Task1")).text


@pytest.mark.parametrize("door", DOORS)
async def test_an_answer_that_takes_long_comes_afterwards_though_it_ends_meanwhile(door: str) -> None:
    async with ready_office(door, patience=Timeouts(attempt=2.5, total=2.6)) as office:
        outcome = await office.slack.command("slow Task1", user=U_ANA, channel=C_ONCALL)
        assert outcome.acked
        assert 1.9 < outcome.seconds < 2.9
        assert "Asking RTC about" in (await office.slack.next_message(user=U_ANA)).text
        await office.end()
        assert office.slack.message_for(U_ANA).blocks[0]["text"]["text"] == "🔌 RTC isn't responding"
        assert nothing_amiss(office.slack)


@pytest.mark.parametrize("door", DOORS)
async def test_it_is_ready_once_its_door_is_open(door: str) -> None:
    async with ready_office(door) as office, asyncio.timeout(20):
        while (await get(f"{office.url}/readyz"))[0] != 200:  # noqa: ASYNC110  # it tells nobody by itself
            await asyncio.sleep(0.05)
