"""What happens when somebody types the command or presses a button.

The body of a listener never raises: Bolt would answer 404 after three seconds, and over a socket not at all (measured).
Every listener goes through `shielded`, which has the one try/except.
"""

import asyncio
import html
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.recording.reading import TaskReadError
from bot.recording.task import RtcApp, TaskRef
from bot.slack.answer import Answerer
from bot.slack.cards.card import Card
from bot.slack.cards.files import files_view, raw_view, words_view
from bot.slack.cards.words import (
    help_card,
    invite_card,
    shared_card,
    shared_outside_card,
    stranger_card,
    tampered_card,
    unexpected_card,
    usage_card,
    words_card,
)
from bot.slack.command import Help, LookUp, Refused, parse_command
from bot.slack.reply import Reply
from bot.slack.text import Block
from bot.slack.value import Press, Tampered, read_value
from bot.slack.work import TooMuchWork, Work
from bot.slack.workspace import TokenHealth, Workspace, error_of, is_one_of_us

log = structlog.get_logger()

# Slack waits 3 s for the answer; a look-up that takes longer than this is answered afterwards.
ANSWER_WITHIN = 2.0
_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "missing_scope"})

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a listener works with."""

    answerer: Answerer
    apps: Sequence[RtcApp]
    slack: AsyncWebClient
    session: aiohttp.ClientSession
    workspace: Workspace
    health: TokenHealth
    work: Work

    async def look_at_token(self) -> None:
        """Find out whether Slack still takes the bot's token; an answer that does not come tells nothing."""
        try:
            await self.slack.auth_test()
        except SlackApiError as failure:
            self.health.note(error_of(failure))
        except (aiohttp.ClientError, OSError, TimeoutError):
            log.warning("slack.unreachable")
        else:
            self.health.note(None)


def register(app: AsyncApp, desk: Desk) -> None:
    """Tell Bolt which listener is for what; the last one takes whatever no other does."""
    app.command(re.compile(".*"))(shielded(desk, on_command))
    app.action("rectask.refresh")(shielded(desk, on_refresh))
    app.action("rectask.share")(shielded(desk, on_share))
    app.action(re.compile(r"rectask\.(files|raw)(\..*)?"))(shielded(desk, on_more))
    app.action(re.compile(".*"))(shielded(desk, on_unknown_action))
    app.event(re.compile(".*"))(_ignore)


Listener = Callable[[Desk, Body, Reply], Awaitable[None]]


