"""Which listener each command, action and event has. Every listener goes through `shielded`."""

import re

from slack_bolt.async_app import AsyncApp

from bot.slack.cards.messages import tampered_card
from bot.slack.connection.command_middleware import Commands
from bot.slack.listeners.command import on_command
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.events import register_events
from bot.slack.listeners.file_links import on_links, on_open
from bot.slack.listeners.files_modal import on_more
from bot.slack.listeners.refresh import on_refresh
from bot.slack.listeners.rejected import note_refused
from bot.slack.listeners.repeats import once
from bot.slack.listeners.share import on_cancel, on_share
from bot.slack.listeners.shield import shielded
from bot.slack.listeners.subscriptions import (
    on_clear,
    on_list,
    on_subscribe,
    on_unsubscribe,
)
from bot.slack.request.payload import Body, Visit
from bot.slack.response import Reply


def register(app: AsyncApp, desk: ListenerContext) -> None:
    """Tell Bolt which listener is for what; the last one takes whatever no other does."""
    app.use(Commands(shielded(desk, on_command)))
    app.action(re.compile(r"rectask\.refresh(\..*)?"))(shielded(desk, once(on_refresh, when=_is_shared)))
    app.action("rectask.subscribe")(shielded(desk, once(on_subscribe, or_if_unknown=True)))
    app.action(re.compile(r"rectask\.unsubscribe(\..*)?"))(shielded(desk, once(on_unsubscribe, or_if_unknown=True)))
    app.action("rectask.list")(shielded(desk, on_list))
    app.action("rectask.clear")(shielded(desk, once(on_clear, or_if_unknown=True)))
    app.action("rectask.cancel")(shielded(desk, on_cancel))
    app.action("rectask.share")(shielded(desk, once(on_share)))
    app.action(re.compile(r"rectask\.(files|raw)(\..*)?"))(shielded(desk, once(on_more, or_if_unknown=True)))
    app.action("rectask.links")(shielded(desk, once(on_links)))
    app.action(re.compile(r"rectask\.open(\..*)?"))(shielded(desk, on_open))
    app.action(re.compile(".*"))(shielded(desk, on_unknown_action))
    register_events(app, desk)


def _is_shared(desk: ListenerContext, body: Body) -> bool:
    """A card that others see as well."""
    return desk.press(body).shared_by is not None


async def on_unknown_action(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """A button of a card of another time, or none of ours."""
    note_refused(desk, visit, "a button that is not known")
    await reply.tell(tampered_card())
