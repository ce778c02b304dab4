"""Who may pass with what, and what is recorded of it: every listener and every notice comes through here."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.access.audit.record import AuditedAction, AuditLog, Outcome, Record
from bot.access.rights import Principal, Right, Rights
from bot.access.spending import Spending
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.notices.subscription import Entry
from bot.recording.reading import Reading, TaskNotFound, TaskReadError, TaskUnavailable
from bot.recording.task_ref import RtcApp, TaskRef, app_as_configured
from bot.slack.authorization.user_groups import Groups
from bot.slack.authorization.users import People, Profile
from bot.slack.cards.subscription_list import Reach
from bot.slack.connection.workspace import Workspace
from bot.slack.request.payload import Body, Sender, Visit, caller_of

WHOEVER = "whoever runs Rectask here"
# What is told where nothing may be told of a recording; in lists too.
MAY_NOT_BE_TOLD = "You may not be told of this recording (any more)"
_TOO_OFTEN = "too often"
_RIGHT_TO = {
    AuditedAction.LOOK_UP: Right.LOOK_UP,
    AuditedAction.SUBSCRIBE: Right.SUBSCRIBE,
    AuditedAction.NOTICE: Right.SUBSCRIBE,
    AuditedAction.SHARE: Right.SHARE,
    AuditedAction.LINK: Right.OPEN_FILES,
}


# Audit records keep the reason that searches know, whatever the class is called now.
_STORED_AS: dict[type[Exception], str] = {DatabaseUnavailable: "StoreUnavailable"}


class Denied(Exception):
    """Somebody may not go on; it is recorded already."""


class NotAllowed(Denied):
    """They may not, whether what they ask for is there or not; `about` says whether they asked about a recording."""

    def __init__(self, *, about: bool = True) -> None:
        super().__init__()
        self.about = about


class NotKnown(Denied):
    """Slack does not say who is in a group, by which they could be allowed to."""


class TooOften(Denied):
    """They have asked too often; `seconds` from now they may again. `per_minute` is None for requests."""

    def __init__(self, seconds: float, *, per_minute: int | None = None) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.per_minute = per_minute


def make_gate(
    slack: AsyncWebClient,
    workspace: Workspace,
    *,
    rights: Rights,
    per_minute: int,
    audit: AuditLog,
    clock: Callable[[], datetime],
    ask: str | None = None,
    apps: Sequence[RtcApp] = (),
) -> "Authorizer":
    """A gate that knows nobody yet. `per_minute` are the askings of each person that RTC may hear of.

    Rules name the apps as they are configured, in `apps`.
    """
    return Authorizer(
        rights=rights,
        people=People(),
        groups=Groups(slack, rights.groups, is_org_wide=workspace.is_org_wide),
        spending=Spending(per_minute),
        audit=audit,
        slack=slack,
        workspace=workspace,
        clock=clock,
        ask=ask or WHOEVER,
        apps=apps,
    )


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Rights, allowance and record together. `ask` is whom people are told to ask, in Slack's mrkdwn."""

    rights: Rights
    people: People
    groups: Groups
    spending: Spending
    audit: AuditLog
    slack: AsyncWebClient
    workspace: Workspace
    clock: Callable[[], datetime]
    ask: str
    apps: Sequence[RtcApp]

    def visit_at_once(self, body: Body) -> Visit | None:
        """Who has come, from memory; None where Slack has to be asked."""
        caller = caller_of(body)
        if self._is_plainly_foreign(caller):
            return self._visit(body, caller, Profile(caller.user_id, is_foreign=True), frozenset())
        profile, groups = self.people.recall(caller.user_id), self.groups.recall(caller.user_id)
        return None if profile is None or groups is None else self._visit(body, caller, profile, groups)

    async def visit(self, body: Body) -> Visit:
        """Who has come. Raises what a failed call of Slack raises."""
        caller = caller_of(body)
        profile = await self.people.ask(caller.user_id, self.slack)
        return self._visit(body, caller, profile, await self.groups.of(caller.user_id))

    async def asker(self, person: Person, *, channel: str | None) -> Principal:
        """Somebody who is not there at the moment. Raises what a failed call of Slack raises."""
        profile = await self.people.ask(person.user_id, self.slack)
        return self._asker(profile, await self.groups.of(person.user_id), channel)

    def _is_plainly_foreign(self, caller: Sender) -> bool:
        """Without an organisation whoever is of another workspace is a stranger, and nobody is asked about them."""
        return self.workspace.enterprise_id is None and caller.team_id != self.workspace.team_id

    def _visit(self, body: Body, caller: Sender, profile: Profile, groups: frozenset[str]) -> Visit:
        """Within an organisation a user id is unique, while the workspace that a payload names beside it differs.

        A command tells where it was typed, a press where the person is at home, an event where the app is. So a person
        is always of the workspace with the bot.
        """
        person = Person(self.workspace.team_id, caller.user_id)
        asker = self._asker(profile, groups, caller.channel)
        return Visit(body, person, str(caller.team_id or self.workspace.team_id), caller.door, asker)

    def _asker(self, profile: Profile, groups: frozenset[str], channel: str | None) -> Principal:
        is_stranger = not profile.belongs_to(self.workspace)
        return Principal(profile.user_id, profile.is_guest, is_stranger, groups, channel)

    def may(self, asker: Principal, deed: AuditedAction, ref: TaskRef) -> bool:
        """Whether the asker may do this with that task, whatever its app was called when it was stored."""
        app = app_as_configured(self.apps, ref.app) or ref.app
        return self.rights.may(asker, _RIGHT_TO[deed], app=app.name, room=ref.room)

    def check(self, visit: Visit, deed: AuditedAction, ref: TaskRef) -> None:
        """Raises NotAllowed, and NotKnown. Nobody has been asked about the task when this is called."""
        if self.may(visit.asker, deed, ref):
            return
        if self.may(self.at_most(visit.asker), deed, ref):
            self.note(visit, deed, ref, outcome=Outcome.REFUSED, reason="group not known")
            raise NotKnown
        self.note(visit, deed, ref, outcome=Outcome.REFUSED, reason="may not")
        raise NotAllowed

    def at_most(self, asker: Principal) -> Principal:
        """In every group that Slack does not tell of. Rules only add up: being in one more takes nothing away."""
        return replace(asker, groups=asker.groups | self.groups.not_known)

    def check_inside(self, visit: Visit, deed: AuditedAction) -> None:
        """For what is about no task: whether there is anything that the visitor may. Raises as `check` does."""
        if self.rights.may_anything(visit.asker):
            return
        if self.rights.may_anything(self.at_most(visit.asker)):
            self.note(visit, deed, None, outcome=Outcome.REFUSED, reason="group not known")
            raise NotKnown
        self.note(visit, deed, None, outcome=Outcome.REFUSED, reason="may not")
        raise NotAllowed(about=False)

    def admit(self, visit: Visit) -> None:
        """Before anything is done for them: everything costs something. Raises TooOften."""
        if seconds := self.spending.deed(visit.person.user_id):
            self.note(visit, AuditedAction.OTHER, None, outcome=Outcome.REFUSED, reason=_TOO_OFTEN)
            raise TooOften(seconds, per_minute=self.spending.deeds_per_minute)

    def count(self, visit: Visit, deed: AuditedAction, ref: TaskRef) -> None:
        """One more request that RTC or VOD may get. Raises TooOften."""
        if seconds := self.spending.request(visit.person.user_id):
            self.note(visit, deed, ref, outcome=Outcome.REFUSED, reason=_TOO_OFTEN)
            raise TooOften(seconds)
        visit.charge.at = self.clock()

    def note(
        self,
        visit: Visit,
        deed: AuditedAction,
        ref: TaskRef | None,
        *,
        outcome: Outcome = Outcome.DONE,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Record it; the same refusal a few times a minute, and that somebody asks too often once."""
        if outcome is Outcome.REFUSED and not self._is_news(visit, deed, ref, reason):
            return
        self.audit.note(self.record(visit, deed, ref, outcome=outcome, reason=reason, request_id=request_id))

    def _is_news(self, visit: Visit, deed: AuditedAction, ref: TaskRef | None, reason: str | None) -> bool:
        if reason == _TOO_OFTEN:
            return self.spending.is_news(visit.person, reason, at_most=1)
        return self.spending.is_news(visit.person, reason, deed, ref)

    def record(
        self,
        visit: Visit,
        deed: AuditedAction,
        ref: TaskRef | None,
        *,
        outcome: Outcome = Outcome.DONE,
        reason: str | None = None,
        request_id: str | None = None,
        file: str | None = None,
    ) -> Record:
        """What is recorded; for a link it is to be kept (`audit.keep`) before the link is handed out."""
        return Record(
            at=self.clock(),
            team_id=visit.team_id,
            user_id=visit.person.user_id,
            deed=deed,
            door=visit.door,
            outcome=outcome,
            channel=visit.asker.channel,
            app=None if ref is None else ref.app.name,
            room=None if ref is None else ref.room,
            task=None if ref is None else ref.task,
            file=file,
            reason=reason,
            request_id=request_id,
        )

    def note_read(self, visit: Visit, deed: AuditedAction, ref: TaskRef, result: Reading | TaskReadError) -> None:
        """Record what the person was shown, or why nothing was; what sent no request, or failed, is not counted."""
        if visit.charge.at is not None and _cost_nothing(result, since=visit.charge.at):
            self.spending.give_back(visit.person.user_id)
        visit.charge.at = None
        if isinstance(result, Reading):
            self.note(visit, deed, ref, request_id=result.request_id)
        else:
            reason, request_id = _in_words(result), result.request_id
            self.note(visit, deed, ref, outcome=Outcome.FAILED, reason=reason, request_id=request_id)

    @contextmanager
    def noting_failure(self, visit: Visit, deed: AuditedAction, ref: TaskRef | None) -> Iterator[None]:
        """Record that it failed where something is raised."""
        try:
            yield
        except Denied:
            raise
        except Exception as failure:
            self.note(
                visit, deed, ref, outcome=Outcome.FAILED, reason=_STORED_AS.get(type(failure), type(failure).__name__)
            )
            raise

    async def shown_at_home(self, person: Person, entries: Sequence[Entry]) -> tuple[Sequence[Entry], Reach]:
        """What is shown on the home tab, which is in no channel. Raises what a failed call of Slack raises."""
        asker = await self.asker(person, channel=None)
        return self.shown(asker, entries), self.reach(asker)

    def reach(self, asker: Principal) -> Reach:
        """What a list may tell the asker to do."""
        look_up, subscribe = (self.rights.may_somewhere(asker, right) for right in (Right.LOOK_UP, Right.SUBSCRIBE))
        return Reach(may_look_up=look_up, may_subscribe=subscribe, ask=self.ask)

    def shown(self, asker: Principal, entries: Sequence[Entry]) -> list[Entry]:
        """The entries of a list, with nothing of the recordings that the asker may not look up (any more)."""
        return [
            entry if self.may(asker, AuditedAction.LOOK_UP, entry.watched.ref) else _hidden(entry) for entry in entries
        ]


def _hidden(entry: Entry) -> Entry:
    """All alike, whatever has become of the recording."""
    watched = replace(entry.watched, seen=None, failures=0, last_error=None)
    return Entry(watched, entry.subscribed_at, reason=MAY_NOT_BE_TOLD)


def _cost_nothing(result: Reading | TaskReadError, *, since: datetime) -> bool:
    """An answer that is older than the question came from another replica's memory."""
    if isinstance(result, Reading):
        return result.read_at < since
    return not isinstance(result, TaskNotFound)


def _in_words(failure: TaskReadError) -> str:
    code = "" if failure.code is None else f" ({failure.code})"
    if isinstance(failure, TaskNotFound):
        return "not found"
    return f"RTC is unavailable{code}" if isinstance(failure, TaskUnavailable) else f"RTC refuses{code}"
