"""Cards of words: help, usage, each kind of failure, and refusals."""

import math
from collections.abc import Iterator, Sequence

from bot.recording.reading import TaskNotFound, TaskReadError
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.cards.blocks import Card, button, buttons, footnote, headline, paragraph, sentence
from bot.slack.cards.mrkdwn import Block, code, escape
from bot.slack.cards.signs import sign_of_failure
from bot.slack.cards.task import name_of, place
from bot.slack.request.button_value import ButtonValue

_HOW_TO = (
    "`/rectask ROOM TASK` shows what became of a recording: its state, why it stopped, its files.\n"
    "`/rectask ROOM TASK --app NAME` if several RTC apps are configured.\n"
    "`/rectask watch ROOM TASK` sends you a direct message when it ends; `unwatch` cancels that.\n"
    "`/rectask list` shows your subscriptions.\n"
    "`/rectask help` shows this."
)
# Beside "Ask again", of the 25 that Slack takes in a row.
_APPS_AT_MOST = 24
_EXAMPLE = "For example `/rectask Room1 Task1`"


def help_card(apps: Sequence[RtcApp], *, default: RtcApp) -> Card:
    """What can be typed, and what RTC returns at all; `apps` are those that the reader may know of."""
    named = ", ".join(code(app.name) + (" (the default)" if app == default else "") for app in apps)
    return Card(
        text="Rectask: type /rectask ROOM TASK to see what became of a recording.",
        blocks=(
            headline("What became of a recording?"),
            paragraph(f"{_HOW_TO}\n{_EXAMPLE}"),
            paragraph(
                "Room and task are the ids that the recording was started with. Volcengine keeps a recording's "
                "details for 72 hours after it starts. If the ids were reused, it returns only the newest recording."
            ),
            footnote(f"Only you see the answer until you press Share. Apps: {named}."),
        ),
    )


def usage_card(problem: str, *, typed: str) -> Card:
    """What is wrong with what was typed, what that was, and how it is done."""
    return Card(
        text=escape(f"{problem} Type /rectask ROOM TASK."),
        blocks=(
            headline("Rectask can't read that command"),
            sentence(problem),
            paragraph(
                f"You typed {code(f'/rectask {typed}', limit=300)}\n{_EXAMPLE}. `/rectask help` shows all commands."
            ),
        ),
    )


def failure_card(
    failure: TaskReadError,
    ref: TaskRef,
    *,
    other_apps: Sequence[RtcApp] = (),
    note: str | None = None,
    incident: str | None = None,
) -> Card:
    """The reason, what the reader can do, and what the vendor's support asks for; `note` is said as well.

    What the person who runs Rectask can do is in the log, under `incident`: a card may stand in a channel.
    """
    ids = (
        ("Error", failure.code),
        ("Request id", failure.request_id),
        ("Log id", failure.log_id),
    )
    known = " · ".join(f"{name} {code(value, limit=120)}" for name, value in ids if value is not None)
    elsewhere = other_apps if isinstance(failure, TaskNotFound) else ()
    return Card(
        text=escape(f"{name_of(ref)}: {failure.reason}. {note or ''}".strip()),
        blocks=(
            headline(f"{sign_of_failure(failure)} {failure.reason}"),
            paragraph("\n".join(_advice(failure, incident))),
            *([sentence(note)] if note else []),
            footnote(place(ref)),
            *([footnote(known)] if known else []),
            buttons(
                button("Ask again", "rectask.refresh", value=ButtonValue(ref).as_value()),
                *(_look_elsewhere(ref, app, number) for number, app in enumerate(elsewhere[:_APPS_AT_MOST], start=1)),
            ),
        ),
    )


def _advice(failure: TaskReadError, incident: str | None) -> Iterator[str]:
    yield escape(failure.for_reader)
    if not failure.is_askers:
        yield "This says nothing about the recording itself."
    if incident is not None:
        yield f"If you need help, give this ID to the person who runs Rectask: {code(incident)}"


def _look_elsewhere(ref: TaskRef, app: RtcApp, number: int) -> Block:
    """Each with an action id of its own, for two of the same cannot be in one message."""
    there = ButtonValue(TaskRef(app, ref.room, ref.task)).as_value()
    return button(f"Look in {app.name}", f"rectask.refresh.{number}", value=there)


