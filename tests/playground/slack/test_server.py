"""The stand-in for Slack works with a real Bolt app, over both doors alike."""

import pytest

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import (
    C_ONCALL,
    C_SHARED,
    E_HOME,
    E_OTHER,
    T_HOME,
    T_OTHER,
    U_ANA,
    U_BEN,
    U_GONE,
    U_GUEST,
    U_STRANGER,
)
from testing.small_bot import SmallBot


async def test_a_command_is_answered_by_its_ack(fake: FakeSlack, small_bot: SmallBot) -> None:
    outcome = await fake.command("Room1 <Task&1>", user=U_ANA)
    assert (outcome.acked, outcome.error) == (True, None)
    assert outcome.seconds < 1
    [message] = fake.messages
    assert (message.text, message.ephemeral_to, message.is_bot) == ("A card", U_ANA, True)
    assert fake.message_for(U_ANA) is message
    with pytest.raises(LookupError):
        fake.message_for(U_BEN)
    [form] = small_bot.seen
    assert form["text"] == "Room1 &lt;Task&amp;1&gt;"
    assert (form["team_id"], form["enterprise_id"], form["channel_name"]) == (T_HOME, E_HOME, "oncall")


async def test_a_command_may_be_answered_to_all(fake: FakeSlack, small_bot: SmallBot) -> None:
    await fake.command("all")
    assert fake.message_for(U_BEN).text == "A card"
    assert small_bot.seen


@pytest.mark.parametrize("said", ["x", "all"])
async def test_a_button_replaces_its_message(fake: FakeSlack, small_bot: SmallBot, said: str) -> None:
    await fake.command(said)
    message = await fake.next_message()
    outcome = await fake.press(message, "replace")
    assert (outcome.acked, outcome.error) == (True, None)
    await fake.wait_for(lambda: message.edited)
    assert (message.text, fake.messages) == ("Replaced", [message])
    press = small_bot.seen[-1]
    assert ("message" in press) == (said == "all")
    assert press["container"]["is_ephemeral"] == (said != "all")
    assert press["actions"][0]["value"] == "replace"


async def test_a_button_deletes_its_message_or_says_something_new(fake: FakeSlack, small_bot: SmallBot) -> None:
    await fake.command("x")
    message = await fake.next_message()
    await fake.press(message, "new", value="tampered")
    assert (await fake.next_message(user=U_ANA)).text == "New"
    assert small_bot.seen[-1]["actions"][0]["value"] == "tampered"
    await fake.press(message, "delete")
    await fake.wait_for(lambda: message not in fake.messages)
    with pytest.raises(LookupError):
        await fake.press(message, "delete")


async def test_an_option_is_chosen(fake: FakeSlack, small_bot: SmallBot) -> None:
    await fake.command("x")
    await fake.press(fake.message_for(U_ANA), "menu", selected="two")
    assert small_bot.seen[-1]["actions"][0]["selected_option"]["value"] == "two"
    with pytest.raises(LookupError):
        await fake.press(fake.message_for(U_ANA), "menu", selected="three")


async def open_modal(fake: FakeSlack) -> None:
    await fake.command("x")
    await fake.press(fake.message_for(U_ANA), "modal")
    await fake.wait_for(lambda: fake.world.modals_of(U_ANA))


async def test_a_modal_is_opened_layered_and_closed(fake: FakeSlack, small_bot: SmallBot) -> None:
    await open_modal(fake)
    first = fake.view_for(U_ANA)
    await fake.press(first, "in_modal")
    await fake.wait_for(lambda: first.content["title"]["text"] == "Changed")
    press = small_bot.seen[-1]
    assert press["container"] == {"type": "view", "view_id": first.id}
    assert not {"message", "channel", "response_url"} & press.keys()
    second = fake.view_for(U_ANA)
    assert second.previous_id == first.id
    assert (await fake.close_view(second)).acked
    assert small_bot.seen[-1]["type"] == "view_closed"
    assert fake.view_for(U_ANA) is first


@pytest.mark.parametrize(("typed", "open_views"), [("right", 0), ("wrong", 1), ("again", 1), ("push", 2), ("clear", 0)])
async def test_a_modal_is_submitted(fake: FakeSlack, small_bot: SmallBot, typed: str, open_views: int) -> None:
    await open_modal(fake)
    view = fake.view_for(U_ANA)
    outcome = await fake.submit_view(view, values={"name": {"typed": typed}})
    assert (outcome.acked, outcome.error) == (True, None)
    assert len(fake.world.modals_of(U_ANA)) == open_views
    assert (outcome.body == {"response_action": "errors", "errors": {"name": "No."}}) == (typed == "wrong")
    assert view.content["callback_id"] == ("again" if typed == "again" else "ask")
    assert small_bot.seen[-1]["view"]["state"]["values"]["name"]["typed"] == {
        "type": "plain_text_input",
        "value": typed,
    }


async def test_the_home_tab_is_published_and_pressed(fake: FakeSlack, small_bot: SmallBot) -> None:
    for _ in range(2):
        assert (await fake.open_home(user=U_BEN)).acked
        await fake.wait_for(lambda: fake.home_for(U_BEN))
    home = fake.home_for(U_BEN)
    assert home is not None
    await fake.press(home, "in_home", user=U_BEN)
    assert not {"message", "channel", "response_url"} & small_bot.seen[-1].keys()
    with pytest.raises(LookupError):
        await fake.press(home, "in_home", user=U_ANA)


async def test_the_person_is_told_when_no_ack_comes_in_time(fake: FakeSlack, small_bot: SmallBot) -> None:
    outcome = await fake.command("silence")
    assert (outcome.acked, outcome.error) == (False, "operation_timeout")
    assert 1.0 <= outcome.seconds < 2.0
    assert len(small_bot.seen) == 1


@pytest.mark.parametrize(("own_team", "team", "enterprise"), [(False, T_OTHER, E_OTHER), (True, T_HOME, E_HOME)])
async def test_who_presses_is_told(
    fake: FakeSlack, small_bot: SmallBot, own_team: bool, team: str, enterprise: str
) -> None:
    fake.names_installed_team = own_team
    await fake.command("all", channel=C_SHARED)
    await fake.press(fake.message_for(U_STRANGER), "menu", user=U_STRANGER, selected="one")
    press = small_bot.seen[-1]
    assert (press["team"]["id"], press["enterprise"]["id"]) == (team, enterprise)
    assert press["user"] == {"id": U_STRANGER, "username": "stranger", "name": "stranger", "team_id": T_OTHER}


async def test_people_do_only_what_they_can(fake: FakeSlack, small_bot: SmallBot) -> None:
    await fake.command("x", user=U_ANA)
    message = fake.message_for(U_ANA)
    for impossible in (
        fake.press(message, "replace", user=U_BEN),
        fake.press(message, "unknown"),
        fake.command("x", user=U_GONE),
        fake.command("x", user=U_STRANGER, channel=C_ONCALL),
    ):
        with pytest.raises(LookupError):
            await impossible
    assert len(small_bot.seen) == 1
    await fake.command("x", user=U_GUEST, channel=None)
    assert small_bot.seen[-1]["channel_name"] == "directmessage"
