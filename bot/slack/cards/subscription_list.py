"""What somebody is subscribed to: as the answer to `/rectask list`, and as their home tab."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.notices.completion import Occasion
from bot.notices.notice import NoticeState
from bot.notices.subscription import Entry, Phase
from bot.recording.diagnosis.verdict import judge
from bot.slack.cards.blocks import (
    BLOCKS_AT_MOST,
    BYTES_AT_MOST,
    Card,
    button,
    buttons,
    confirmation,
    footnote,
    headline,
    paragraph,
    size_of,
)
from bot.slack.cards.mrkdwn import Block, escape, moment
from bot.slack.cards.signs import Sign, sign_of
from bot.slack.cards.subscriptions import IN_LIST
from bot.slack.cards.task import name_of, place, unsubscribe_button

# So many are asked of the store; the home tab has room for all of them.
LISTED_AT_MOST = 90
# Of these a screen reader tells, which takes the text.
_SPOKEN_AT_MOST = 5
_HOME_BLOCKS_AT_MOST = 100
_HOME_BYTES_AT_MOST = 200_000
_CLEARED = confirmation(
    "Clear what is done?",
    "Subscriptions that are done are removed from this list. Messages that you got stay where they are.",
    yes="Clear",
)
_HOW_TO = "Press *Subscribe* on a recording's card, or type `/rectask watch ROOM TASK`: you get a message when it ends."
_LOOK_UP = "`/rectask ROOM TASK` shows what became of a recording, `/rectask help` all commands."
_ABOUT = {
    Occasion.ENDED: "its end",
    Occasion.FILES: "its late files",
    Occasion.UNCLEAR: "its unclear state",
    Occasion.REPLACED: "the newer one of its ids",
    Occasion.GONE: "RTC not knowing it any more",
    Occasion.FORGOTTEN: "the end of its 72 hours",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What the reader of a list may do at all, and whom to ask for more (in mrkdwn, from the settings)."""

    may_look_up: bool = True
    may_subscribe: bool = True
    ask: str = ""

    @property
    def how_to(self) -> str:
        """How to get something into the list, or why that cannot be."""
        if self.may_subscribe:
            return _HOW_TO
        what = "subscribe to recordings" if self.may_look_up else "look recordings up"
        return f"You have no permission to {what}. If you need it, please ask {self.ask}."


def list_card(entries: Sequence[Entry], *, now: datetime, reach: Reach = Reach()) -> Card:
    """The answer to `/rectask list`: what is open first, then what is done."""
    title = _title(entries)
    bottom = [_foot(now), _buttons(entries)]
    if not entries:
        said = " Type /rectask watch ROOM TASK." if reach.may_subscribe else ""
        return Card(text=f"{title}.{said}", blocks=(headline(title), paragraph(reach.how_to), *bottom))
    top = [headline(title)]
    shown = _that_fit(entries, besides=[*top, *bottom], bytes_at_most=BYTES_AT_MOST, blocks_at_most=BLOCKS_AT_MOST)
    said = " ".join((f"{title}.", *(_spoken(entry) for entry in _in_order(entries)[:_SPOKEN_AT_MOST])))
    return Card(text=escape(said), blocks=(*top, *shown, *bottom))


def home_view(entries: Sequence[Entry] | None, *, now: datetime, reach: Reach = Reach()) -> Block:
    """The home tab; None if the store cannot be reached."""
    bottom = [*([footnote(_LOOK_UP)] if reach.may_look_up else []), _foot(now), _buttons(entries or ())]
    if entries is None:
        gone = paragraph("Your subscriptions are kept, but cannot be shown right now. *Press Refresh in a minute.*")
        return _home([headline("Subscriptions cannot be reached now"), gone, *bottom])
    top = [headline(_title(entries)), paragraph(reach.how_to)]
    shown = _that_fit(
        entries, besides=[*top, *bottom], bytes_at_most=_HOME_BYTES_AT_MOST, blocks_at_most=_HOME_BLOCKS_AT_MOST
    )
    cut_off = [paragraph(f"Only the first {LISTED_AT_MOST} are shown.")] if len(entries) >= LISTED_AT_MOST else []
    return _home([*top, *shown, *cut_off, *bottom])


def entry_in_words(entry: Entry) -> str:
    """Which recording, what was seen of it, when it is looked at next, and what became of the message; in mrkdwn."""
    return "\n".join(
        (place(entry.watched.ref), *_seen(entry), *_next_look(entry), *_notice(entry)),
    )


