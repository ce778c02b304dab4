"""Subscribing by button and by command, the list, the home tab and the message that comes in the end."""

import asyncio
import json

import pytest
from structlog.typing import EventDict

from bot.playground.slack.payloads import user_change
from bot.playground.slack.world import C_ONCALL, C_SHARED, U_ANA, U_BEN, U_GRID, U_STRANGER, Message, View
from testing.conversation import actions_of, card_in, direct_message, home_of, nothing_amiss, pressed, typed, words_of
from testing.harness import Office

DM = f"D{U_ANA[1:]}"


async def told(office: Office, card: Message, action: str, *, user: str = U_ANA) -> Message:
    """Press it, and give the answer that nobody else sees."""
    assert (await office.slack.press(card, action, user=user)).acked
    answer = await office.slack.next_message(user=user, channel=card.channel)
    assert answer.ephemeral_to == user
    return answer


async def shared_card(office: Office, text: str = "running Task1") -> Message:
    await office.slack.press(await card_in(office, C_ONCALL, text), "rectask.share", user=U_ANA)
    return await office.slack.next_message(user=U_BEN, channel=C_ONCALL)


async def test_ones_own_card_changes_at_once_and_tells_the_truth_when_refreshed(office: Office) -> None:
    card = await typed(office, "running Task1")
    assert "rectask.subscribe" in actions_of(card)
    await pressed(office, card, "rectask.subscribe")
    assert "rectask.unsubscribe" in actions_of(card)
    assert "You will get a direct message when it ends." in words_of(card)
    await pressed(office, card, "rectask.refresh")
    assert "rectask.unsubscribe" in actions_of(card)
    await pressed(office, card, "rectask.unsubscribe")
    assert "rectask.subscribe" in actions_of(card)
    await pressed(office, card, "rectask.refresh")
    assert "rectask.subscribe" in actions_of(card)
    assert nothing_amiss(office.slack)


async def test_another_card_of_the_same_person_knows_too(office: Office) -> None:
    await pressed(office, await typed(office, "running Task1"), "rectask.subscribe")
    assert "rectask.unsubscribe" in actions_of(await typed(office, "running Task1"))
    assert "rectask.subscribe" in actions_of(await typed(office, "running Task1", user=U_BEN))


async def test_a_recording_that_is_over_has_no_such_button(office: Office) -> None:
    card = await typed(office, "Room1 Task1")
    assert [action for action in actions_of(card) if "subscribe" in action] == []


async def test_on_a_shared_card_the_presser_is_answered_alone_and_the_button_stays(office: Office) -> None:
    shared = await shared_card(office)
    assert "rectask.subscribe" in actions_of(shared)
    answer = await told(office, shared, "rectask.subscribe", user=U_BEN)
    assert "You will get a message when it ends" in words_of(answer)
    assert "/rectask unwatch running Task1" in words_of(answer)
    again = await told(office, shared, "rectask.subscribe", user=U_BEN)
    assert "You are subscribed to it already" in words_of(again)
    assert not shared.edited
    await pressed(office, again, "rectask.unsubscribe.answer", user=U_BEN)
    assert "You will get no message about this recording" in words_of(again)
    assert nothing_amiss(office.slack)


async def test_what_was_taken_back_can_be_taken_up_again(office: Office) -> None:
    await typed(office, "watch running Task1")
    answer = await typed(office, "unwatch running Task1")
    card = await pressed(office, answer, "rectask.subscribe")
    assert "rectask.unsubscribe" in actions_of(card)


async def test_watch_and_unwatch(office: Office) -> None:
    assert "You will get a message when it ends" in words_of(await typed(office, "watch running Task1"))
    assert "You are subscribed to it already" in words_of(await typed(office, "watch running Task1"))
    assert "You will get no message about this recording" in words_of(await typed(office, "unwatch running Task1"))
    assert "You were not subscribed to this recording" in words_of(await typed(office, "unwatch running Task1"))
    assert nothing_amiss(office.slack)


