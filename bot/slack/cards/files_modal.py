"""The modal behind "More": all files in pages, and the raw answer, for copying."""

import json
import math
from collections.abc import Sequence
from datetime import datetime

from bot.recording.format import format_count
from bot.recording.reading import Reading
from bot.recording.task import RecordingFile
from bot.slack.cards.blocks import button, buttons, footnote, sentence
from bot.slack.cards.files import NO_LINKS, CardLinks, file_block
from bot.slack.cards.mrkdwn import Block, cut, inert, plain
from bot.slack.cards.task import place
from bot.slack.request.button_value import ButtonValue

FILES_A_PAGE = 10
# A preformatted text of a rich_text block may be longer than a section's, but a view is 250 KB at most.
RAW_AT_MOST = 40_000


def page_of(files: Sequence[RecordingFile], press: ButtonValue) -> tuple[int, list[tuple[int, RecordingFile]]]:
    """The page that is shown, the first being 0, and its files with their numbers; past the end it is the last one."""
    page = min(press.page, _pages(files) - 1)
    first = page * FILES_A_PAGE
    return page, list(enumerate(files[first : first + FILES_A_PAGE], start=first + 1))


def _pages(files: Sequence[RecordingFile]) -> int:
    return max(1, math.ceil(len(files) / FILES_A_PAGE))


def files_view(reading: Reading, press: ButtonValue, *, now: datetime, links: CardLinks = NO_LINKS) -> Block:
    """One page of the files."""
    files = reading.task.files
    pages, (page, numbered) = _pages(files), page_of(files, press)
    shown = [
        file_block(press.ref, file, number, link=links.by_number.get(number), now=now, at_length=True)
        for number, file in numbered
    ]
    where = format_count(len(files), "file") + (f", page {page + 1} of {pages}" if pages > 1 else "")
    # What turns the pages stands first, so that it stays under the thumb.
    top = [footnote(f"{place(press.ref)} · {where}"), _turning(press, page=page, pages=pages)]
    return _view("Files", [*top, *(shown or [sentence("RTC lists no files.")])])


def raw_view(reading: Reading, press: ButtonValue) -> Block:
    """RTC's answer as it came, in a block that can be copied."""
    whole = inert(_readable(reading.raw))
    raw = cut(whole, RAW_AT_MOST)
    note = "as RTC gave it" if raw == whole else f"the first {RAW_AT_MOST:,} of {len(whole):,} characters"
    text: Block = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": raw}]}],
    }
    back = button("Files", "rectask.files", value=ButtonValue(press.ref).as_value())
    return _view("Raw answer", [footnote(f"{place(press.ref)} · {note}"), buttons(back), text])


def words_view(title: str, text: str) -> Block:
    """A modal that only says something."""
    return _view(title, [sentence(text)])


def in_channel(view: Block, channel: str | None) -> Block:
    """The modal, which remembers where the button stood that opened it: a press in it does not tell."""
    return view if channel is None else view | {"private_metadata": channel}


def _view(title: str, blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain(title, limit=24), "close": plain("Close", limit=24), "blocks": blocks}


def _turning(press: ButtonValue, *, page: int, pages: int) -> Block:
    """Each with an action id of its own, for two of the same cannot stand in one view."""
    row = []
    if page > 0:
        row.append(_page_button("Previous", press, page - 1, "rectask.files.previous"))
    if page + 1 < pages:
        row.append(_page_button("Next", press, page + 1, "rectask.files.next"))
    return buttons(*row, button("Raw answer", "rectask.raw", value=ButtonValue(press.ref).as_value()))


def _page_button(label: str, press: ButtonValue, page: int, action_id: str) -> Block:
    return button(label, action_id, value=ButtonValue(press.ref, page=page).as_value())


def _readable(raw: str) -> str:
    """Indented, where that is possible without changing anything else."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return raw
