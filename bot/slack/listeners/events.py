"""Events that Slack sends: a home tab was opened, the app was removed, somebody's account was closed.

Slack repeats events, and sends them in any order; doing the same twice comes to the same.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.access.audit.record import AuditedAction, Door, Outcome
from bot.notices.messenger import Retryable, SlackUnavailable
from bot.notices.store import DatabaseUnavailable
from bot.slack.background import Overloaded
from bot.slack.connection.auth import UNREACHABLE
from bot.slack.errors import error_of, meaning_of
from bot.slack.listeners.context import ListenerContext
from bot.slack.request.payload import Body, Visit

log = structlog.get_logger()

# Slack does not repeat what was acknowledged, and that is done before the store is asked.
PAUSES = (1.0, 5.0, 30.0)
_DEACTIVATED = "This person's account is deactivated"


class NotProven(Exception):
    """What an event says is not so, or not yet."""


Handler = Callable[[ListenerContext, Body], Awaitable[None]]


def register_events(app: AsyncApp, desk: ListenerContext) -> None:
    """Tell Bolt which listener is for which event; the last one takes whatever no other does."""
    app.event("app_home_opened")(quietly(desk, on_home_opened))
    app.event("app_uninstalled")(quietly(desk, on_uninstalled))
    app.event("tokens_revoked")(quietly(desk, on_tokens_revoked))
    app.event("user_change")(quietly(desk, on_user_change))
    app.event(re.compile(".*"))(_ignore)


def quietly(
    desk: ListenerContext, handler: Handler, *, pauses: Sequence[float] = PAUSES
) -> Callable[..., Awaitable[None]]:
    """The handler as Bolt calls it, which acknowledges events by itself: nothing is raised."""

    async def listen(body: Body) -> None:
        try:
            desk.work.begin(_handle(desk, handler, body, pauses))
        except Overloaded:
            log.warning("work.refused")

    return listen


async def _handle(desk: ListenerContext, handler: Handler, body: Body, pauses: Sequence[float]) -> None:
    """Again and again while it cannot be done, for there is nobody who would ask again."""
    for pause in pauses:
        if await _is_done(desk, handler, body):
            return
        await asyncio.sleep(pause)
    if not await _is_done(desk, handler, body):
        log.error("event.lost", event_type=_event_of(body).get("type"))


async def _is_done(desk: ListenerContext, handler: Handler, body: Body) -> bool:
    """False where another time it may be done; what else goes wrong is logged, for another time it would too."""
    event = str(_event_of(body).get("type"))
    try:
        await handler(desk, body)
    except (DatabaseUnavailable, NotProven):
        return False
    except UNREACHABLE as failure:
        return _is_settled(desk, failure, event)
    except Exception:
        log.exception("event.failed", event_type=event)
    return True


def _is_settled(desk: ListenerContext, failure: Exception, event: str) -> bool:
    """False where Slack may do another time what it did not do."""
    meaning = meaning_of(failure, is_post=False)
    if isinstance(failure, SlackApiError):
        desk.health.note(error_of(failure))
    if type(meaning) in (Retryable, SlackUnavailable):
        log.info("event.put_off", event_type=event, reason=meaning.reason)
        return False
    log.warning("event.failed", event_type=event, reason=meaning.reason)
    return True


async def on_home_opened(desk: ListenerContext, body: Body) -> None:
    """Show the home tab, and keep it up to date from now on. The event comes for the messages tab as well."""
    event = _event_of(body)
    if event.get("tab") != "home":
        return
    person = desk.person(event.get("user"))
    asker = await desk.gate.asker(person, channel=None)
    visit = Visit(body, person, str(body.get("team_id") or person.team_id), Door.HOME, asker)
    if asker.is_stranger:
        desk.gate.note(visit, AuditedAction.LIST, None, outcome=Outcome.REFUSED, reason="of another organisation")
        return
    with desk.gate.noting_failure(visit, AuditedAction.LIST, None):
        await desk.homes.open(person)
    desk.gate.note(visit, AuditedAction.LIST, None)


async def on_uninstalled(desk: ListenerContext, body: Body) -> None:
    """Delete all that is kept, which is under the installation's own id: an organisation's event may name another one.

    While Slack takes the token nothing is deleted: the event may come late, after the app was installed again, or be of
    one workspace of several. Raises NotProven.
    """
    if not await desk.look_at_token():
        raise NotProven
    team_id = desk.workspace.team_id
    subscriptions = await desk.upkeep.purge_workspace(team_id)
    log.warning("app.uninstalled", team=team_id, named=body.get("team_id"), subscriptions=subscriptions)


async def on_tokens_revoked(desk: ListenerContext, body: Body) -> None:
    """Nothing is deleted: a token that was replaced by another must cost no notice. Whether ours is dead is asked."""
    tokens = _event_of(body).get("tokens")
    if isinstance(tokens, dict) and tokens.get("bot"):
        log.warning("slack_token.revocation_announced")
        await desk.look_at_token()


async def on_user_change(desk: ListenerContext, body: Body) -> None:
    """Whether somebody is a guest now is asked anew; who was deactivated is not written to any more.

    Events come in any order, and somebody can be back before it is told that they went: Slack is asked.
    """
    user = _event_of(body).get("user")
    if not isinstance(user, dict) or not isinstance(user.get("id"), str):
        return
    person, people = desk.person(user["id"]), desk.gate.people
    people.note_change(person.user_id)
    if user.get("deleted") is not True or not (await people.ask(person.user_id, desk.slack)).is_gone:
        return
    if closed := await desk.notices.close_person(person, _DEACTIVATED):
        log.info("person.deactivated", subscriptions=closed)


async def _ignore() -> None:
    """Events are taken note of by acknowledging them; Bolt does that by itself."""


def _event_of(body: Body) -> Body:
    event = body.get("event")
    return event if isinstance(event, dict) else {}
