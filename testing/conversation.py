"""What people do in Slack and what they see: typing, pressing, reading."""

import asyncio
import json

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA, Message, View
from testing.harness import Office


async def until_ready(office: Office) -> None:
    """The first call that Slack gets is auth.test; the door is open right after it."""
    await office.slack.wait_for(lambda: office.slack.calls)
    for _ in range(200):
        if (await office.slack.command("help")).status == 200:
            office.slack.messages.clear()
            return
        await asyncio.sleep(0.01)


async def typed(office: Office, text: str, *, user: str = U_ANA) -> Message:
    """Type it, and give the card that came of it."""
    outcome = await office.slack.command(text, user=user, channel=C_ONCALL)
    assert (outcome.acked, outcome.error) == (True, None)
    assert outcome.seconds < 2.9
    return await next_answer(office.slack, user=user)


async def next_answer(slack: FakeSlack, *, user: str, channel: str | None = None) -> Message:
    """The next message that is not a sign of one to come, which a slow machine brings about."""
    while is_sign(message := await slack.next_message(user=user, channel=channel)):
        pass
    return message


def is_sign(message: Message) -> bool:
    """Whether it only says that something takes its time."""
    return message.text.startswith("Asking RTC about") or message.text.endswith("The answer follows here.")


def words_of(message: Message) -> str:
    return json.dumps(message.blocks, ensure_ascii=False)


def nothing_amiss(slack: FakeSlack) -> bool:
    return not slack.complaints and not slack.refusals


START = 1_795_000_000_000


async def card_in(office: Office, channel: str, text: str = "Room1 Task1", *, user: str = U_ANA) -> Message:
    await office.slack.command(text, user=user, channel=channel)
    return await next_answer(office.slack, user=user, channel=channel)


async def pressed(office: Office, card: Message, action: str, *, user: str = U_ANA) -> Message:
    """Press it, and give what it was changed into."""
    before = card.edited
    assert (await office.slack.press(card, action, user=user)).acked
    await office.slack.wait_for(lambda: card.edited > before)
    return card


async def direct_message(office: Office, *, user: str = U_ANA) -> Message:
    return await office.slack.next_message(user=user, channel=f"D{user[1:]}")


def actions_of(card: Message) -> list[str]:
    rows = [block["elements"] for block in card.blocks if block["type"] == "actions"]
    accessories = [block["accessory"] for block in card.blocks if "accessory" in block]
    return [element["action_id"] for element in (*(e for row in rows for e in row), *accessories)]


async def home_of(office: Office, user: str = U_ANA) -> View:
    assert (await office.slack.open_home(user=user)).acked
    await office.slack.wait_for(lambda: office.slack.home_for(user))
    home = office.slack.home_for(user)
    assert home
    return home
