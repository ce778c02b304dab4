"""The modal behind "More": all files in pages, and the raw answer."""

from slack_sdk.errors import SlackApiError

from bot.access.audit import Deed
from bot.recording.reading import TaskReadError
from bot.slack.answers import Opened
from bot.slack.cards.files import files_view, in_channel, page_of, raw_view, words_view
from bot.slack.desk import Desk, action_of, container_of, incident_of
from bot.slack.linker import SOON
from bot.slack.reply import Reply
from bot.slack.text import Block
from bot.slack.value import Press
from bot.slack.visit import Visit


async def on_more(desk: Desk, visit: Visit, reply: Reply) -> None:
    """Open the modal, or turn its pages; the trigger is good for three seconds, so an empty one opens first."""
    await reply.acknowledge()
    body = visit.body
    press = desk.press(body)
    desk.gate.check(visit, Deed.LOOK_UP, press.ref)
    if not desk.answerer.knows(press.ref):
        desk.gate.count(visit, Deed.LOOK_UP, press.ref)
    is_raw = str(action_of(body).get("action_id", "")).startswith("rectask.raw")
    view_id = container_of(body).get("view_id")
    if view_id is None:
        opened = await desk.slack.views_open(
            trigger_id=str(body.get("trigger_id")),
            view=in_channel(words_view("More", "Asking RTC …"), visit.asker.channel),
        )
        view_id = Opened.read(opened).view.id
    desk.work.begin(_show_more(desk, press, visit, str(view_id), is_raw=is_raw))


async def _show_more(desk: Desk, press: Press, visit: Visit, view_id: str, *, is_raw: bool) -> None:
    try:
        view = await _more_view(desk, press, visit, is_raw=is_raw)
        await desk.slack.views_update(view_id=view_id, view=in_channel(view, visit.asker.channel))
    except SlackApiError as failure:
        incident_of(failure, desk)


async def _more_view(desk: Desk, press: Press, visit: Visit, *, is_raw: bool) -> Block:
    try:
        reading = await desk.answerer.read(press.ref)
    except TaskReadError as failure:
        desk.gate.note_read(visit, Deed.LOOK_UP, press.ref, failure)
        return words_view("More", desk.answerer.failure_words(failure, press.ref))
    desk.gate.note_read(visit, Deed.LOOK_UP, press.ref, reading)
    if is_raw:
        return raw_view(reading, press)
    _, shown = page_of(reading.task.files, press)
    links = await desk.linker.links(visit, reading, shown, within=SOON)
    return files_view(reading, press, now=desk.answerer.clock(), links=links)