def shielded(desk: Desk, listener: Listener) -> Callable[..., Awaitable[None]]:
    """The listener as Bolt calls it: who presses is checked, and nothing is raised."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        reply = Reply(ack, body, desk.session)
        try:
            if await is_one_of_us(body, desk.workspace, desk.slack):
                await listener(desk, body, reply)
            else:
                log.info("stranger.refused")
                await reply.with_card(stranger_card())
        except Tampered:
            log.warning("value.tampered")
            await reply.with_card(tampered_card())
        except TooMuchWork:
            log.warning("work.refused")
            await reply.with_card(words_card("Too much is going on", "Please try again in a minute."))
        except Exception as failure:  # noqa: BLE001  # the one place, see the module's docstring
            await reply.with_card(unexpected_card(_incident(failure, desk)))

    return listen


def _incident(failure: Exception, desk: Desk) -> str:
    """Log it under an id that the person is told."""
    incident = secrets.token_hex(4)
    if isinstance(failure, SlackApiError):
        error = error_of(failure)
        desk.health.note(error)
        log.error("listener.failed", incident=incident, slack_error=error)
    else:
        log.error("listener.failed", incident=incident, exc_info=failure)
    return incident


async def _ignore() -> None:
    """Events are taken note of by acknowledging them; Bolt does that by itself."""


async def on_command(desk: Desk, body: Body, reply: Reply) -> None:
    """`/rectask …`: refusals and help at once, a look-up at once if it is quick enough."""
    typed = str(body.get("text") or "")
    command = parse_command(typed, apps=desk.apps)
    match command:
        case Refused(problem):
            await reply.at_once(usage_card(problem, typed=html.unescape(typed)))
        case Help():
            await reply.at_once(help_card(tuple(app.name for app in desk.apps)))
        case LookUp(ref):
            await _answer_look_up(desk, ref, reply)


async def _answer_look_up(desk: Desk, ref: TaskRef, reply: Reply) -> None:
    if (remembered := desk.answerer.remembered_card(ref)) is not None:
        await reply.at_once(remembered)
        return
    looking = desk.work.begin(_card_or_incident(desk, ref))
    done, _ = await asyncio.wait({looking}, timeout=ANSWER_WITHIN)
    if done:
        await reply.at_once(looking.result())
        return
    await reply.acknowledge()
    desk.work.begin(_answer_when_known(looking, reply))


async def _card_or_incident(desk: Desk, ref: TaskRef, *, fresh: bool = False, shared_by: str | None = None) -> Card:
    try:
        return await desk.answerer.card(ref, fresh=fresh, shared_by=shared_by)
    except Exception as failure:  # noqa: BLE001  # it runs on its own, where nobody else would catch it
        return unexpected_card(_incident(failure, desk))


async def _answer_when_known(looking: asyncio.Task[Card], reply: Reply) -> None:
    await reply.afterwards(await looking)


async def on_refresh(desk: Desk, body: Body, reply: Reply) -> None:
    """Ask RTC anew and put the answer in the place of the card; a shared card stays shared by whom it was."""
    await reply.acknowledge()
    press = _press_of(body, desk)
    desk.work.begin(_refresh(desk, press, reply))


async def _refresh(desk: Desk, press: Press, reply: Reply) -> None:
    card = await _card_or_incident(desk, press.ref, fresh=True, shared_by=press.shared_by)
    await reply.afterwards(card, replace=True, in_channel=press.shared_by is not None)


async def on_more(desk: Desk, body: Body, reply: Reply) -> None:
    """Open the modal, or turn its pages; the trigger is good for three seconds, so an empty one opens first."""
    await reply.acknowledge()
    press = _press_of(body, desk)
    is_raw = str(_action_of(body).get("action_id", "")).startswith("rectask.raw")
    view_id = (body.get("container") or {}).get("view_id")
    if view_id is None:
        opened = await desk.slack.views_open(
            trigger_id=str(body.get("trigger_id")), view=words_view("More", "Asking RTC …")
        )
        view_id = opened["view"]["id"]
    desk.work.begin(_show_more(desk, press, str(view_id), is_raw=is_raw))


async def _show_more(desk: Desk, press: Press, view_id: str, *, is_raw: bool) -> None:
    try:
        await desk.slack.views_update(view_id=view_id, view=await _more_view(desk, press, is_raw=is_raw))
    except SlackApiError as failure:
        _incident(failure, desk)


async def _more_view(desk: Desk, press: Press, *, is_raw: bool) -> Block:
    try:
        reading = await desk.answerer.read(press.ref)
    except TaskReadError as failure:
        return words_view("More", f"{failure.happened} {failure.advice}")
    return raw_view(reading, press) if is_raw else files_view(reading, press)


async def on_share(desk: Desk, body: Body, reply: Reply) -> None:
    """Post the card for the channel, after a second yes where people of other organisations would see it."""
    await reply.acknowledge()
    press = _press_of(body, desk)
    desk.work.begin(_share(desk, press, body, reply))


async def _share(desk: Desk, press: Press, body: Body, reply: Reply) -> None:
    channel_id, user_id = str((body.get("channel") or {}).get("id")), str(body["user"]["id"])
    try:
        channel = (await desk.slack.conversations_info(channel=channel_id)).get("channel") or {}
        if channel.get("is_ext_shared") and not press.outside_too:
            others = tuple(team for team in _teams_of(channel) if team != desk.workspace.team_id)
            await reply.afterwards(shared_outside_card(press, str(channel.get("name") or "this channel"), others))
            return
        card = await desk.answerer.card(press.ref, shared_by=user_id)
        await desk.slack.chat_postMessage(channel=channel_id, **card.as_message())
        log.info("card.shared", channel=channel_id, user=user_id)
        if press.outside_too:
            await reply.afterwards(shared_card(), replace=True)
    except SlackApiError as failure:
        if error_of(failure) in _NOT_THERE:
            await reply.afterwards(invite_card())
        else:
            await reply.afterwards(unexpected_card(_incident(failure, desk)))
    except Exception as failure:  # noqa: BLE001  # it runs on its own, where nobody else would catch it
        await reply.afterwards(unexpected_card(_incident(failure, desk)))


def _teams_of(channel: Body) -> list[str]:
    return [str(team) for team in (channel.get("connected_team_ids") or channel.get("shared_team_ids") or [])]


async def on_unknown_action(_desk: Desk, _body: Body, reply: Reply) -> None:
    """A button of a card of another time, or none of ours."""
    await reply.with_card(tampered_card())


def _action_of(body: Body) -> Body:
    actions = body.get("actions")
    return actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}


def _press_of(body: Body, desk: Desk) -> Press:
    return read_value(_action_of(body).get("value"), apps=desk.apps)