def unexpected_card(incident: str) -> Card:
    """Something that nobody foresaw; the id is in the log too."""
    return words_card(
        "Something went wrong here",
        f"It is this bot's fault, not the recording's. Please tell whoever runs it this id: {code(incident)}",
    )


def stranger_card() -> Card:
    """For people of other organisations; it tells nothing of the recording."""
    return words_card(
        "This is for another organization", "Only members of the organization that runs Rectask can use it."
    )


def tampered_card() -> Card:
    """For a button that does not carry what this bot put there."""
    return words_card(
        "That button cannot be used", "It is too old, or was changed. Type the command again: `/rectask ROOM TASK`."
    )


def invite_card() -> Card:
    """For sharing into a channel that the bot cannot see."""
    return words_card("Invite me first", "I am not in this channel. Type `/invite @Rectask`, then press Share again.")


def shared_outside_card(press: ButtonValue, channel: str, others: int) -> Card:
    """The second question before something is shared with people of other organisations; Slack gives ids, no names."""
    named = "another organization" if others < 2 else f"{others} other organizations"  # noqa: PLR2004
    return Card(
        text=f"This channel is shared with {named}. Share the card with them too?",
        blocks=(
            headline("Share outside your organization?"),
            paragraph(f"{code('#' + channel)} is shared with {named}. They would see this recording's card."),
            _yes_or_no(press),
        ),
    )


def shared_in_organisation_card(press: ButtonValue, channel: str) -> Card:
    """The second question before something is shared with other workspaces of the same organization."""
    return Card(
        text="Other workspaces of your organization can see this channel. Share the card with them too?",
        blocks=(
            headline("Share with other workspaces?"),
            paragraph(
                f"{code('#' + channel)} is shared with other workspaces of your organization. "
                "Their members would see this recording's card."
            ),
            _yes_or_no(press),
        ),
    )


def _yes_or_no(press: ButtonValue) -> Block:
    agreed = ButtonValue(press.ref, outside_too=True).as_value()
    return buttons(
        button("Share with them too", "rectask.share", value=agreed),
        button("Cancel", "rectask.cancel", value=ButtonValue(press.ref).as_value()),
    )


def not_shared_card() -> Card:
    """In the place of the second question, once it was answered with Cancel."""
    return words_card("Not shared", "Nothing was posted into the channel.")


def shared_card() -> Card:
    """In the place of the second question, once it was answered."""
    return words_card("Shared", "The card is in the channel, where everybody in it sees it.")


def alone(card: Card) -> Card:
    """The card for somebody who pressed Refresh on one that everybody sees, and for them alone."""
    words = (
        "Only you can see this. To refresh the card for everybody you need the permission to share, in a channel that "
        "nobody outside can see."
    )
    return Card(text=card.text, blocks=(*card.blocks, footnote(words)))


def words_card(title: str, text: str) -> Card:
    """A headline and a paragraph (mrkdwn)."""
    return Card(text=f"{title}. {text}", blocks=(headline(title), paragraph(text)))


def not_allowed_card(ask: str, *, about_recording: bool = True) -> Card:
    """`ask` is in mrkdwn, from the settings."""
    if not about_recording:
        return words_card("You have no access to recordings here", f"If you need it, please ask {ask}.")
    return words_card(
        "You may not do this here",
        f"That says nothing about whether there is such a recording. If you need it, please ask {ask}.",
    )


def too_often_card(seconds: float, *, per_minute: int) -> Card:
    """For who has asked too often."""
    again = max(1, math.ceil(seconds))
    return words_card(
        "That was a lot at once",
        f"RTC takes a limited number of questions, which all share: {per_minute} a minute are yours. "
        f"*Please try again in {again} s.* What was looked up lately is answered all the same.",
    )


def too_many_deeds_card(seconds: float, *, per_minute: int) -> Card:
    """For who types and presses faster than anybody reads."""
    again = max(1, math.ceil(seconds))
    return words_card(
        "That was a lot at once",
        f"Rectask takes {per_minute} commands and clicks a minute from one person. *Please try again in {again} s.*",
    )


def unknown_person_card() -> Card:
    """Where Slack does not say who somebody is."""
    return words_card(
        "Slack does not say who you are",
        "So it cannot be seen whether you may do this. *Please try again in a minute.*",
    )


def unknown_group_card() -> Card:
    """Where Slack does not say who is in a group by which the person could be allowed to."""
    return words_card(
        "Your permission could not be checked",
        "Slack does not say who is in a user group that gives it. *Please try again in a minute.*",
    )
