"""One command, press or look at the home tab: who comes, through which door, from where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.access.audit.record import Door
from bot.access.rights import Principal
from bot.notices.person import Person

Body = dict[str, Any]


@dataclass(slots=True)
class Charge:
    """Since when a request stands against the visitor's allowance; None where none does."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Who has come. `team_id` is what the payload names as theirs; `asker` is what rules are asked with."""

    body: Body
    person: Person
    team_id: str
    door: Door
    asker: Principal
    charge: Charge = field(default_factory=Charge, compare=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """What a payload says of who sent it, before anything is known of them."""

    user_id: str
    team_id: str | None
    channel: str | None
    door: Door


def caller_of(body: Mapping[str, Any]) -> Sender:
    """Of a command, of a press in a message or a modal, of one on the home tab."""
    user = body.get("user")
    if not isinstance(user, Mapping):
        channel = body.get("channel_id")
        return Sender(str(body.get("user_id")), body.get("team_id"), _text(channel), Door.COMMAND)
    view = body.get("view")
    is_home = isinstance(view, Mapping) and view.get("type") == "home"
    return Sender(
        str(user.get("id")), user.get("team_id"), _channel_of(body, view), Door.HOME if is_home else Door.BUTTON
    )


def _channel_of(body: Mapping[str, Any], view: object) -> str | None:
    """Of a press in a modal: where its first button stood, which the bot has written into it."""
    channel = body.get("channel")
    if isinstance(channel, Mapping):
        return _text(channel.get("id"))
    return _text(view.get("private_metadata")) if isinstance(view, Mapping) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def action_of(body: Body) -> Body:
    """The button that was pressed."""
    actions = body.get("actions")
    return actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}


def container_of(body: Body) -> Body:
    """What the button stands in."""
    container = body.get("container")
    return container if isinstance(container, dict) else {}
