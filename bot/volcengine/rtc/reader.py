"""RTC's record tasks: a TaskReader that asks GetRecordTask."""

from datetime import timedelta

from bot.recording.reading import Reading, TaskNotFound, TaskReadError, Urgency
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.bodies import apart
from bot.volcengine.api.client import ApiAnswer, VolcengineApi
from bot.volcengine.api.service import ApiService
from bot.volcengine.api.signing import escape
from bot.volcengine.api.transport_errors import makes_no_sense
from bot.volcengine.api.wire import InvalidResponse
from bot.volcengine.rtc.wire import parse_record_task

SERVICE = "rtc"
RTC = ApiService(
    name="RTC",
    endpoint_setting="RECTASK_RTC_ENDPOINT",
    region_setting="RECTASK_RTC_REGION",
    consequence="nothing new is known of the recording",
    action="GetRecordTask",
    version="2023-11-01",
    owner="the RTC app",
    owned="the RTC app {app}",
    limit="60 a second",
    or_slower=", or lower RECTASK_QPS",
    check_ids="Check app, room and task id against what the recording was started with.",
)


class RtcTaskReader:
    """Asks RTC itself, each time."""

    def __init__(self, openapi: VolcengineApi) -> None:
        self._openapi = openapi

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far this machine's clock was ahead of Volcengine's at the last answer; None before the first."""
        return self._openapi.clock_ahead

    async def read(self, ref: TaskRef, *, urgency: Urgency, fresh: bool = False) -> Reading:
        """Ask RTC; it has no memory, so `fresh` changes nothing. Raises TaskReadError."""
        del fresh
        answer = await self.ask(ref, urgency=urgency)
        try:
            task = await apart(answer.is_large, lambda: parse_record_task(answer.result, ref))
        except InvalidResponse as flaw:
            raise makes_no_sense(str(flaw), peer=RTC, request_id=answer.request_id, log_id=answer.log_id) from flaw
        if task is None:
            raise _not_found(ref, request_id=answer.request_id, log_id=answer.log_id)
        return Reading(
            task=task,
            read_at=answer.received_at,
            raw=answer.body,
            request_id=answer.request_id,
            log_id=answer.log_id,
        )

    async def ask(self, ref: TaskRef, *, urgency: Urgency) -> ApiAnswer:
        """GetRecordTask's answer before it is understood. Raises TaskReadError."""
        # In canonical form from the start: sorted by name.
        query = (
            f"Action={RTC.action}&AppId={escape(ref.app.app_id)}&RoomId={escape(ref.room)}&TaskId={escape(ref.task)}"
            f"&Version={RTC.version}"
        )
        try:
            return await self._openapi.get(query, urgency=urgency, rtc_app=ref.app.name)
        except TaskNotFound as refusal:
            raise _not_found(ref, answered=refusal) from refusal


def _not_found(
    ref: TaskRef,
    *,
    answered: TaskReadError | None = None,
    request_id: str | None = None,
    log_id: str | None = None,
) -> TaskNotFound:
    """The same words for each of the ways in which RTC says it."""
    return TaskNotFound(
        f"No recording found: room {ref.room}, task {ref.task}, app {ref.app.name}.",
        meaning="It was started more than 72 hours ago, or never under these ids. If the ids were reused, Volcengine "
        "returns only the newest recording.",
        advice="Check both ids against what the recording was started with, and that it belongs to this app.",
        code=answered.code if answered else None,
        request_id=answered.request_id if answered else request_id,
        log_id=answered.log_id if answered else log_id,
    )
