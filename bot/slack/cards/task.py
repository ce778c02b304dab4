"""The card of a record task: verdict, facts, files, what looks wrong, where the answer came from, and buttons."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum

from bot.recording.reading import Reading, TaskUnavailable
from bot.recording.stop_reason import START_TASK_FAILED
from bot.recording.task import NOT_STARTED, RecordingFile, RecordTask, TaskRef
from bot.recording.units import count_in_words, length_in_words, size_in_words
from bot.recording.verdict import Concern, Mood, judge
from bot.slack.cards.card import (
    BLOCKS_AT_MOST,
    BYTES_AT_MOST,
    Card,
    button,
    buttons,
    confirmation,
    fields,
    footnote,
    headline,
    paragraph,
    sentence,
    size_of,
)
from bot.slack.text import Block, code, escape, moment
from bot.slack.value import Press, Told

_FRESH_FOR = timedelta(seconds=2)
# More of them would put the buttons out of reach on a phone; all are behind "More".
FILES_ON_A_CARD = 5
_BEFORE_SHARING = confirmation(
    "Share this card?", "Everybody in this channel will see this recording's card.", yes="Share it"
)
# Beside the words, never instead of them.
_SIGNS = {Mood.GOOD: "✅", Mood.UNDER_WAY: "⏳", Mood.DOUBTFUL: "⚠️", Mood.BAD: "❌"}


class Standing(Enum):
    """How the reader of a card stands to its task, while that is not over."""

    APART = "not subscribed"
    SUBSCRIBED = "subscribed"
    UNKNOWN = "the store can not be reached"


def task_card(
    reading: Reading,
    *,
    now: datetime,
    shared_by: str | None = None,
    failure: TaskUnavailable | None = None,
    standing: Standing | None = None,
    told: Told | None = None,
    notes: Sequence[Block] = (),
) -> Card:
    """The card for one person, or for the channel that `shared_by` (a user id) shares it with.

    With `failure`, the last known answer is shown below what went wrong when it was asked for anew. With `told` it is
    a notice; `notes` are what that says besides.
    """
    task = reading.task
    # What was last known is judged as of then: nobody knows whether it still runs.
    verdict = judge(task, now=now if failure is None else reading.read_at)
    top = [
        *_warning(failure, reading, now),
        headline(f"{_SIGNS[verdict.mood]} {verdict.sentence}"),
        # Before the facts: on a phone what follows those is below the first screen.
        *(_concern(concern) for concern in verdict.concerns),
        *notes,
        paragraph(place(task.ref)),
        fields(list(_facts(task))),
    ]
    bottom = [
        *(_standing_note(standing) if told is None else [why(told)]),
        footnote(" · ".join(_source(reading, now, shared_by, told))),
        _buttons(reading, shared_by, standing, told),
    ]
    said = verdict.sentence if failure is None else f"{failure.happened} Last known: {verdict.sentence}"
    text = f"{said} Room {task.ref.room}, task {task.ref.task}."
    return Card(text=escape(text), blocks=(*top, *_files_that_fit(task.files, besides=[*top, *bottom]), *bottom))


def place(ref: TaskRef) -> str:
    """Which task it is, in mrkdwn."""
    return f"Room {code(ref.room)} · task {code(ref.task)} · app {code(ref.app.name)}"


def _warning(failure: TaskUnavailable | None, reading: Reading, now: datetime) -> Iterator[Block]:
    if failure is not None:
        age = length_in_words(now - reading.read_at)
        yield sentence(f"{failure.happened} {failure.advice} This is what was known {age} ago:")


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
        yield "Length", length_in_words(task.length)


def _files_that_fit(files: tuple[RecordingFile, ...], *, besides: list[Block]) -> Iterator[Block]:
    """As many files as there is room for; then how many more there are."""
    room = BYTES_AT_MOST - size_of(besides) - 400
    places = BLOCKS_AT_MOST - len(besides) - 1
    for number, file in enumerate(files, start=1):
        block = paragraph(file_in_words(file, number))
        room, places = room - size_of([block]), places - 1
        if room < 0 or places < 0 or number > FILES_ON_A_CARD:
            left = count_in_words(len(files) - number + 1, "more file")
            yield paragraph(f"… and {left}: press *More*.")
            return
        yield block


def file_in_words(file: RecordingFile, number: int) -> str:
    """A file's place, its figures and who is in it, in mrkdwn."""
    where = file.object_key or (f"VOD {file.vid}" if file.vid else None)
    lines = [f"*File {number:,}* · " + " · ".join(_figures(file))]
    lines.append(code(where) if where else "neither an object key nor a Vid is given")
    if file.streams:
        shown = [f"{code(stream.user_id or 'not given', limit=128)} ({stream.kind})" for stream in file.streams[:6]]
        more = len(file.streams) - len(shown)
        lines.append(", ".join(shown) + (f" and {more} more" if more else ""))
    return "\n".join(lines)


