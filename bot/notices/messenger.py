"""How a notice reaches a person, and how that fails; what Slack's answers mean is the implementation's business.

DeliveryError
├── Retryable               nothing was posted; another time, after `after` if that is named
│   ├── Unexpected      for a reason that nobody foresaw, so that it may never pass
│   ├── SlackUnavailable      nobody can be written to at the moment
│   └── AppNotAuthorized  the messenger's credentials are refused: nobody can be written to until somebody mends that
├── OutcomeUnknown            it may have been posted: look before trying again
└── Undeliverable       never; the reason is for people
    └── RecipientGone   nothing will ever reach this person
"""

from datetime import timedelta
from typing import Protocol

from bot.notices.notice import MessageRef, Notice


class DeliveryError(Exception):
    """A notice was not delivered, as far as is known; the text is for people and for the log, without secrets."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Retryable(DeliveryError):
    """Nothing was posted; another time it may be."""


class Unexpected(Retryable):
    """Nothing was posted, for a reason that nobody foresaw; it is tried for long, but not for ever."""


class SlackUnavailable(Retryable):
    """Nothing was posted, nor would anything else be at the moment."""


class AppNotAuthorized(Retryable):
    """The credentials are refused; nothing was posted, nor will be until somebody mends that."""


class OutcomeUnknown(DeliveryError):
    """It may have been posted."""


class Undeliverable(DeliveryError):
    """This notice will never be delivered."""


class RecipientGone(Undeliverable):
    """Nothing will ever be delivered to this person."""


class Messenger(Protocol):
    """Writes to people. Every method raises DeliveryError."""

    async def check(self, notice: Notice) -> None:
        """Whether the person can be written to, as far as is known without posting. Never OutcomeUnknown."""
        ...

    async def find(self, notice: Notice) -> MessageRef | None:
        """Where the notice is in the conversation already, by its key; None if it is not. Never OutcomeUnknown."""
        ...

    async def post(self, notice: Notice) -> MessageRef:
        """Write it. Between the call and the first byte sent nothing is waited for but the connection."""
        ...