def _spoken(entry: Entry) -> str:
    ref, seen = entry.watched.ref, entry.watched.seen
    state = "not seen yet." if seen is None else judge(seen.task, now=seen.read_at).sentence
    return f"{name_of(ref)}: {state}"


def _title(entries: Sequence[Entry]) -> str:
    return "Your subscriptions" if entries else "You have no subscriptions"


def _home(blocks: list[Block]) -> Block:
    return {"type": "home", "blocks": blocks}


def _foot(now: datetime) -> Block:
    return footnote(f"As of {moment(now)}")


def _buttons(entries: Sequence[Entry]) -> Block:
    row = [button("Refresh", "rectask.list", value="list")]
    if not all(map(_is_open, entries)):
        row.append(button("Clear what is done", "rectask.clear", value="list", confirm=_CLEARED))
    return buttons(*row)


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    """What is open first."""
    return sorted(entries, key=_is_open, reverse=True)


def _that_fit(
    entries: Sequence[Entry], *, besides: list[Block], bytes_at_most: int, blocks_at_most: int
) -> Iterator[Block]:
    """As many as there is room for, under their headings; then how many more there are."""
    room, places = bytes_at_most - size_of(besides) - 300, blocks_at_most - len(besides) - 1
    for number, (entry, heading) in enumerate(_headed(_in_order(entries))):
        blocks = [*([paragraph(f"*{heading}*")] if heading else []), _block_of(entry, number)]
        room, places = room - size_of(blocks), places - len(blocks)
        if room < 0 or places < 0:
            left = len(entries) - number
            more = f"{left}" if len(entries) < LISTED_AT_MOST else f"at least {left}"
            yield paragraph(f"… and {more} more: see Rectask's Home tab.")
            return
        yield from blocks


def _headed(entries: Sequence[Entry]) -> Iterator[tuple[Entry, str | None]]:
    """Each entry, and the heading above it where a part of the list begins."""
    before = None
    for entry in entries:
        is_open = _is_open(entry)
        yield entry, None if is_open is before else "Open" if is_open else "Done in the last days"
        before = is_open


def _block_of(entry: Entry, number: int) -> Block:
    block = paragraph(entry_in_words(entry))
    # Each with an action id of its own, for two of the same cannot stand in one message.
    button_of = unsubscribe_button(entry.watched.ref, f"{IN_LIST}.{number}")
    return block | ({"accessory": button_of} if _is_open(entry) else {})


def _is_open(entry: Entry) -> bool:
    """Whether there is anything to unsubscribe from."""
    if entry.notice_state in (NoticeState.PENDING, NoticeState.SENDING):
        return True
    return entry.watched.phase is not Phase.CLOSED and not entry.has_left


def _ended_without_notice(entry: Entry) -> str | None:
    return entry.reason if entry.notice_state is None else None


def _seen(entry: Entry) -> Iterator[str]:
    """As of when it was seen: it is not claimed to go on since."""
    if (seen := entry.watched.seen) is not None:
        verdict = judge(seen.task, now=seen.read_at)
        yield f"{sign_of(seen.task, verdict)} {escape(verdict.sentence)} Seen {moment(seen.read_at)}."


def _next_look(entry: Entry) -> Iterator[str]:
    watched = entry.watched
    if watched.phase is Phase.CLOSED or not _is_open(entry):
        return
    what = "Next check for files" if watched.phase is Phase.AWAITING_FILES else "Next check"
    yield f"{what} {moment(watched.next_look_at)}."
    if watched.failures:
        times = "" if watched.failures == 1 else f", {watched.failures:,} times in a row"
        yield f"{Sign.DOUBTFUL} The last look failed{times}: {escape(watched.last_error or 'no reason was given')}"


def _notice(entry: Entry) -> Iterator[str]:
    if (ended := _ended_without_notice(entry)) is not None:
        yield f"{Sign.DOUBTFUL} You are told nothing: {escape(ended)}"
    if entry.notice_state is None:
        return
    about = "" if entry.completion is None else f" about {_ABOUT[entry.completion.occasion]}"
    reason = "" if entry.reason is None else f": {escape(entry.reason)}"
    match entry.notice_state:
        case NoticeState.PENDING:
            waits = f" It waits{reason}" if reason else ""
            yield f"{Sign.QUEUED} The message{about} is queued.{waits}"
        case NoticeState.SENDING:
            yield f"{Sign.QUEUED} The message{about} is being sent."
        case NoticeState.DELIVERED:
            yield f"{Sign.DELIVERED} The message{about} was delivered {moment(entry.settled_at)}."
        case NoticeState.DEAD:
            yield f"{Sign.GIVEN_UP} The message{about} was given up {moment(entry.settled_at)}{reason}"
