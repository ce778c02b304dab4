"""The links that somebody has asked for on a card that others see as well, or that is kept."""

from datetime import datetime

from bot.recording.file_link import Link
from bot.recording.reading import Reading
from bot.slack.cards.blocks import Card, button, buttons, footnote, headline, paragraph, sentence
from bot.slack.cards.files import CardLinks, files_that_fit
from bot.slack.cards.messages import words_card
from bot.slack.cards.mrkdwn import escape, moment
from bot.slack.cards.task import name_of, place
from bot.slack.request.button_value import ButtonValue

_ALONE, _WHOEVER = "Only you see this.", " Whoever has a link can open the file, as long as the link is good."


def links_card(reading: Reading, links: CardLinks, *, now: datetime) -> Card:
    """For one person alone. Its text has no link, as ever."""
    task = reading.task
    press = ButtonValue(task.ref)
    row = [button("More", "rectask.files", value=press.as_value())]
    if links.can_be_asked_for:
        row.insert(0, button("Get links", "rectask.links", value=press.as_value()))
    top = [headline("Its files"), paragraph(f"{place(task.ref)}\nStarted {moment(task.started_at)}")]
    bottom = [
        *([] if task.files else [sentence("RTC lists no files.")]),
        footnote(_ALONE + _WHOEVER if any(isinstance(link, Link) for link in links.by_number.values()) else _ALONE),
        buttons(*row),
    ]
    files = files_that_fit(task.ref, task.files, links, now=now, besides=[*top, *bottom], at_length=True)
    text = f"{name_of(task.ref)}: its files."
    return Card(text=escape(text), blocks=(*top, *files, *bottom))


def taken_over_card() -> Card:
    """For a notice whose recording RTC no longer returns, for a newer one has taken its ids."""
    return words_card(
        "A newer recording has taken its ids",
        "RTC tells only of the newest recording of the same ids, so no links can be made to the files of this one.",
    )
