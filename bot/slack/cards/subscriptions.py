"""What is said when somebody subscribes or unsubscribes, and when that cannot be."""

from datetime import datetime

from bot.recording.diagnosis.verdict import judge
from bot.recording.reading import Reading
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import Card, buttons, footnote, headline, paragraph
from bot.slack.cards.files import CardLinks
from bot.slack.cards.messages import words_card
from bot.slack.cards.mrkdwn import code, escape
from bot.slack.cards.task import name_of, place, subscribe_button, task_card, unsubscribe_button

# Where the button stands: on a task's card, on one of these answers, in the list.
ON_CARD, ON_ANSWER, IN_LIST = "rectask.unsubscribe", "rectask.unsubscribe.answer", "rectask.unsubscribe.list"


def subscribed_card(reading: Reading, *, is_new: bool, now: datetime) -> Card:
    """For who subscribed elsewhere than on a card of their own."""
    ref = reading.task.ref
    title = "You will get a message when it ends" if is_new else "You are subscribed to it already"
    return Card(
        text=escape(f"{name_of(ref)}: {title}."),
        blocks=(
            headline(title),
            paragraph(f"{place(ref)}\n{escape(judge(reading.task, now=now).sentence)}"),
            footnote(f"It comes as a direct message. To stop it, press Unsubscribe, or type {_unwatch(ref)}."),
            buttons(unsubscribe_button(ref, ON_ANSWER)),
        ),
    )


def unsubscribed_card(ref: TaskRef, *, was_subscribed: bool, can_be_taken_back: bool) -> Card:
    """For who unsubscribed elsewhere than on a card of their own."""
    title = (
        "You will get no message about this recording"
        if was_subscribed
        else "You were not subscribed to this recording"
    )
    return Card(
        text=escape(f"{name_of(ref)}: {title}."),
        blocks=(
            headline(title),
            paragraph(place(ref)),
            *([buttons(subscribe_button(ref))] if can_be_taken_back else []),
        ),
    )


def over_card(reading: Reading, *, now: datetime, links: CardLinks) -> Card:
    """For who would subscribe to a recording that is over."""
    notes = [paragraph("*It has already ended, so you will get no message.*")]
    return task_card(reading, now=now, notes=notes, links=links)


def too_many_card(at_most: int) -> Card:
    """For who would have more subscriptions than one person may have."""
    return words_card(
        f"You have {at_most} subscriptions",
        "That is the most that one person can have. *Unsubscribe from one first*: `/rectask list` shows them.",
    )


def store_card() -> Card:
    """Where what people are subscribed to is kept cannot be reached."""
    return words_card(
        "Subscriptions cannot be reached now",
        "The database that keeps them does not answer; looking recordings up works as before. What you were subscribed "
        "to is kept.\n*Try again in a minute: `/rectask list` shows how it stands.*",
    )


def _unwatch(ref: TaskRef) -> str:
    return code(f"/rectask unwatch {ref.room} {ref.task} --app {ref.app.name}")
