"""What every listener works with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.audit.record import AuditedAction
from bot.notices.person import Person
from bot.notices.store import Notices, Requests, Subscriptions, Upkeep
from bot.recording.task import RecordTask
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.authorization.authorizer import Authorizer
from bot.slack.background import BackgroundTasks
from bot.slack.connection.workspace import TokenHealth, Workspace
from bot.slack.errors import TOKEN_IS_DEAD, error_of
from bot.slack.home_tabs import HomeTabPublisher
from bot.slack.limits import LIMITS, Limits
from bot.slack.link_issuer import LinkIssuer
from bot.slack.lookup_cards import LookupCards
from bot.slack.meter import UNMETERED, SlackMeter
from bot.slack.request.button_value import ButtonValue, read_value
from bot.slack.request.payload import Body, Visit, action_of, container_of
from bot.slack.response import Reply, Ways


@dataclass(frozen=True, slots=True)
class ListenerContext:
    """All that a listener works with. `next_look` says after how long a task is looked at that is watched from now."""

    answerer: LookupCards
    apps: Sequence[RtcApp]
    slack: AsyncWebClient
    session: aiohttp.ClientSession
    workspace: Workspace
    health: TokenHealth
    work: BackgroundTasks
    subscriptions: Subscriptions
    notices: Notices
    upkeep: Upkeep
    requests: Requests
    homes: HomeTabPublisher
    gate: Authorizer
    linker: LinkIssuer
    next_look: Callable[[RecordTask], timedelta]
    meter: SlackMeter = UNMETERED
    limits: Limits = LIMITS
    subscriptions_at_most: int = 90

    @property
    def ways(self) -> Ways:
        """What answers are sent with."""
        return Ways(self.slack, self.session, limits=self.limits, meter=self.meter, pause=self.work.pause)

    async def look_at_token(self) -> bool:
        """Whether Slack refuses the bot's token by now; an answer that does not come tells nothing."""
        try:
            await self.slack.auth_test()
        except SlackApiError as failure:
            error = error_of(failure)
            self.health.note(error)
            return error in TOKEN_IS_DEAD
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError):
            self.health.note_unreachable()
        else:
            self.health.note(None)
        return False

    def person(self, user_id: object) -> Person:
        """Somebody of this organisation."""
        return Person(self.workspace.team_id, str(user_id))

    def visible_apps(self, visit: Visit) -> list[RtcApp]:
        """Those of which the visitor may look up anything, here; nobody else is told their names."""
        return [app for app in self.apps if self.gate.rights.may_look_up_in(visit.asker, app=app.name)]

    def other_apps(self, visit: Visit, ref: TaskRef) -> list[RtcApp]:
        """Where else the visitor may look for the same room and task."""
        others = [app for app in self.apps if app != ref.app]
        return [
            app for app in others if self.gate.may(visit.asker, AuditedAction.LOOK_UP, TaskRef(app, ref.room, ref.task))
        ]

    def press(self, body: Body, *, or_removed: bool = False) -> ButtonValue:
        """What the button carries. Raises InvalidButtonValue. With `or_removed` its app need not be configured."""
        return read_value(action_of(body).get("value"), apps=self.apps, or_removed=or_removed)


Listener = Callable[[ListenerContext, Visit, Reply], Awaitable[None]]


def is_own_card(visit: Visit, press: ButtonValue) -> bool:
    """Whether the card is seen by nobody but the presser, and may be put in the place of.

    What a button carries does not settle that: one that failed to be shared stands in the channel.
    """
    return bool(container_of(visit.body).get("is_ephemeral")) and press.shared_by is None