def _figures(file: RecordingFile) -> Iterator[str]:
    yield "length not given" if file.length is None else length_in_words(file.length)
    yield "size not given" if file.size is None else size_in_words(file.size)
    if file.file_format:
        yield file.file_format
    if file.width and file.height:
        yield f"{file.width} x {file.height}"
    # The vendor publishes no table for the codes in the answer, so they are shown as they came.
    if file.video_codec is not None:
        yield f"video codec {code(file.video_codec, limit=40)}"
    if file.audio_codec is not None:
        yield f"audio codec {code(file.audio_codec, limit=40)}"


def _concern(concern: Concern) -> Block:
    return paragraph(f"*{escape(concern.what)}*\n{escape(concern.advice)}")


def why(told: Told) -> Block:
    """Why a notice came, and how to stop such messages."""
    since = moment(told.subscribed_at)
    return footnote(
        f"You get this because you subscribed to this recording ({since}). `/rectask list` shows and ends "
        "what you are subscribed to."
    )


def _standing_note(standing: Standing | None) -> Iterator[Block]:
    if standing is Standing.SUBSCRIBED:
        yield footnote("You will get a direct message when it ends.")
    if standing is Standing.UNKNOWN:
        yield footnote("Subscriptions can not be reached now: press Refresh in a minute to subscribe.")


def _source(reading: Reading, now: datetime, shared_by: str | None, told: Told | None) -> Iterator[str]:
    if shared_by is not None:
        yield f"Shared by <@{shared_by}>"
    age = now - reading.read_at
    # A notice may be read much later than it was written.
    if told is not None:
        yield f"As of {moment(reading.read_at)}"
    else:
        yield "Answered just now" if age < _FRESH_FOR else f"Answered {length_in_words(age)} ago"
    if reading.request_id:
        yield f"Request id {code(reading.request_id, limit=100)}"
    until = reading.task.known_until
    if until is not None and until > now:
        yield f"Can be looked up until {moment(until)}"


def _buttons(reading: Reading, shared_by: str | None, standing: Standing | None, told: Told | None) -> Block:
    ref = reading.task.ref
    value, refreshed = Press(ref, shared_by=shared_by).as_value(), Press(ref, shared_by=shared_by, told=told).as_value()
    row = [button("Refresh", "rectask.refresh", value=refreshed)]
    if standing is Standing.APART:
        row.append(subscribe_button(ref, value=value))
    if standing is Standing.SUBSCRIBED:
        row.append(unsubscribe_button(ref, "rectask.unsubscribe"))
    row.append(button("More", "rectask.files", value=value))
    if shared_by is None and told is None:
        row.append(button("Share", "rectask.share", value=value, confirm=_BEFORE_SHARING))
    return buttons(*row)


def subscribe_button(ref: TaskRef, *, value: str | None = None) -> Block:
    """The button that subscribes to a task."""
    return button("Subscribe", "rectask.subscribe", value=value or Press(ref).as_value())


def unsubscribe_button(ref: TaskRef, action_id: str) -> Block:
    """The button that ends a subscription; what stands behind "rectask.unsubscribe" says where it is pressed."""
    return button("Unsubscribe", action_id, value=Press(ref).as_value())
