"""The card of a record task: verdict, facts, files, what looks wrong, where the answer came from, and buttons."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum

from bot.recording.diagnosis.findings import Finding
from bot.recording.diagnosis.verdict import in_the_past, judge
from bot.recording.format import format_duration
from bot.recording.reading import Reading, TaskUnavailable
from bot.recording.stop_reason import START_TASK_FAILED
from bot.recording.task import NOT_STARTED, RecordTask
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import (
    Card,
    button,
    buttons,
    confirmation,
    fields,
    footnote,
    headline,
    paragraph,
)
from bot.slack.cards.files import NO_LINKS, CardLinks, files_that_fit
from bot.slack.cards.mrkdwn import Block, clock_time, code, cut, escape, minute, moment
from bot.slack.cards.signs import Sign, sign_of
from bot.slack.request.button_value import ButtonValue, Told

_FRESH_FOR = timedelta(seconds=2)
_HALF_A_DAY = timedelta(hours=12)
_BEFORE_SHARING = confirmation(
    "Share this card?", "Everybody in this channel will see this recording's card.", yes="Share it"
)


class Standing(Enum):
    """How the reader of a card stands to its task, while that is not over."""

    APART = "not subscribed"
    SUBSCRIBED = "subscribed"
    UNKNOWN = "the store cannot be reached"


def task_card(
    reading: Reading,
    *,
    now: datetime,
    shared_by: str | None = None,
    failure: TaskUnavailable | None = None,
    incident: str | None = None,
    standing: Standing | None = None,
    told: Told | None = None,
    notes: Sequence[Block] = (),
    lead: str = "",
    links: CardLinks = NO_LINKS,
) -> Card:
    """The card for one person, or for the channel that `shared_by` (a user id) shares it with.

    With `failure`, the last known answer is shown below why there is no newer one; `incident` is the id under which the
    log has more. With `told` it is a notice; `notes` are what that says as well, and `lead` what its text says first.
    """
    task = reading.task
    # What was last known is judged as of then: nobody knows whether it still runs.
    verdict = judge(task, now=now if failure is None else reading.read_at)
    top = [
        *_warning(failure, reading, now),
        headline(f"{sign_of(task, verdict)} {'' if told is None else name_of(task.ref) + ': '}{verdict.sentence}"),
        # Before the facts: on a phone what follows those is below the first screen.
        *(_concern(concern) for concern in verdict.concerns),
        *notes,
        paragraph(place(task.ref)),
        fields(list(_facts(task))),
    ]
    source = _source(reading, now, shared_by, is_old=told is not None or failure is not None, incident=incident)
    bottom = [
        *(_standing_note(standing) if told is None else [why(told)]),
        footnote(" · ".join(source)),
        _buttons(reading, shared_by, standing, told, links),
    ]
    warned = "" if failure is None else f"{failure.reason}. At {reading.read_at:%H:%M} UTC it {in_the_past(task)}. "
    text = f"{name_of(task.ref)}: {lead}{warned}{verdict.sentence}"
    files = files_that_fit(task.ref, task.files, links, now=now, besides=[*top, *bottom])
    return Card(text=escape(text), blocks=(*top, *files, *bottom))


def place(ref: TaskRef) -> str:
    """Which task it is, in mrkdwn."""
    return f"Room {code(ref.room)} · task {code(ref.task)} · app {code(ref.app.name)}"


def name_of(ref: TaskRef) -> str:
    """Which recording it is, in a few words for a phone, a header or a screen reader."""
    return f"{cut(ref.room, 40)} / {cut(ref.task, 40)}"


def _warning(failure: TaskUnavailable | None, reading: Reading, now: datetime) -> Iterator[Block]:
    """Why the card is not new, before anything that may not be so any more."""
    if failure is not None:
        at = clock_time(reading.read_at) if now - reading.read_at < _HALF_A_DAY else minute(reading.read_at)
        yield paragraph(f"{Sign.UNAVAILABLE} *{escape(failure.reason)}.* At {at} it {in_the_past(reading.task)}.")


def _facts(task: RecordTask) -> Iterator[tuple[str, str]]:
    status = task.status
    yield "Status", status.name if status.code is None else f"{status.name} ({code(str(status.code))})"
    if task.stop_reason is not None:
        yield "Stop reason", f"{code(task.stop_reason.code)}\n{task.stop_reason.meaning}"
    never_began = task.status == NOT_STARTED or task.stop_reason == START_TASK_FAILED
    yield "Created" if never_began else "Started", moment(task.started_at)
    if task.ended_at is not None:
        yield "Ended", moment(task.ended_at)
    if task.length is not None:
        yield "Length", format_duration(task.length)


def _concern(concern: Finding) -> Block:
    return paragraph(f"*{escape(concern.what)}*\n{escape(concern.advice)}")


def why(told: Told) -> Block:
    """Why a notice came, and how to stop such messages."""
    since = moment(told.subscribed_at)
    return footnote(
        f"You get this because you subscribed to this recording ({since}). `/rectask list` shows your "
        "subscriptions; you can cancel them there."
    )


def _standing_note(standing: Standing | None) -> Iterator[Block]:
    if standing is Standing.SUBSCRIBED:
        yield footnote("You will get a direct message when it ends.")
    if standing is Standing.UNKNOWN:
        yield footnote("Subscriptions cannot be reached now: press Refresh in a minute to subscribe.")


def _source(
    reading: Reading, now: datetime, shared_by: str | None, *, is_old: bool, incident: str | None
) -> Iterator[str]:
    """Who shared the card, and where the answer comes from, which `is_old` if it is read later or is not the newest."""
    if shared_by is not None:
        yield f"Shared by <@{shared_by}>"
    age = now - reading.read_at
    if is_old:
        yield f"As of {moment(reading.read_at)}"
    else:
        yield "Answered just now" if age < _FRESH_FOR else f"Answered {format_duration(age)} ago"
    if reading.request_id:
        yield f"Request id {code(reading.request_id, limit=100)}"
    until = reading.task.known_until
    if until is not None and until > now:
        yield f"Can be looked up until {moment(until)}"
    if incident is not None:
        yield f"ID {code(incident)}"


def _buttons(
    reading: Reading, shared_by: str | None, standing: Standing | None, told: Told | None, links: CardLinks
) -> Block:
    ref = reading.task.ref
    value, refreshed = (
        ButtonValue(ref, shared_by=shared_by).as_value(),
        ButtonValue(ref, shared_by=shared_by, told=told).as_value(),
    )
    row = [button("Refresh", "rectask.refresh", value=refreshed)]
    if standing is Standing.APART:
        row.append(subscribe_button(ref, value=value))
    if standing is Standing.SUBSCRIBED:
        row.append(unsubscribe_button(ref, "rectask.unsubscribe"))
    if links.can_be_asked_for:
        row.append(button("Get links", "rectask.links", value=refreshed))
    row.append(button("More", "rectask.files", value=value))
    if shared_by is None and told is None:
        row.append(button("Share", "rectask.share", value=value, confirm=_BEFORE_SHARING))
    return buttons(*row)


def subscribe_button(ref: TaskRef, *, value: str | None = None) -> Block:
    """The button that subscribes to a task."""
    return button("Subscribe", "rectask.subscribe", value=value or ButtonValue(ref).as_value())


def unsubscribe_button(ref: TaskRef, action_id: str) -> Block:
    """The button that ends a subscription; what stands behind "rectask.unsubscribe" says where it is pressed."""
    # Within 75 characters.
    spoken = f"Unsubscribe from {cut(ref.room, 27)} / {cut(ref.task, 27)}"
    return button("Unsubscribe", action_id, value=ButtonValue(ref).as_value(), spoken=spoken)
