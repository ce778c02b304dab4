"""Notices pass the gate as well: who may not be told any more is told nothing, and what is told is recorded."""

from bot.access.audit.record import AuditedAction, Door, Outcome
from bot.access.rights import Principal
from bot.notices.messenger import Messenger, Retryable, Undeliverable
from bot.notices.notice import MessageRef, Notice
from bot.recording.task_ref import TaskRef
from bot.slack.authorization.authorizer import MAY_NOT_BE_TOLD, Authorizer
from bot.slack.authorization.user_groups import TRIED_AGAIN_AFTER
from bot.slack.errors import meaning_of
from bot.slack.request.payload import Visit


class AuthorizedMessenger:
    """A Messenger around another one. Who subscribed counts as asking from where they did."""

    def __init__(self, messenger: Messenger, gate: Authorizer) -> None:
        self._messenger = messenger
        self._gate = gate

    async def check(self, notice: Notice) -> None:
        await self._messenger.check(notice)
        visit, ref = await self._visit(notice), _ref_of(notice)
        if self._may(visit.asker, ref):
            return
        if self._may(self._gate.at_most(visit.asker), ref):
            named = ", ".join(sorted(self._gate.groups.not_known))
            raise Retryable(f"Slack does not tell who is in {named}, and so who may be told", after=TRIED_AGAIN_AFTER)
        self._gate.note(visit, AuditedAction.NOTICE, ref, outcome=Outcome.REFUSED, reason="may not")
        raise Undeliverable(MAY_NOT_BE_TOLD)

    async def find(self, notice: Notice) -> MessageRef | None:
        place = await self._messenger.find(notice)
        if place is not None:
            self._note(notice)
        return place

    async def post(self, notice: Notice) -> MessageRef:
        place = await self._messenger.post(notice)
        self._note(notice)
        return place

    def _may(self, asker: Principal, ref: TaskRef | None) -> bool:
        return (
            self._gate.rights.may_anything(asker) if ref is None else self._gate.may(asker, AuditedAction.NOTICE, ref)
        )

    def _note(self, notice: Notice) -> None:
        """Nothing is asked and nothing raised, for it is posted."""
        reading, asker = notice.completion.reading, Principal(notice.person.user_id, channel=notice.asked_in)
        request_id = None if reading is None else reading.request_id
        self._gate.note(_visit_of(notice, asker), AuditedAction.NOTICE, _ref_of(notice), request_id=request_id)

    async def _visit(self, notice: Notice) -> Visit:
        try:
            asker = await self._gate.asker(notice.person, channel=notice.asked_in)
        except Exception as failure:  # as in SlackMessenger: slack_sdk lets more escape than its own errors
            raise meaning_of(failure, is_post=False) from failure
        return _visit_of(notice, asker)


def _visit_of(notice: Notice, asker: Principal) -> Visit:
    return Visit({}, notice.person, notice.person.team_id, Door.NOTICE, asker)


def _ref_of(notice: Notice) -> TaskRef | None:
    """None where the recording was never seen."""
    reading = notice.completion.reading or notice.completion.newer
    return None if reading is None else reading.task.ref