@pytest.mark.parametrize(
    ("room", "title"), [("nosuch", "🔍 No recording found"), ("unavailable", "🔌 The connection to RTC broke off")]
)
async def test_what_can_not_be_read_is_not_watched(office: Office, room: str, title: str) -> None:
    if room == "unavailable":
        office.rtc.fail_with("reset")
    answer = await typed(office, f"watch {room} Task1")
    assert answer.blocks[0]["text"]["text"] == title
    assert "You were not subscribed." in words_of(answer)
    assert "You were not subscribed." in answer.text
    office.rtc.heal()
    assert "You have no subscriptions" in words_of(await typed(office, "list"))


async def test_a_card_stays_when_subscribing_fails(office: Office) -> None:
    card = await typed(office, "running Task1")
    office.rtc.forget("running")
    await office.slack.press(await typed(office, "running Task1"), "rectask.refresh", user=U_ANA)
    await office.slack.wait_for(lambda: "No recording found" in json.dumps([m.blocks for m in office.slack.messages]))
    answer = await told(office, card, "rectask.subscribe")
    assert "You were not subscribed." in words_of(answer)
    assert not card.edited


async def test_watching_what_is_over_answers_with_its_card(office: Office) -> None:
    answer = await typed(office, "watch Room1 Task1")
    assert answer.text.startswith("Room1 / Task1: Ended after 7 min 42 s")
    assert "It has already ended, so you will get no message." in words_of(answer)
    assert "You have no subscriptions" in words_of(await typed(office, "list"))


async def test_what_is_remembered_as_over_is_asked_anew(office: Office) -> None:
    """Another recording may have begun with the same ids."""
    office.rtc.end("running")
    card = await typed(office, "running Task1")
    assert card.text.startswith("running / Task1: Ended after")
    office.rtc.replace("running")
    assert "You will get a message when it ends" in words_of(await typed(office, "watch running Task1"))
    assert "`running`" in words_of(await typed(office, "list"))


async def test_what_is_remembered_as_over_is_not_told_of_while_rtc_can_not_be_asked(office: Office) -> None:
    office.rtc.end("running")
    await typed(office, "running Task1")
    office.rtc.fail_with("reset")
    answer = words_of(await typed(office, "watch running Task1"))
    assert "The connection to RTC broke off" in answer
    assert "You were not subscribed." in answer


async def test_what_has_ended_meanwhile_answers_with_its_card(office: Office) -> None:
    card, shared = await typed(office, "running Task1"), await shared_card(office)
    office.rtc.end("running")
    await pressed(office, await typed(office, "running Task1", user=U_BEN), "rectask.refresh", user=U_BEN)
    await pressed(office, card, "rectask.subscribe")
    assert "It has already ended" in words_of(card)
    assert "It has already ended" in words_of(await told(office, shared, "rectask.subscribe", user=U_BEN))


async def test_the_message_comes_when_it_has_ended(office: Office) -> None:
    card = await typed(office, "running Task1")
    await pressed(office, card, "rectask.subscribe")
    await told(office, await shared_card(office), "rectask.subscribe", user=U_BEN)
    office.rtc.end("running")
    await pressed(office, card, "rectask.refresh")  # so that nobody has to wait for the next look
    for user in (U_ANA, U_BEN):
        message = await direct_message(office, user=user)
        assert ": Ended after" in message.text
        assert "You get this because you subscribed" in words_of(message)
        assert message.ephemeral_to is None
    listed = words_of(await typed(office, "list"))
    assert "The message about its end was delivered" in listed
    assert "rectask.unsubscribe" not in listed
    assert nothing_amiss(office.slack)


async def test_a_notice_is_refreshed_in_its_place_and_stays_a_notice(office: Office) -> None:
    message = await notice_of(office)
    metadata = message.metadata
    await pressed(office, message, "rectask.refresh")
    assert ": Ended after" in message.text
    assert "You get this because you subscribed" in words_of(message)
    assert message.metadata == metadata
    assert nothing_amiss(office.slack)


async def test_a_notice_outlives_what_rtc_knows(office: Office) -> None:
    message = await notice_of(office)
    office.rtc.forget("running")
    answer = await told(office, message, "rectask.refresh")
    assert "No recording found" in words_of(answer)
    assert "The message above stays as it is." in words_of(answer)
    assert not message.edited


