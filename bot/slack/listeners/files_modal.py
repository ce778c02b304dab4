"""The modal behind "More": all files in pages, and the raw answer."""

import structlog

from bot.access.audit.record import AuditedAction
from bot.recording.reading import TaskReadError
from bot.slack.answers import Opened
from bot.slack.calls import SlackFailed, called
from bot.slack.cards.files_modal import files_view, in_channel, page_of, raw_view, words_view
from bot.slack.cards.mrkdwn import Block
from bot.slack.link_issuer import SOON
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.failures import begin
from bot.slack.request.button_value import ButtonValue
from bot.slack.request.payload import Visit, action_of
from bot.slack.response import Reply

log = structlog.get_logger()

_NOT_OPENED = "The window did not open. Press More again."
_NOT_CONFIRMED = "If a window opened, it stays empty. Close it and press More again."
_NOT_FILLED = "The window could not be filled. Close it and press More again."
# Slack's words for a modal that was closed, and for a trigger that has opened one already.
_CLOSED, _REPEATED = "not_found", "exchanged_trigger_id"


async def on_more(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Open the modal, or turn its pages; the trigger is good for three seconds, so an empty one opens first."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, AuditedAction.LOOK_UP, press.ref)
    if not desk.answerer.knows(press.ref):
        desk.gate.count(visit, AuditedAction.LOOK_UP, press.ref)
    is_raw = str(action_of(visit.body).get("action_id", "")).startswith("rectask.raw")
    if reply.modal is None:
        reply.modal = await _open_modal(desk, visit)
    if (view_id := reply.modal) is None:
        return
    begin(desk, reply, lambda: _show_more(desk, press, visit, view_id, is_raw=is_raw))


async def _open_modal(desk: ListenerContext, visit: Visit) -> str | None:
    """Once: the trigger is used up by an opening whose answer was lost. None where a repeated press finds it open."""
    empty = in_channel(words_view("More", "Asking RTC …"), visit.asker.channel)
    trigger_id = str(visit.body.get("trigger_id"))

    async def open_it() -> str:
        return Opened.read(await desk.slack.views_open(trigger_id=trigger_id, view=empty)).view.id

    try:
        return await called("views.open", open_it, within=desk.limits.call, effect=_NOT_OPENED, once=True)
    except SlackFailed as failure:
        if failure.code == _REPEATED:
            log.info("request.repeated", kind=visit.door)
            return None
        if failure.is_unconfirmed:
            failure.effect = _NOT_CONFIRMED
        raise


async def _show_more(desk: ListenerContext, press: ButtonValue, visit: Visit, view_id: str, *, is_raw: bool) -> None:
    view = in_channel(await _more_view(desk, press, visit, is_raw=is_raw), visit.asker.channel)
    try:
        await called(
            "views.update",
            lambda: desk.slack.views_update(view_id=view_id, view=view),
            within=desk.limits.call,
            effect=_NOT_FILLED,
        )
    except SlackFailed as failure:
        if failure.code != _CLOSED:
            raise
        log.info("modal.closed")


async def _more_view(desk: ListenerContext, press: ButtonValue, visit: Visit, *, is_raw: bool) -> Block:
    try:
        reading = await desk.answerer.read(press.ref)
    except TaskReadError as failure:
        desk.gate.note_read(visit, AuditedAction.LOOK_UP, press.ref, failure)
        return words_view("More", desk.answerer.failure_words(failure, press.ref))
    desk.gate.note_read(visit, AuditedAction.LOOK_UP, press.ref, reading)
    if is_raw:
        return raw_view(reading, press)
    _, shown = page_of(reading.task.files, press)
    links = await desk.linker.links(visit, reading, shown, within=SOON)
    return files_view(reading, press, now=desk.answerer.clock(), links=links)
