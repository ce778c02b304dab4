"""Around every listener: who sent it, whether they may, and the error boundary."""

import asyncio
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck

from bot.slack.calls import slack_failed
from bot.slack.cards.messages import stranger_card, unknown_person_card
from bot.slack.listeners.context import Listener, ListenerContext
from bot.slack.listeners.failures import guarded, note_slack_failure
from bot.slack.listeners.rejected import note_refused
from bot.slack.request.payload import Body, Visit
from bot.slack.response import Reply


def shielded(desk: ListenerContext, listener: Listener) -> Callable[..., Awaitable[None]]:
    """The listener as Bolt calls it: it is found out who has come, and nothing is raised."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        # Bolt waits for the acknowledgement alone, and a refusal is posted after that.
        with desk.work.holding():
            reply = Reply(ack, body, desk.ways)
            await guarded(desk, reply, lambda: _let_in(desk, listener, body, reply))

    return listen


async def _let_in(desk: ListenerContext, listener: Listener, body: Body, reply: Reply) -> None:
    """Serve who is known at once; Slack does not wait for as long as it may take to ask who somebody is."""
    if (visit := desk.gate.visit_at_once(body)) is not None:
        await _serve(desk, listener, visit, reply)
        return
    served = desk.work.begin(guarded(desk, reply, lambda: _ask_who_and_serve(desk, listener, body, reply)))
    await asyncio.wait({served}, timeout=desk.limits.first_sign)
    if not reply.is_acknowledged:
        await reply.at_work(reply.doing)


async def _ask_who_and_serve(desk: ListenerContext, listener: Listener, body: Body, reply: Reply) -> None:
    try:
        visit = await desk.gate.visit(body)
    except Exception as failure:  # noqa: BLE001  # slack_sdk lets more escape than its own errors
        note_slack_failure(slack_failed("users.info", failure, effect=""), desk)
        await reply.tell(unknown_person_card())
        return
    await _serve(desk, listener, visit, reply)


async def _serve(desk: ListenerContext, listener: Listener, visit: Visit, reply: Reply) -> None:
    await guarded(desk, reply, lambda: _serve_if_admitted(desk, listener, visit, reply), visit=visit)


async def _serve_if_admitted(desk: ListenerContext, listener: Listener, visit: Visit, reply: Reply) -> None:
    desk.gate.admit(visit)
    if visit.asker.is_stranger:
        note_refused(desk, visit, "of another organisation")
        await reply.tell(stranger_card())
    else:
        await listener(desk, visit, reply)
