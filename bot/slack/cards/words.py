"""Cards of words: help, usage, each family of failure, and what is said where something may not or can not be."""

from collections.abc import Iterator

from bot.recording.reading import TaskNotFound, TaskReadError, TaskRefused
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card, button, buttons, footnote, headline, paragraph, sentence
from bot.slack.cards.task import place
from bot.slack.text import code, escape
from bot.slack.value import Press

_HOW_TO = (
    "`/rectask ROOM TASK` shows what became of a recording: its state, why it stopped, its files.\n"
    "`/rectask ROOM TASK --app NAME` if several RTC apps are configured.\n"
    "`/rectask watch ROOM TASK` sends you a direct message when it ends; `unwatch` cancels that.\n"
    "`/rectask list` shows your subscriptions.\n"
    "`/rectask help` shows this."
)
_EXAMPLE = "For example `/rectask Room1 Task1`"


def help_card(app_names: tuple[str, ...]) -> Card:
    """What can be typed, and what RTC tells of at all."""
    apps = ", ".join(code(name) for name in app_names)
    return Card(
        text="Rectask: type /rectask ROOM TASK to see what became of a recording.",
        blocks=(
            headline("What became of a recording?"),
            paragraph(f"{_HOW_TO}\n{_EXAMPLE}"),
            paragraph(
                "Room and task are the ids that the recording was started with. RTC tells of tasks that were started "
                "in the last 72 hours, and of the newest one where ids were used again."
            ),
            footnote(f"Only you see the answer until you press Share. Apps: {apps}; the first is the default."),
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
    failure: TaskReadError, ref: TaskRef, *, other_apps: tuple[str, ...] = (), note: str | None = None
) -> Card:
    """What happened, what it means, what to do, and what the vendor's support asks for; `note` is said besides."""
    title = _title_of(failure)
    ids: tuple[tuple[str, str | None], ...] = (
        ("Error", failure.code),
        ("Request id", failure.request_id),
        ("Log id", failure.log_id),
    )
    known = " · ".join(f"{name} {code(value, limit=120)}" for name, value in ids if value is not None)
    return Card(
        text=escape(f"{title}: {failure.happened}{' ' + note if note else ''}"),
        blocks=(
            headline(title),
            sentence(failure.happened),
            paragraph("\n".join(_advice(failure, other_apps))),
            *([sentence(note)] if note else []),
            footnote(place(ref)),
            *([footnote(known)] if known else []),
            buttons(button("Ask again", "rectask.refresh", value=Press(ref).as_value())),
        ),
    )


def _advice(failure: TaskReadError, other_apps: tuple[str, ...]) -> Iterator[str]:
    yield escape(failure.meaning)
    match failure:
        case TaskNotFound():
            yield f"*{escape(failure.advice)}*"
            if other_apps:
                yield "Or it is of another app: " + ", ".join(code(f"--app {name}") for name in other_apps)
        case TaskRefused():
            yield f"*For whoever runs Rectask:* {escape(failure.advice)}"
            yield "This says nothing about the recording itself."
        case _:
            yield f"*{escape(failure.advice)}*"
            yield "This says nothing about the recording itself."


def _title_of(failure: TaskReadError) -> str:
    match failure:
        case TaskNotFound():
            return "Not found"
        case TaskRefused(code=None):
            return "RTC can not be asked"
        case TaskRefused():
            return "RTC refuses to tell"
    return "RTC can not be asked now"


def unexpected_card(incident: str) -> Card:
    """Something that nobody foresaw; the id is in the log too."""
    return words_card(
        "Something went wrong here",
        f"It is this bot's fault, not the recording's. Please tell whoever runs it this id: {code(incident)}",
    )


def stranger_card() -> Card:
    """For people of other organisations; it tells nothing of the recording."""
    return words_card(
        "This is for another organisation", "Only members of the organisation that runs Rectask can use it."
    )


def tampered_card() -> Card:
    """For a button that does not carry what this bot put there."""
    return words_card(
        "That button can not be used", "It is too old, or was changed. Type the command again: `/rectask ROOM TASK`."
    )


def invite_card() -> Card:
    """For sharing into a channel that the bot can not see."""
    return words_card("Invite me first", "I am not in this channel. Type `/invite @Rectask`, then press Share again.")


def shared_outside_card(press: Press, channel: str, organisations: tuple[str, ...]) -> Card:
    """The second question before something is shared with people of other organisations."""
    named = ", ".join(code(name) for name in organisations) or "another organisation"
    agreed = Press(press.ref, outside_too=True).as_value()
    return Card(
        text="This channel is shared with another organisation. Share the card with them too?",
        blocks=(
            headline("Share outside your organisation?"),
            paragraph(f"{code('#' + channel)} is shared with {named}. They would see this recording's card."),
            buttons(button("Share with them too", "rectask.share", value=agreed, style="danger")),
        ),
    )


def shared_in_organisation_card(press: Press, channel: str) -> Card:
    """The second question before something is shared with other workspaces of the same organization."""
    agreed = Press(press.ref, outside_too=True).as_value()
    return Card(
        text="Other workspaces of your organization can see this channel. Share the card with them too?",
        blocks=(
            headline("Share with other workspaces?"),
            paragraph(
                f"{code('#' + channel)} is shared with other workspaces of your organization. "
                "Their members would see this recording's card."
            ),
            buttons(button("Share with them too", "rectask.share", value=agreed)),
        ),
    )


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
