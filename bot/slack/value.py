"""What a button carries: its task, and where the person stands; not to be trusted when it comes back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.recording.task import InvalidId, RtcApp, TaskRef, UnknownApp, choose_app


class Tampered(ValueError):
    """A button's value is not one that this bot made."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    a: str
    r: str
    t: str
    p: int = Field(0, ge=0, le=1_000)
    x: bool = False
    s: str | None = Field(None, pattern=r"^[UW][A-Z0-9]{2,20}$")


@dataclass(frozen=True, slots=True)
class Press:
    """The task of a card, the page of a modal, whether sharing outside was agreed to, who had shared the card."""

    ref: TaskRef
    page: int = 0
    outside_too: bool = False
    shared_by: str | None = None

    def as_value(self) -> str:
        """At most 350 characters; Slack takes 2,000."""
        parts: dict[str, object] = {"a": self.ref.app.name, "r": self.ref.room, "t": self.ref.task}
        parts |= ({"p": self.page} if self.page else {}) | ({"x": True} if self.outside_too else {})
        parts |= {"s": self.shared_by} if self.shared_by else {}
        return json.dumps(parts, separators=(",", ":"))


def read_value(value: object, *, apps: Sequence[RtcApp]) -> Press:
    """Raises Tampered for what is not of the form above, or names an app or ids that can not be."""
    try:
        given = _Value.model_validate_json(value if isinstance(value, str) else "")
        ref = TaskRef(choose_app(apps, given.a), given.r, given.t)
        return Press(ref, page=given.p, outside_too=given.x, shared_by=given.s)
    except (ValidationError, InvalidId, UnknownApp) as flaw:
        raise Tampered from flaw