async def test_a_newer_recording_of_the_same_ids_does_not_take_the_place_of_a_notice(office: Office) -> None:
    message = await notice_of(office)
    office.rtc.replace("running")
    answer = await told(office, message, "rectask.refresh")
    assert "This is a newer recording of the same ids" in words_of(answer)
    assert not message.edited
    await pressed(office, answer, "rectask.subscribe")
    assert "rectask.unsubscribe" in actions_of(answer)


async def notice_of(office: Office) -> Message:
    card = await typed(office, "running Task1")
    await pressed(office, card, "rectask.subscribe")
    office.rtc.end("running")
    await pressed(office, card, "rectask.refresh")
    return await direct_message(office)


async def test_the_list(office: Office) -> None:
    assert "You have no subscriptions" in words_of(await typed(office, "list"))
    await typed(office, "watch running Task1")
    await typed(office, "watch running Task2 --app default")
    card = await typed(office, "list")
    assert "Next check" in words_of(card)
    assert actions_of(card)[1:] == ["rectask.unsubscribe.list.0", "rectask.unsubscribe.list.1"]
    assert "`Task2`" in card.blocks[2]["text"]["text"]
    await pressed(office, card, "rectask.unsubscribe.list.0")
    assert "`Task2`" not in words_of(card)
    await typed(office, "unwatch running Task1")
    await pressed(office, card, "rectask.list")
    assert "You have no subscriptions" in words_of(card)
    assert "You have no subscriptions" in words_of(await typed(office, "list", user=U_BEN))
    assert nothing_amiss(office.slack)


def shows(home: View, words: str) -> bool:
    return words in json.dumps(home.content, ensure_ascii=False)


async def test_the_home_tab_is_kept_up_to_date(office: Office) -> None:
    home = await home_of(office)
    assert shows(home, "You have no subscriptions")
    card = await typed(office, "running Task1")
    await pressed(office, card, "rectask.subscribe")
    await office.slack.wait_for(lambda: shows(home, "Next check"))
    office.rtc.end("running")
    await pressed(office, card, "rectask.refresh")
    await office.slack.wait_for(lambda: shows(home, "The message about its end was delivered"))
    assert nothing_amiss(office.slack)


async def test_the_buttons_of_the_home_tab(office: Office) -> None:
    await typed(office, "watch running Task1")
    home = await home_of(office)
    assert shows(home, "`running`")
    before = home.hash
    await office.slack.press(home, "rectask.list", user=U_ANA)
    await office.slack.wait_for(lambda: home.hash != before)
    await office.slack.press(home, "rectask.unsubscribe.list.0", user=U_ANA)
    await office.slack.wait_for(lambda: shows(home, "You have no subscriptions"))
    assert nothing_amiss(office.slack)


async def test_who_has_never_opened_it_has_none(office: Office) -> None:
    await home_of(office, U_BEN)
    await office.slack.open_home(user=U_ANA, tab="messages")
    await typed(office, "watch running Task1")
    await typed(office, "watch running Task1", user=U_BEN)
    home = office.slack.home_for(U_BEN)
    assert home
    await office.slack.wait_for(lambda: shows(home, "Next check"))
    assert office.slack.home_for(U_ANA) is None


async def test_somebody_of_another_workspace_of_the_organisation_is_one_person(office: Office) -> None:
    """Slack names their own workspace beside a press, and the one with the app beside an event."""
    await told(office, await shared_card(office), "rectask.subscribe", user=U_GRID)
    assert shows(await home_of(office, U_GRID), "`running`")
    assert "`running`" in words_of(await typed(office, "list", user=U_GRID))


async def test_people_of_other_organisations_can_not_subscribe(office: Office) -> None:
    card = await card_in(office, C_SHARED, "running Task1")
    await office.slack.press(card, "rectask.share", user=U_ANA)
    asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    await office.slack.press(asked, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_STRANGER, channel=C_SHARED)
    answer = await told(office, shared, "rectask.subscribe", user=U_STRANGER)
    assert "This is for another organization" in words_of(answer)


