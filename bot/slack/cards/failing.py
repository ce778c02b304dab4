"""What people are told while they wait, and where Slack or the bot did not do what they asked for."""

import math
from datetime import datetime

from bot.recording.reading import Reading
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import Card, button, buttons, footnote, headline, paragraph
from bot.slack.cards.messages import words_card
from bot.slack.cards.mrkdwn import Block, code, escape, plain
from bot.slack.cards.task import task_card
from bot.slack.request.button_value import ButtonValue


def asking_card(ref: TaskRef, *, follows: str = "The answer follows here.") -> Card:
    """Shown while RTC takes its time."""
    return Card(
        text=escape(f"Asking RTC about room {ref.room}, task {ref.task} … {follows}"),
        blocks=(paragraph(f"Asking RTC about {code(ref.room)} / {code(ref.task)} … {follows}"),),
    )


def asking_again_card(ref: TaskRef, known: Reading | None, *, now: datetime) -> Card:
    """In the place of a card that is being refreshed; its button is for the case that no answer replaces it."""
    said = f"Asking RTC about {code(ref.room)} / {code(ref.task)} …"
    if known is not None:
        return task_card(known, now=now, notes=[paragraph(f"*{said}*")])
    return Card(
        text=escape(f"Asking RTC about room {ref.room}, task {ref.task} …"),
        blocks=(paragraph(said), buttons(button("Refresh", "rectask.refresh", value=ButtonValue(ref).as_value()))),
    )


def working_card(doing: str) -> Card:
    """Shown while something else takes its time."""
    said = f"{doing} … The answer follows here."
    return Card(text=said, blocks=(paragraph(said),))


def pause_card(seconds: float, then: str) -> Card:
    """Where Slack wants to be left alone for a while; `then` is what happens after that."""
    return words_card(pause_title(seconds), then)


def slack_failed_card(title: str, effect: str, *, incident: str) -> Card:
    """`effect` is how things stand, and what to do next; the id is in the log too."""
    return Card(
        text=f"{title}. {effect}",
        blocks=(headline(title), paragraph(effect), footnote(f"For support: {code(incident)}")),
    )


def as_modal(card: Card) -> Block:
    """The card as a modal, for where nothing else is looked at."""
    return {"type": "modal", "title": plain("Rectask"), "close": plain("Close"), "blocks": list(card.blocks)}


def restarting_card() -> Card:
    """Where the process ends before it could do what it was asked to."""
    return words_card("Rectask is restarting", "What you asked for was not done. *Try again in a minute.*")


def answer_lost_card(channel: str | None) -> Card:
    """In a direct message, where nothing else gets through; that stays, so it tells nothing of the answer."""
    where = "" if channel is None else f" It belongs in <#{channel}>."
    return words_card("Slack didn't take Rectask's answer", f"Please ask again.{where}")


def pause_title(seconds: float) -> str:
    """What Slack wants."""
    return f"Slack asks Rectask to wait {_seconds(seconds)}"


def _seconds(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    return f"{whole} s" if whole < 120 else f"{math.ceil(whole / 60)} min"  # noqa: PLR2004
