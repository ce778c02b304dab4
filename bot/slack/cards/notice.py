"""The cards of notices, one for each occasion: what happened, why it came, and how to stop such messages."""

from datetime import datetime

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import Notice
from bot.notices.subscription import known_start
from bot.recording.diagnosis.verdict import judge
from bot.recording.format import format_count, format_size
from bot.recording.reading import Reading
from bot.slack.cards.blocks import Card, buttons, headline, paragraph
from bot.slack.cards.files import NO_LINKS, CardLinks
from bot.slack.cards.mrkdwn import Block, code, escape, moment
from bot.slack.cards.signs import Sign, sign_of
from bot.slack.cards.task import Standing, name_of, place, subscribe_button, task_card, why
from bot.slack.request.button_value import Told

_UNCLEAR = "Its state has been unclear for a while."
_LOOK_FOR_FILES = "its files are in the bucket or VOD space that it was started with."
_NOT_SHOWN = "What RTC told of it cannot be read any more."
_LOOK_IT_UP = "Look it up with `/rectask ROOM TASK` while RTC knows it; later"
# Title, what it means, what to do; for recordings whose end was not seen.
_LOST = {
    Occasion.REPLACED: (
        "A newer recording has taken its ids",
        "RTC tells only of the newest recording of the same ids, so the end of yours was not seen.",
        f"Look for it by its start: {_LOOK_FOR_FILES}",
    ),
    Occasion.GONE: (
        "RTC knows this recording no longer",
        "RTC says so although 72 hours from its start are not over. Its end was not seen.",
        f"Check the ids and the app; {_LOOK_FOR_FILES}",
    ),
    Occasion.FORGOTTEN: (
        "72 hours are over, and its end was not seen",
        "Volcengine keeps a recording's details for 72 hours after it starts.",
        f"If it still runs, stop it; {_LOOK_FOR_FILES}",
    ),
}

# The same, where what was seen cannot be shown.
_UNSHOWN = {
    Occasion.ENDED: "It has ended",
    Occasion.FILES: "Its files have come",
    Occasion.UNCLEAR: "Its state has been unclear for a while",
}


def notice_card(notice: Notice, *, now: datetime, links: CardLinks = NO_LINKS) -> Card:
    """The card of a notice. With late files it is what takes the place of the notice of the end."""
    completion = notice.completion
    if completion.occasion in _LOST:
        return _lost_card(notice, completion)
    if (reading := completion.reading) is None:
        return _unshown_card(notice)
    told = Told(notice.subscribed_at, known_start(reading.task))
    standing = Standing.SUBSCRIBED if notice.goes_on else None
    lead = f"{_UNCLEAR} " if completion.occasion is Occasion.UNCLEAR else ""
    return task_card(reading, now=now, told=told, standing=standing, notes=_notes(notice), lead=lead, links=links)


def told_again(
    reading: Reading, told: Told, *, now: datetime, standing: Standing | None, links: CardLinks = NO_LINKS
) -> Card:
    """A notice with a newer answer about the same recording."""
    return task_card(reading, now=now, told=told, standing=standing, links=links)


def newer_card(reading: Reading, *, now: datetime, standing: Standing | None, links: CardLinks = NO_LINKS) -> Card:
    """For who refreshes a notice whose recording RTC no longer returns, for this one has taken its ids."""
    newer = paragraph("*This is a newer recording of the same ids;* RTC tells no more of the one above.")
    return task_card(reading, now=now, standing=standing, notes=[newer], links=links)


def files_reply_card(notice: Notice) -> Card:
    """What is said in the thread of a notice that was changed, for files that came late."""
    if (reading := notice.completion.reading) is None:
        return _unshown_card(notice)
    task = reading.task
    sizes = [file.size for file in task.files if file.size is not None]
    said = f"{format_count(len(task.files), 'file')} arrived" + (f", {format_size(sum(sizes))}" if sizes else "")
    named = name_of(notice.ref)
    return Card(
        text=escape(f"{named}: {said}."),
        blocks=(
            headline(f"{sign_of(task, judge(task, now=reading.read_at))} {named}: {said}"),
            paragraph(f"{place(notice.ref)}\nThe message above now lists them."),
            why(Told(notice.subscribed_at, None)),
        ),
    )


def _notes(notice: Notice) -> list[Block]:
    match notice.completion.occasion:
        case Occasion.UNCLEAR:
            return [paragraph(f"*{_UNCLEAR}*\nIt is still watched: you get another message when it ends.")]
        case Occasion.FILES:
            return [paragraph("*Its files came after the end had been told.*")]
        case Occasion.ENDED if notice.goes_on:
            return [paragraph("*It is still looked at.*\nIf files come, this message changes, and its thread says so.")]
    return []


def _lost_card(notice: Notice, completion: Completion) -> Card:
    title, meaning, advice = _LOST[completion.occasion]
    told = Told(notice.subscribed_at, None)
    reading, newer, named = completion.reading, completion.newer, name_of(notice.ref)
    last = "It was never seen." if reading is None else f"Last seen: {_sentence(reading)}"
    return Card(
        text=escape(f"{named}: {title}. {last}"),
        blocks=(
            headline(f"{Sign.DOUBTFUL} {named}: {title}"),
            paragraph(f"{escape(meaning)}\n*{escape(advice)}*"),
            paragraph(place(notice.ref)),
            *([] if reading is None else [_last_seen(reading)]),
            *([] if newer is None else _newer(newer)),
            why(told),
        ),
    )


def _unshown_card(notice: Notice) -> Card:
    """For a reading that this release cannot decode."""
    title, named = _UNSHOWN[notice.completion.occasion], name_of(notice.ref)
    return Card(
        text=escape(f"{named}: {title}. Its details cannot be shown."),
        blocks=(
            headline(f"{Sign.DOUBTFUL} {named}: {title}, and its details cannot be shown"),
            paragraph(f"{_NOT_SHOWN}\n*{_LOOK_IT_UP} {_LOOK_FOR_FILES}*"),
            paragraph(place(notice.ref)),
            why(Told(notice.subscribed_at, None)),
        ),
    )


def _last_seen(reading: Reading) -> Block:
    started = reading.task.started_at
    begun = "" if started is None else f"\n*Started* {moment(started)}"
    asked = "" if reading.request_id is None else f" · request id {code(reading.request_id, limit=100)}"
    return paragraph(f"*Last seen* {moment(reading.read_at)}{asked}\n{escape(_sentence(reading))}{begun}")


def _newer(newer: Reading) -> list[Block]:
    task = newer.task
    said = paragraph(f"*The newer one, as of* {moment(newer.read_at)}\n{escape(_sentence(newer))}")
    return [said] if task.is_over else [said, buttons(subscribe_button(task.ref))]


def _sentence(reading: Reading) -> str:
    """Judged as of then: nobody knows how it went on."""
    return judge(reading.task, now=reading.read_at).sentence
