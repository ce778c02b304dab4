"""The card of a record task: verdict, facts, files, what looks wrong, where the answer came from, and buttons."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.recording.reading import Reading, TaskUnavailable
from bot.recording.task import RecordingFile, RecordTask
from bot.recording.units import count_in_words, length_in_words, size_in_words
from bot.recording.verdict import Concern, judge
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
    size_of,
)
from bot.slack.text import Block, code, escape, moment
from bot.slack.value import Press

_FRESH_FOR = timedelta(seconds=2)


def task_card(
    reading: Reading, *, now: datetime, shared_by: str | None = None, failure: TaskUnavailable | None = None
) -> Card:
    """The card for one person, or for the channel that `shared_by` (a user id) shares it with.

    With `failure`, the last known answer is shown below what went wrong when it was asked for anew.
    """
    task = reading.task
    verdict = judge(task, now=now)
    top = [*_warning(failure, reading, now), headline(verdict.sentence), fields(list(_facts(task)))]
    bottom = [
        *(_concern(concern) for concern in verdict.concerns),
        footnote(" · ".join(_source(reading, now, shared_by))),
        _buttons(reading, shared_by),
    ]
    said = verdict.sentence if failure is None else f"{failure.happened} Last known: {verdict.sentence}"
    text = f"{said} Room {task.ref.room}, task {task.ref.task}."
    return Card(text=escape(text), blocks=(*top, *_files_that_fit(task.files, besides=[*top, *bottom]), *bottom))


def _warning(failure: TaskUnavailable | None, reading: Reading, now: datetime) -> Iterator[Block]:
    if failure is not None:
        age = length_in_words(now - reading.read_at)
        yield paragraph(
            f":warning: *{escape(failure.happened)}* {escape(failure.advice)}\nThis is what was known {age} ago:"
        )


def _facts(task: RecordTask) -> Iterator[tuple[str, str]]:
    status = task.status
    yield "Status", status.name if status.code is None else f"{status.name} ({code(str(status.code))})"
    if task.stop_reason is not None:
        yield "Stop reason", f"{code(task.stop_reason.code)}\n{task.stop_reason.meaning}"
    yield "Room", code(task.ref.room)
    yield "Task", code(task.ref.task)
    yield "App", code(task.ref.app.name)
    yield "Started", moment(task.started_at)
    if task.is_over or task.ended_at is not None:
        yield "Ended", moment(task.ended_at)
        yield "Length", "can not be told" if task.length is None else length_in_words(task.length)


def _files_that_fit(files: tuple[RecordingFile, ...], *, besides: list[Block]) -> Iterator[Block]:
    """As many files as there is room for; then how many more there are."""
    room = BYTES_AT_MOST - size_of(besides) - 400
    places = BLOCKS_AT_MOST - len(besides) - 1
    for number, file in enumerate(files, start=1):
        block = paragraph(file_in_words(file, number))
        room, places = room - size_of([block]), places - 1
        if room < 0 or places < 0:
            left = count_in_words(len(files) - number + 1, "more file")
            yield paragraph(f"… and {left}: press *More*.")
            return
        yield block


def file_in_words(file: RecordingFile, number: int) -> str:
    """A file's place, its figures and who is in it, in mrkdwn."""
    place = file.object_key or (f"VOD {file.vid}" if file.vid else None)
    lines = [f"*{number}.* " + (code(place) if place else "neither an object key nor a Vid is given")]
    lines.append(" · ".join(_figures(file)))
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
    return paragraph(f":warning: *{escape(concern.what)}*\n{escape(concern.advice)}")


def _source(reading: Reading, now: datetime, shared_by: str | None) -> Iterator[str]:
    if shared_by is not None:
        yield f"Shared by <@{shared_by}>"
    age = now - reading.read_at
    yield "Answered just now" if age < _FRESH_FOR else f"Answered {length_in_words(age)} ago"
    if reading.request_id:
        yield f"Request id {code(reading.request_id, limit=100)}"
    until = reading.task.known_until
    if until is not None and until > now:
        yield f"RTC tells of it until {moment(until)}"


def _buttons(reading: Reading, shared_by: str | None) -> Block:
    value = Press(reading.task.ref, shared_by=shared_by).as_value()
    share = button(
        "Share",
        "rectask.share",
        value=value,
        confirm=confirmation(
            "Share this card?", "Everybody in this channel will see this recording's card.", yes="Share it"
        ),
    )
    row = [button("Refresh", "rectask.refresh", value=value), button("More", "rectask.files", value=value)]
    return buttons(*row, *([share] if shared_by is None else []))
