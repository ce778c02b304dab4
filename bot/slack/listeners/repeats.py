"""What Slack sends once has its effect once.

A signed request can be sent again by whoever recorded it, for as long as its signature is good, and Slack itself
delivers an envelope again when it missed the acknowledgement. So whatever changes something or posts something asks
the database first whether it has been here before, at this replica or another one. Look-ups do not, which only their
asker sees.

Each door marks what it lets in, with the signature or the envelope's id: those two are what Slack never uses twice.
"""

import asyncio
from collections.abc import Callable

import structlog

from bot.notices.store import DatabaseUnavailable
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import working_card
from bot.slack.cards.messages import words_card
from bot.slack.listeners.context import Listener, ListenerContext
from bot.slack.request.mark import MARK
from bot.slack.request.payload import Body, Visit
from bot.slack.response import Reply

log = structlog.get_logger()

# Seconds: before a command is acknowledged without its answer, and until the database counts as unreachable. Where its
# answer is not needed, less than that: a trigger_id is good for three seconds.
_AT_ONCE, _PATIENCE, _PATIENCE_IF_NOT_NEEDED = 0.5, 5.0, 1.0


def _always(_desk: ListenerContext, _body: Body) -> bool:
    return True


def once(
    listener: Listener, *, when: Callable[[ListenerContext, Body], bool] = _always, or_if_unknown: bool = False
) -> Listener:
    """The same, but for what has been here before.

    `when` says whether that matters. While the database does not answer, what would be posted for others is refused;
    with `or_if_unknown` the listener goes on, because it needs the database itself, or is seen by one person alone.
    """

    async def listen(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
        if not when(desk, visit.body) or await is_new(desk, visit, reply, or_if_unknown=or_if_unknown):
            await listener(desk, visit, reply)

    return listen


async def is_new(desk: ListenerContext, visit: Visit, reply: Reply, *, or_if_unknown: bool) -> bool:
    """Whether to go on with it. Where not, it is acknowledged, and whoever has to be told is told."""
    within = _PATIENCE_IF_NOT_NEEDED if or_if_unknown else _PATIENCE
    asking = desk.work.begin(_is_first(desk, visit.body, within=within))
    is_command = "command" in visit.body
    if is_command:
        await asyncio.wait({asking}, timeout=_AT_ONCE)
    if not is_command or not asking.done():
        await reply.acknowledge()
    if not or_if_unknown:
        desk.work.begin(_sign_if_slow(desk, asking, reply))
    match await asking:
        case None if not or_if_unknown:
            await reply.at_once(_unknown_card())
            return False
        case False:
            log.info("request.repeated", kind=visit.door)
            if not reply.is_acknowledged:
                await reply.acknowledge()
            return False
    return True


async def _sign_if_slow(desk: ListenerContext, asking: asyncio.Task[bool | None], reply: Reply) -> None:
    """In half the time that a first sign may take, for Slack needs some of it to show the sign."""
    await asyncio.wait({asking}, timeout=desk.limits.first_sign / 2)
    if not asking.done():
        await reply.at_work(working_card("Waiting for Rectask's database"))


async def _is_first(desk: ListenerContext, body: Body, *, within: float) -> bool | None:
    """None where the database does not say."""
    key = body.get(MARK)
    if not isinstance(key, str):
        return True
    try:
        async with asyncio.timeout(within):
            return await desk.requests.is_first(key)
    except (DatabaseUnavailable, TimeoutError):
        return None


def _unknown_card() -> Card:
    return words_card(
        "Rectask's database isn't responding",
        "Without it Rectask can't tell whether this was already done, so it did nothing. Try again in a minute.",
    )