async def test_a_changed_value_subscribes_to_nothing(office: Office) -> None:
    card = await typed(office, "running Task1")
    await office.slack.press(card, "rectask.subscribe", user=U_ANA, value='{"a":"default","r":"../..","t":"x"}')
    assert "That button cannot be used" in words_of(await office.slack.next_message(user=U_ANA))
    assert "You have no subscriptions" in words_of(await typed(office, "list"))


async def test_who_is_deactivated_is_not_written_to_any_more(office: Office) -> None:
    await typed(office, "watch running Task1")
    await typed(office, "watch running Task1", user=U_BEN)
    assert (await office.slack.deactivate(U_ANA)).acked
    office.rtc.end("running")
    await typed(office, "running Task2", user=U_BEN)
    await pressed(office, await typed(office, "running Task1", user=U_BEN), "rectask.refresh", user=U_BEN)
    await direct_message(office, user=U_BEN)
    assert not [message for message in office.slack.messages if message.channel == DM]
    await office.slack.reactivate(U_ANA)
    office.slack.channels[C_ONCALL].members.append(U_ANA)
    assert "You are told nothing: This person's account is deactivated" in words_of(await typed(office, "list"))


async def test_who_is_back_before_it_is_told_that_they_went_keeps_all(office: Office) -> None:
    """Slack sends its events in any order, and again."""
    await typed(office, "watch running Task1")
    gone = {**user_change(office.slack.world, office.slack.people[U_ANA])}
    gone["user"] = {**gone["user"], "deleted": True}
    assert (await office.slack.send_event(gone)).acked
    assert "You are told nothing" not in words_of(await typed(office, "list"))
    office.rtc.end("running")
    await pressed(office, await typed(office, "running Task1"), "rectask.refresh")
    assert (await direct_message(office)).text


@pytest.mark.parametrize(
    "kind",
    ["lacking:user.deleted", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("500_before", "ratelimited"))],
)
async def test_a_deactivation_that_slack_does_not_confirm_yet_is_asked_about_again(
    office: Office, kind: str, logged: list[EventDict]
) -> None:
    await typed(office, "watch running Task1")
    office.slack.fault("users.info", kind)
    assert (await office.slack.deactivate(U_ANA)).acked
    async with asyncio.timeout(10):
        while not [event for event in logged if event["event"] == "person.deactivated"]:  # noqa: ASYNC110  # a log
            await asyncio.sleep(0.05)
    assert [event["event"] for event in logged].count("event.put_off") == 1


@pytest.mark.parametrize("tokens_first", [False, True])
async def test_an_app_that_is_removed_forgets_all(
    office: Office, logged: list[EventDict], *, tokens_first: bool
) -> None:
    await typed(office, "watch running Task1")
    first, second = await office.slack.uninstall(tokens_first=tokens_first)
    assert (first.acked, second.acked) == (True, True)
    for _ in range(100):
        if [entry for entry in logged if entry["event"] == "app.uninstalled"]:
            break
        await asyncio.sleep(0.02)
    office.slack.restore_token()
    assert "You have no subscriptions" in words_of(await typed(office, "list"))


async def test_a_revoked_token_costs_nobody_their_message(office: Office) -> None:
    await typed(office, "watch running Task1")
    assert (await office.slack.revoke_tokens()).acked
    await office.slack.wait_for(lambda: [call for call in office.slack.calls if call.method == "auth.test"][1:])
    office.slack.restore_token()
    assert "`running`" in words_of(await typed(office, "list"))


async def test_what_is_done_is_cleared_from_the_list_and_the_home_tab(office: Office) -> None:
    await notice_of(office)
    await typed(office, "watch running Task2")
    home = await home_of(office)
    assert shows(home, "*Done in the last days*")
    listed = await typed(office, "list")
    await pressed(office, listed, "rectask.clear")
    assert "was delivered" not in words_of(listed)
    assert "`Task2`" in words_of(listed)
    await office.slack.wait_for(lambda: not shows(home, "was delivered"))
    assert not shows(home, "rectask.clear")
    assert nothing_amiss(office.slack)


async def test_clearing_on_the_home_tab(office: Office) -> None:
    await notice_of(office)
    home = await home_of(office)
    await office.slack.press(home, "rectask.clear", user=U_ANA)
    await office.slack.wait_for(lambda: shows(home, "You have no subscriptions"))
