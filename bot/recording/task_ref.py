"""Which recording is meant: the RTC app, the room and the task."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# The vendor's rule for room and task ids (parameter table of StartRecord, read November 2026).
ID_RULE = "1 to 128 letters A-Z a-z, digits and the signs @ - . _ only"


ID_LENGTH = 128


_FORBIDDEN_IN_ID = re.compile(r"[^a-zA-Z0-9@\-_.]")


class InvalidId(ValueError):
    """A room or task id that the vendor's pattern forbids; its text shows the offending part."""


class UnknownApp(ValueError):
    """The name of an RTC app that is not configured; its text lists those that are."""


@dataclass(frozen=True, slots=True)
class RtcApp:
    """An RTC app as it is configured here: the name people use, and the vendor's AppId (24 characters)."""

    name: str
    app_id: str


def choose_app(apps: Sequence[RtcApp], name: str | None, *, told: Sequence[RtcApp] | None = None) -> RtcApp:
    """The app of that name, or the first one (the default) when no name is given.

    Upper and lower case differ only where two apps' names differ in nothing else. Raises UnknownApp, which names the
    apps in `told` (all, if that is not given).
    """
    if name is None:
        return apps[0]
    alike = [app for app in apps if app.name.casefold() == name.casefold()]
    if found := [app for app in alike if app.name == name or len(alike) == 1]:
        return found[0]
    known = ", ".join(app.name for app in (apps if told is None else told))
    raise UnknownApp(
        f"There is no app named {_shortened(name)!r} here." + (f" Configured are: {known}." if known else "")
    )


def app_as_configured(apps: Sequence[RtcApp], app: RtcApp) -> RtcApp | None:
    """What is configured under the id of this app, which may have had another name; None where nothing is."""
    return app if app in apps else next((each for each in apps if each.app_id == app.app_id), None)


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The three ids that GetRecordTask asks for; raises InvalidId for those that the vendor would refuse."""

    app: RtcApp
    room: str
    task: str

    def __post_init__(self) -> None:
        check_id("room", self.room)
        check_id("task", self.task)


def check_id(kind: str, value: str) -> None:
    """Raise InvalidId, with the offending part, unless the vendor's pattern allows the id."""
    if not value:
        raise InvalidId(f"The {kind} id is empty. An id has {ID_RULE}.")
    if offending := _FORBIDDEN_IN_ID.search(value):
        raise InvalidId(
            f"The {kind} id {_shortened(value)!r} has {offending.group()!r} at position {offending.start() + 1}, "
            f"which is not allowed. An id has {ID_RULE}."
        )
    if len(value) > ID_LENGTH:
        raise InvalidId(
            f"The {kind} id {_shortened(value)!r} has {len(value)} characters, {ID_LENGTH} at most are allowed."
        )


def _shortened(value: str) -> str:
    return value if len(value) <= ID_LENGTH else value[: ID_LENGTH - 1] + "…"
