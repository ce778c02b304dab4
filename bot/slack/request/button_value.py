"""What a button carries: its task, and where the person stands; not to be trusted when it comes back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.recording.task import RecordTask, is_same_start
from bot.recording.task_ref import InvalidId, RtcApp, TaskRef, UnknownApp, app_as_configured, choose_app

# The last second of the year 9999; later ones are no datetimes.
_LATEST = 253_402_300_799
# Counted in whole units, for a float would lose milliseconds.
_EPOCH, _SECOND, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1), timedelta(milliseconds=1)

# Of a file's name, so that the value stays within Slack's 2,000 characters however it is escaped.
_FILE_AT_MOST = 200


class InvalidButtonValue(ValueError):
    """A button's value is not one that this bot made."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    a: str = Field(max_length=64)
    i: str | None = Field(None, pattern=r"^[A-Za-z0-9]{24}$")
    r: str
    t: str
    p: int = Field(0, ge=0, le=1_000)
    x: bool = False
    s: str | None = Field(None, pattern=r"^[UW][A-Z0-9]{2,20}$")
    n: int | None = Field(None, ge=0, le=_LATEST)
    b: int | None = Field(None, ge=0, le=_LATEST * 1000)
    f: str | None = Field(None, max_length=_FILE_AT_MOST)


@dataclass(frozen=True, slots=True)
class Told:
    """That a card is a notice: since when its reader had subscribed, and when the recording began that it is about."""

    subscribed_at: datetime
    started_at: datetime | None

    def is_about(self, task: RecordTask) -> bool:
        """Whether this is still the same task: RTC returns the newest one of those ids."""
        if self.started_at is None or task.started_at is None:
            return True
        return is_same_start(self.started_at, task.started_at)


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """The task of a card, the page of a modal, whether sharing outside was agreed to, who had shared the card.

    `told` is there on a notice, `file` (the beginning of its object key or Vid) on a link.
    """

    ref: TaskRef
    page: int = 0
    outside_too: bool = False
    shared_by: str | None = None
    told: Told | None = None
    file: str | None = None

    def as_value(self) -> str:
        """At most 500 characters, with a file at most 1,800; Slack takes 2,000."""
        app, room, task = self.ref.app, self.ref.room, self.ref.task
        parts: dict[str, object] = {"a": app.name, "i": app.app_id, "r": room, "t": task}
        parts |= ({"p": self.page} if self.page else {}) | ({"x": True} if self.outside_too else {})
        parts |= {"s": self.shared_by} if self.shared_by else {}
        parts |= {"f": self.file[:_FILE_AT_MOST]} if self.file else {}
        if self.told is not None:
            parts["n"] = (self.told.subscribed_at - _EPOCH) // _SECOND
            if self.told.started_at is not None:
                parts["b"] = (self.told.started_at - _EPOCH) // _MILLISECOND
        return json.dumps(parts, separators=(",", ":"))


def read_value(value: object, *, apps: Sequence[RtcApp], or_removed: bool = False) -> ButtonValue:
    """Raises InvalidButtonValue for what is not of the form above, or names an app or ids that cannot be.

    With `or_removed` the app need not be configured any more: RTC must not be asked about it then.
    """
    try:
        given = _Value.model_validate_json(value if isinstance(value, str) else "")
        ref = TaskRef(_app(given, apps, or_removed=or_removed), given.r, given.t)
        return ButtonValue(ref, page=given.p, outside_too=given.x, shared_by=given.s, told=_told(given), file=given.f)
    except (ValidationError, InvalidId, UnknownApp) as flaw:
        raise InvalidButtonValue from flaw


def _app(given: _Value, apps: Sequence[RtcApp], *, or_removed: bool) -> RtcApp:
    """By its id, for names change; buttons of the first releases have the name only. Raises UnknownApp."""
    if given.i is None:
        return choose_app(apps, given.a)
    app = RtcApp(given.a, given.i)
    if (found := app_as_configured(apps, app)) is not None:
        return found
    if not or_removed:
        raise UnknownApp
    return app


def _told(given: _Value) -> Told | None:
    if given.n is None:
        return None
    return Told(_EPOCH + given.n * _SECOND, None if given.b is None else _EPOCH + given.b * _MILLISECOND)
