"""No token, key, signature or response_url in a log, an error or a card: all is done once, and all is searched."""

import io
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import structlog

from bot.app.log_setup import configure_logs
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, C_SHARED, U_ANA, U_BEN, U_STRANGER, Json, View
from bot.playground.volcengine.gateway import Account
from testing.conversation import pressed
from testing.file_links_harness import LinkedOffice, links_in, open_linked_office
from testing.harness import ONE_DOOR_AT_LEAST, Office

ACCOUNT = Account("AKSECRETACCESSKEY0000", "c2VjcmV0LWtleS1vZi10aGlzLXRlc3Q=", session_token="STSsecrettoken+/==")
SLACK = {"bot_token": "xoxb-secret-of-this-test", "app_token": "xapp-secret-of-this-test", "signing_secret": "5ec4e7"}
HELD = [ACCOUNT.access_key, ACCOUNT.secret_key, ACCOUNT.session_token or "", *SLACK.values()]
LEAKS = re.compile("|".join([*map(re.escape, HELD), "[0-9a-f]{64}", "/hooks/"]))
TYPED = [
    "Room1 Task1",
    "hostile Task1",
    "error-SignatureDoesNotMatch Task1",
    "html Task1",
    "nosuch T",
    "help",
    "x",
    '"',
]


# All that has a listener, and where it stands where that makes a difference.
ACTIONS = {
    *("rectask.refresh", "rectask.share", "rectask.subscribe", "rectask.list", "rectask.links", "rectask.open.1"),
    *("rectask.unsubscribe", "rectask.unsubscribe.answer", "rectask.unsubscribe.list.0"),
    *("rectask.files", "rectask.files.next", "rectask.files.previous", "rectask.raw", "rectask.bygone"),
}


def slack_with_secrets() -> FakeSlack:
    return FakeSlack(bot_token=SLACK["bot_token"], app_token=SLACK["app_token"], signing_secret=SLACK["signing_secret"])


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged at the most talkative level, without the mask that is there in case of a leak."""
    stream = io.StringIO()
    configure_logs(level="debug", as_json=False, secrets=(), stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
async def test_nothing_leaks(door: str, log: io.StringIO) -> None:
    async with open_linked_office(door=door, account=ACCOUNT, slack=slack_with_secrets()) as linked:
        office = linked.office
        done = set[str]()
        for do in (do_all_with_links_and_subscriptions, do_all_in_modals_and_lists):
            await do(linked)
            done |= actions_pressed(office)
        await do_everything(office)
        done |= actions_pressed(office)
        kept = [message for message in office.slack.messages if message.ephemeral_to is None]
        calls = repr([call.arguments for call in office.slack.calls if not call.method.startswith("views.")])
        seen = "\n".join(repr((message.text, without_links(message.blocks))) for message in office.slack.messages)
        views = repr([without_links(view.content["blocks"]) for view in office.slack.world.views.values()])
        await office.end()
        lines, rows = (office.folder / "audit.jsonl").read_text(), rows_of(office.folder / "rectask.db")
    assert done == ACTIONS
    assert "Ended after" in seen
    assert "slack_call.failed" in log.getvalue()
    assert lines.count('"share"') > 1
    assert lines.count('"link"') > 5
    assert "audit_records" in rows
    assert kept
    assert not any(links_in(message.blocks) for message in kept)
    for output in (seen, views, calls, log.getvalue(), lines, rows):
        leak = LEAKS.search(output)
        assert leak is None, output[max(0, leak.start() - 200) : leak.end()]


def without_links(blocks: list[Json]) -> list[Json]:
    """What is left of a card for one person without the addresses behind its buttons, which are signed."""
    return [
        {**block, "accessory": {**block["accessory"], "url": ""}} if "url" in block.get("accessory", {}) else block
        for block in blocks
    ]


def actions_pressed(office: Office) -> set[str]:
    entries = office.slack.world.trace.entries
    return {entry["summary"].partition(": ")[2] for entry in entries if entry["what"] == "to bot: press"}


def rows_of(path: Path) -> str:
    """Every row of every table but `requests`, whose hashes of signatures look like signatures."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(line for line in connection.iterdump() if not line.startswith('INSERT INTO "requests"'))


