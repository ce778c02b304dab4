"""Slack says ok and leaves something out while people type and press: nothing is shown that should not be."""

from collections.abc import AsyncIterator

import pytest
from structlog.typing import EventDict

from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, Channel, Message
from testing.conversation import card_in, nothing_amiss, typed, words_of
from testing.harness import Office, open_office

LEFT_OUT = [
    *("lacking:channel", "null:channel", "odd:channel", "lacking:ok"),
    *(
        f"{how}:channel.{field}"
        for field in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared")
        for how in ("lacking", "null", "odd")
    ),
]


@pytest.fixture
async def socket_office() -> AsyncIterator[Office]:
    async with open_office(door="socket") as office:
        await office.slack.wait_for_socket()
        yield office


def seen_by_all(office: Office) -> list[Message]:
    return [message for message in office.slack.messages if message.ephemeral_to is None]


async def test_share_posts_nothing_while_slack_does_not_say_who_sees_the_channel(
    socket_office: Office, logged: list[EventDict]
) -> None:
    card = await card_in(socket_office, C_ONCALL)
    for kind in LEFT_OUT:
        socket_office.slack.fault("conversations.info", kind, times=2)
        await socket_office.slack.press(card, "rectask.share", user=U_ANA)
        told = await socket_office.slack.next_message(user=U_ANA, channel=C_ONCALL)
        assert told.ephemeral_to == U_ANA, kind
        assert not seen_by_all(socket_office), kind
    failed = [event for event in logged if event["event"] == "slack_call.failed"]
    assert len(failed) == len(LEFT_OUT), "one line for each"
    assert all("conversations.info" in str(event) for event in failed)
    await socket_office.slack.press(card, "rectask.share", user=U_ANA)
    assert (await socket_office.slack.next_message(user=U_BEN, channel=C_ONCALL)).ephemeral_to is None
    assert nothing_amiss(socket_office.slack)


@pytest.mark.parametrize(
    ("channel", "question"),
    [
        (
            Channel(C_ONCALL, "oncall", [U_ANA, U_BEN], is_pending_ext_shared=True),
            "Share outside your organization?",
        ),
        (Channel(C_ONCALL, "oncall", [U_ANA, U_BEN], is_org_shared=True), "Share with other workspaces?"),
    ],
)
async def test_share_asks_first_where_others_are_invited_or_are_of_another_workspace(
    socket_office: Office, channel: Channel, question: str
) -> None:
    card = await card_in(socket_office, C_ONCALL)
    socket_office.slack.channels[C_ONCALL] = channel
    await socket_office.slack.press(card, "rectask.share", user=U_ANA)
    asked = await socket_office.slack.next_message(user=U_ANA, channel=C_ONCALL)
    assert question in words_of(asked)
    assert not seen_by_all(socket_office)
    await socket_office.slack.press(asked, "rectask.share", user=U_ANA)
    assert (await socket_office.slack.next_message(user=U_BEN, channel=C_ONCALL)).ephemeral_to is None
    assert nothing_amiss(socket_office.slack)


async def test_a_modal_without_an_id_is_said_and_logged_once(socket_office: Office, logged: list[EventDict]) -> None:
    card = await typed(socket_office, "many-files Task1")
    for kind in ("lacking:view", "null:view.id", "odd:view.id"):
        socket_office.slack.fault("views.open", kind)
        await socket_office.slack.press(card, "rectask.files", user=U_ANA)
        told = await socket_office.slack.next_message(user=U_ANA)
        assert told.ephemeral_to == U_ANA
    assert [event["event"] for event in logged if event["event"] == "slack_call.failed"] == ["slack_call.failed"] * 3


async def test_unknown_is_no_verdict_about_a_person(socket_office: Office) -> None:
    for kind in ("lacking:user", "null:user", "odd:user", "lacking:user.is_restricted", "null:user.deleted"):
        socket_office.slack.fault("users.info", kind)
        assert "Slack does not say who you are" in words_of(await typed(socket_office, "Room1 Task1")), kind
    assert "Ended after" in (await typed(socket_office, "Room1 Task1")).text
    assert nothing_amiss(socket_office.slack)


@pytest.mark.parametrize(
    "kind", ["lacking:ok", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("null:ok", "odd:ok"))]
)
async def test_an_app_that_is_said_to_be_removed_loses_nothing_while_slack_does_not_say_so(
    socket_office: Office, logged: list[EventDict], kind: str
) -> None:
    office = socket_office
    await typed(office, "watch running Task1")
    office.slack.fault("auth.test", kind, times=None)
    event = {"type": "app_uninstalled", "event_ts": office.slack.world.next_ts()}
    assert (await office.slack.send_event(event)).acked
    await office.slack.wait_for(lambda: "auth.test" in [call.method for call in list(office.slack.calls)[1:]])
    assert "running" in words_of(await typed(office, "list"))
    assert [entry["event"] for entry in logged].count("slack.unreachable") == 1
    assert not [entry for entry in logged if entry["event"] in {"event.failed", "app.uninstalled"}]
