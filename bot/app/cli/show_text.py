"""What `rectask show` prints for people."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.app.cli.terminal import Terminal, inert
from bot.recording.diagnosis.findings import Finding
from bot.recording.diagnosis.verdict import Severity, judge
from bot.recording.format import format_duration, format_size
from bot.recording.reading import Reading, TaskReadError
from bot.recording.task import RecordedStream, RecordingFile, RecordTask

_MOOD_COLOURS = {Severity.GOOD: "green", Severity.UNDER_WAY: "blue", Severity.DOUBTFUL: "yellow", Severity.BAD: "red"}
_NOT_GIVEN = "not given"


def reading_as_text(reading: Reading, *, terminal: Terminal) -> Iterator[str]:
    """The verdict, the facts, the files, what looks wrong, and where the answer came from; a line each."""
    task = reading.task
    verdict = judge(task, now=reading.read_at)
    yield from _painted(terminal, terminal.prose(inert(verdict.sentence)), _MOOD_COLOURS[verdict.mood])
    yield ""
    for name, value in _facts(task):
        yield f"  {terminal.paint(f'{name:<12}', 'dim')} {inert(value)}"
    if task.files:
        yield ""
    for number, file in enumerate(task.files, start=1):
        yield from _file(file, number=number)
    for concern in verdict.concerns:
        yield from _concern(concern, terminal=terminal)
    yield ""
    for line in terminal.prose(inert(_source(reading)), indent="  "):
        yield terminal.paint(line, "dim")


def _painted(terminal: Terminal, lines: Iterable[str], colour: str) -> Iterator[str]:
    return (terminal.paint(line, "bold", colour) for line in lines)


def _facts(task: RecordTask) -> Iterator[tuple[str, str]]:
    yield "Room", task.ref.room
    yield "Task", task.ref.task
    yield "App", f"{task.ref.app.name} ({task.ref.app.app_id})"
    yield "Status", task.status.name if task.status.code is None else f"{task.status.code}, {task.status.name}"
    if task.stop_reason is not None:
        yield "Stop reason", f"{task.stop_reason.code}, {task.stop_reason.meaning}"
    yield "Started", _moment(task.started_at)
    if task.is_over or task.ended_at is not None:
        yield "Ended", _moment(task.ended_at)
        yield "Length", "cannot be told" if task.length is None else format_duration(task.length)


def _moment(moment: datetime | None) -> str:
    """In this machine's time zone."""
    return _NOT_GIVEN if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _file(file: RecordingFile, *, number: int) -> Iterator[str]:
    place = file.object_key or (f"VOD {file.vid}" if file.vid else "neither an object key nor a Vid is given")
    yield f"  {number:>3}. {inert(place)}"
    yield f"       {inert(' · '.join(_file_facts(file)))}"
    if file.streams:
        yield f"       {inert(', '.join(_stream(stream) for stream in file.streams))}"


def _file_facts(file: RecordingFile) -> Iterator[str]:
    yield "length not given" if file.length is None else format_duration(file.length)
    yield "size not given" if file.size is None else format_size(file.size)
    if file.file_format:
        yield file.file_format
    if file.width and file.height:
        yield f"{file.width}x{file.height}"
    # The vendor publishes no table for the codes in the answer, so they are shown as they came.
    if file.video_codec is not None:
        yield f"video codec {file.video_codec}"
    if file.audio_codec is not None:
        yield f"audio codec {file.audio_codec}"
    if file.created_at is not None:
        yield f"created {_moment(file.created_at)}"


def _stream(stream: RecordedStream) -> str:
    user = "user not given" if stream.user_id is None else stream.user_id
    return f"{user} ({stream.kind})"


def _concern(concern: Finding, *, terminal: Terminal) -> Iterator[str]:
    yield ""
    yield from _painted(terminal, terminal.prose(f"! {concern.what}", indent="  "), "yellow")
    yield from terminal.prose(concern.advice, indent="    ")


def _source(reading: Reading) -> str:
    parts = [f"Answered {_moment(reading.read_at)}"]
    parts += [f"request id {reading.request_id}"] if reading.request_id else []
    parts += [f"log id {reading.log_id}"] if reading.log_id else []
    until = reading.task.known_until
    parts += [f"can be looked up until {_moment(until)}"] if until and until > reading.read_at else []
    return " · ".join(parts)


def error_as_text(failure: TaskReadError, *, terminal: Terminal) -> Iterator[str]:
    """What happened, what it means, what to do; then what the vendor's support asks for."""
    yield from _painted(terminal, terminal.prose(inert(failure.happened)), "red")
    for sentence in (failure.meaning, failure.advice):
        yield from terminal.prose(inert(sentence))
    ids = (("request id", failure.request_id), ("log id", failure.log_id))
    if said := " · ".join(f"{name} {value}" for name, value in ids if value):
        yield terminal.paint(inert(said), "dim")
