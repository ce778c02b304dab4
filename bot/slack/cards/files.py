"""Files on a card: the figures of each, who is in it, and the button that opens it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.recording.file_link import Link
from bot.recording.format import format_count, format_duration, format_size
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import BLOCKS_AT_MOST, BYTES_AT_MOST, button, paragraph, size_of
from bot.slack.cards.mrkdwn import Block, code, escape, minute, visible
from bot.slack.request.button_value import ButtonValue

# More of them would put the buttons out of reach on a phone; all are behind "More".
FILES_ON_A_CARD = 5
# For what says how many more there are.
_KEPT_FREE = 400
_COUNTED_IN_MINUTES = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NoLink:
    """Why a file has no link, for people: in a few words, and what there is to say besides."""

    said: str
    besides: str = ""


@dataclass(frozen=True, slots=True)
class CardLinks:
    """What a card has of links.

    `by_number` are those that were made for its one reader, by the number of the file (the first one is 1). Where some
    `can_be_asked_for`, there is a button that gives them to whoever presses it.
    """

    by_number: Mapping[int, Link | NoLink] = field(default_factory=dict)
    can_be_asked_for: bool = False


NO_LINKS = CardLinks()


def file_block(
    ref: TaskRef,
    file: RecordingFile,
    number: int,
    *,
    link: Link | NoLink | None,
    now: datetime,
    at_length: bool = False,
) -> Block:
    """A file's figures, place and people, and what there is to say of its link, with `at_length` all of it."""
    lines = _lines(file, number)
    if isinstance(link, NoLink):
        lines.append(f"No link: {_inert(link.said)}")
        lines += [_inert(link.besides)] if at_length and link.besides else []
    if not isinstance(link, Link):
        return paragraph("\n".join(lines))
    if link.expires_at is not None:
        left = _in_whole_minutes(link.expires_at - now)
        lines.append(f"Link good for {format_duration(left)}, until {minute(link.expires_at)}")
    lines += [_inert(link.note)] if link.note else []
    return paragraph("\n".join(lines)) | {"accessory": _open_button(ref, file, number, link)}


def _lines(file: RecordingFile, number: int) -> list[str]:
    where = file.object_key or (f"VOD {file.vid}" if file.vid else None)
    lines = [f"*File {number:,}* · " + " · ".join(_figures(file))]
    lines.append(code(where) if where else "neither an object key nor a Vid is given")
    if file.streams:
        shown = [f"{code(stream.user_id or 'not given', limit=128)} ({stream.kind})" for stream in file.streams[:6]]
        more = len(file.streams) - len(shown)
        lines.append(", ".join(shown) + (f" and {more} more" if more else ""))
    return lines


def _figures(file: RecordingFile) -> Iterator[str]:
    yield "length not given" if file.length is None else format_duration(file.length)
    yield "size not given" if file.size is None else format_size(file.size)
    if file.file_format:
        yield file.file_format
    if file.width and file.height:
        yield f"{file.width} x {file.height}"
    # The vendor publishes no table for the codes in the answer, so they are shown as they came.
    if file.video_codec is not None:
        yield f"video codec {code(file.video_codec, limit=40)}"
    if file.audio_codec is not None:
        yield f"audio codec {code(file.audio_codec, limit=40)}"


def _open_button(ref: TaskRef, file: RecordingFile, number: int, link: Link) -> Block:
    """What Slack opens in the browser; that it was pressed comes as an action, with the value."""
    value = ButtonValue(ref, file=file.object_key or file.vid).as_value()
    return button("Open", f"rectask.open.{number}", value=value) | {
        "url": link.url,
        "accessibility_label": f"Open file {number}",
    }


def _inert(text: str) -> str:
    return escape(visible(text))


def _in_whole_minutes(left: timedelta) -> timedelta:
    """Where that is near enough: an hour is told as one, although a moment of it has passed."""
    return left if left < _COUNTED_IN_MINUTES else timedelta(minutes=round(left / timedelta(minutes=1)))


def files_that_fit(
    ref: TaskRef,
    files: Sequence[RecordingFile],
    links: CardLinks,
    *,
    now: datetime,
    besides: Sequence[Block],
    at_length: bool = False,
) -> Iterator[Block]:
    """As many files as there is room for beside these blocks; then how many more there are."""
    room = BYTES_AT_MOST - size_of(besides) - _KEPT_FREE
    places = BLOCKS_AT_MOST - len(besides) - 1
    for number, file in enumerate(files, start=1):
        link = links.by_number.get(number)
        block = file_block(ref, file, number, link=link, now=now, at_length=at_length)
        room, places = room - size_of([block]), places - 1
        if room < 0 or places < 0 or number > FILES_ON_A_CARD:
            left = format_count(len(files) - number + 1, "more file")
            yield paragraph(f"… and {left}: press *More*.")
            return
        yield block
