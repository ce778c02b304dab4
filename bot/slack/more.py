"""The modal behind "More": all files in pages, and the raw answer."""

from slack_sdk.errors import SlackApiError

from bot.recording.reading import TaskReadError
from bot.slack.cards.files import files_view, raw_view, words_view
from bot.slack.desk import Body, Desk, action_of, container_of, incident_of
from bot.slack.reply import Reply
from bot.slack.text import Block
from bot.slack.value import Press


async def on_more(desk: Desk, body: Body, reply: Reply) -> None:
    """Open the modal, or turn its pages; the trigger is good for three seconds, so an empty one opens first."""
    await reply.acknowledge()
    press = desk.press(body)
    is_raw = str(action_of(body).get("action_id", "")).startswith("rectask.raw")
    view_id = container_of(body).get("view_id")
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
        incident_of(failure, desk)


async def _more_view(desk: Desk, press: Press, *, is_raw: bool) -> Block:
    try:
        reading = await desk.answerer.read(press.ref)
    except TaskReadError as failure:
        return words_view("More", f"{failure.happened} {failure.advice}")
    return raw_view(reading, press) if is_raw else files_view(reading, press)
