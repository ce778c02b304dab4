"""What Slack delivers to the bot, and what became of it."""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from bot.playground.slack.world import Json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, press or event.

    `error` is what the person would see, None when all is well; `seconds` is how long the ack took; `body` is what
    the ack said (JSON, or text), None for nothing; `status` is HTTP's, None over a socket or without an answer.
    """

    acked: bool
    seconds: float
    error: str | None = None
    status: int | None = None
    body: Json | str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered: slash_commands, interactive or events_api, with its payload.

    Delivered again it has the same envelope's id, or the same signature: `stamp` is the time that is signed.
    """

    kind: str
    payload: Json
    takes_answer: bool = True
    retry: Json = field(default_factory=dict)
    envelope_id: str = field(default_factory=lambda: secrets.token_hex(16))
    stamp: str = field(default_factory=lambda: str(int(time.time())))

    def as_http(self) -> tuple[bytes, str]:
        """Body and content type."""
        if self.kind == "events_api":
            return json.dumps(self.payload).encode(), "application/json"
        form = {"payload": json.dumps(self.payload)} if self.kind == "interactive" else self.payload
        return urlencode(form).encode(), "application/x-www-form-urlencoded"


def in_turn(all_of_them: Sequence[T], turn: int) -> list[T]:
    """The one whose turn it is, and after it the others, in their order."""
    first = turn % len(all_of_them)
    return [*all_of_them[first:], *all_of_them[:first]]
