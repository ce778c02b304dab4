"""What is counted of the dealings with Slack; `app` decides who counts it and where."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from bot.notices.messenger import AppNotAuthorized, Retryable, SlackUnavailable, Unexpected
from bot.recording.reading import TaskReadError
from bot.slack.answers import AnswerIncomplete
from bot.slack.connection.socket_link import Ending
from bot.slack.errors import meaning_of

CallOutcome = Literal["ok", "ratelimited", "error", "unreachable"]
PayloadKind = Literal["command", "action", "view", "event"]
LostReason = Literal[Ending, "not_opened"]

RESPONSE_URL = "response_url"
# All that is ever called: the Web API's methods, and the address that a payload brings for its answer.
METHODS = (
    *("apps.connections.open", "auth.teams.list", "auth.test"),
    *("chat.postEphemeral", "chat.postMessage", "chat.update"),
    *("conversations.history", "conversations.info", "conversations.open", "conversations.replies"),
    *("usergroups.users.list", "users.info", "views.open", "views.publish", "views.update"),
    RESPONSE_URL,
)


class SlackMeter(Protocol):
    """Told of each call, acknowledgement and look-up; never raises, never waits."""

    def called(self, method: str, outcome: CallOutcome) -> None:
        """One of METHODS was called, and this came of it."""
        ...

    def acknowledged(self, kind: PayloadKind, seconds: float) -> None:
        """What Slack sent was acknowledged, so long after it was received."""
        ...

    def looked_up(self, failure: TaskReadError | None) -> None:
        """A person's asking got an answer, from RTC or from memory, or failed."""
        ...

    def socket_lost(self, reason: LostReason) -> None:
        """There is no connection to Slack any more; `not_opened` where there never was one."""
        ...

    def socket_regained(self) -> None:
        """After a loss there is a connection that lasts."""
        ...


class Unmetered:
    """A meter for where nobody looks."""

    def called(self, method: str, outcome: CallOutcome) -> None:
        pass

    def acknowledged(self, kind: PayloadKind, seconds: float) -> None:
        pass

    def looked_up(self, failure: TaskReadError | None) -> None:
        pass

    def socket_lost(self, reason: LostReason) -> None:
        pass

    def socket_regained(self) -> None:
        pass


UNMETERED = Unmetered()


def outcome_of(failure: Exception) -> CallOutcome:
    """By what Slack's answers mean for a notice (`delivery`), where nothing is doubtful."""
    if isinstance(failure, AnswerIncomplete):
        return "error"
    match meaning_of(failure, is_post=False):
        case SlackUnavailable():
            return "unreachable"
        case Unexpected() | AppNotAuthorized():
            return "error"
        case Retryable():
            return "ratelimited"
        case _:
            return "error"


def outcome_of_status(status_code: int) -> CallOutcome:
    """For what answers with nothing but an HTTP status."""
    if status_code == 200:  # noqa: PLR2004
        return "ok"
    if status_code == 429:  # noqa: PLR2004
        return "ratelimited"
    return "error" if status_code < 500 else "unreachable"  # noqa: PLR2004


def kind_of(body: Mapping[str, Any]) -> PayloadKind:
    """What Slack has sent: a button in a modal is an action, and its closing is of the view."""
    if "command" in body:
        return "command"
    if "event" in body or "challenge" in body:
        return "event"
    return "view" if str(body.get("type")).startswith("view_") else "action"