async def do_everything(office: Office) -> None:
    for text in (*TYPED, "watch running Task1", "unwatch running Task1", "watch running Task2", "list"):
        await office.slack.command(text, channel=C_SHARED)
    answers = [message for message in office.slack.messages if message.channel == C_SHARED]
    card = next(message for message in answers if "Ended after" in message.text)
    for action in ("rectask.refresh", "rectask.files", "rectask.share"):
        await office.slack.press(card, action, user=U_ANA)
    asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    while "outside your organization" not in repr(asked.blocks):
        asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    await office.slack.press(asked, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_STRANGER, channel=C_SHARED)
    await office.slack.press(shared, "rectask.refresh", user=U_STRANGER)
    for fault in ("some_new_error", "500_before", "reset_before"):
        office.slack.fault("conversations.info", fault)
        await office.slack.press(card, "rectask.share", user=U_ANA)
        office.slack.fault("response_url", fault)
        await office.slack.command("slow Task1", channel=C_ONCALL)
    body = b"payload=" + SLACK["bot_token"].encode()
    await office.slack.post_to_bot(body, office.slack.sign(body, secret="wrong"))
    async with aiohttp.ClientSession() as session:
        await session.get(f"{office.url}/readyz")


async def do_all_with_links_and_subscriptions(linked: LinkedOffice) -> None:
    slack = linked.office.slack
    shared = await linked.shared("hls-running Task1")
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    await slack.press(answer, "rectask.open.1", user=U_BEN)
    await slack.press(shared, "rectask.refresh", user=U_BEN)
    await slack.open_home(user=U_ANA)
    for text in ("vod Task1", "vod-unpublished Task1"):
        await linked.typed(text)
    card = await linked.typed("hls-running Task1")
    await slack.press(card, "rectask.files", user=U_ANA)
    for action in ("rectask.subscribe", "rectask.unsubscribe", "rectask.subscribe"):
        await pressed(linked.office, card, action)
        assert links_in(card.blocks)
    await slack.press(await linked.typed("list"), "rectask.list", user=U_ANA)
    linked.office.rtc.end("hls-running")
    await pressed(linked.office, card, "rectask.refresh")
    notice = await slack.next_message(user=U_ANA, channel=f"D{U_ANA[1:]}")
    assert links_in((await linked.told(notice, "rectask.links")).blocks)


def shown(view: View, words: str) -> bool:
    return words in repr(view.content)


async def do_all_in_modals_and_lists(linked: LinkedOffice) -> None:
    slack = linked.office.slack
    card = await linked.typed("many-files Task1")
    before = set(slack.world.views)
    await slack.press(card, "rectask.files", user=U_ANA)
    await slack.wait_for(lambda: set(slack.world.views) - before)
    modal = next(view for view_id, view in slack.world.views.items() if view_id not in before)
    for action, shows in (
        ("", "page 1 of"),
        ("rectask.files.next", "page 2 of"),
        ("rectask.files.previous", "page 1 of"),
        ("rectask.raw", "rich_text_preformatted"),
    ):
        if action:
            await slack.press(modal, action, user=U_ANA)
        await slack.wait_for(partial(shown, modal, shows))
    await linked.typed("watch running Task1")
    await pressed(linked.office, await linked.typed("list"), "rectask.unsubscribe.list.0")
    await pressed(linked.office, await linked.typed("watch running Task1"), "rectask.unsubscribe.answer")
    card.blocks[-1]["elements"][0]["action_id"] = "rectask.bygone"
    assert "That button cannot be used" in repr((await linked.told(card, "rectask.bygone")).blocks)
