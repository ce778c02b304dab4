"""Who may what: the form of [[allow]] in the configuration file."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

RightName = Literal["look_up", "subscribe", "share", "open_files"]
RIGHT_NAMES: tuple[str, ...] = get_args(RightName)

# A line of the file, and what is wrong with it.
Flaw = tuple[int, str]

_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}")
# What a room id may have (the vendor's rule), and what stands for any of it.
_ROOM = re.compile(r"([A-Za-z0-9@._*?-]|\[!?[A-Za-z0-9@._-]+\])+")
_LINE = re.compile(r"[^\r\n]{1,200}")


def _each(form: re.Pattern[str], what: str) -> Callable[[list[str]], list[str]]:
    def check(values: list[str]) -> list[str]:
        if not values:
            raise ValueError("it is empty, so that the rule matches nothing")
        if wrong := next((place for place, value in enumerate(values, start=1) if not form.fullmatch(value)), None):
            raise ValueError(f"entry {wrong} is {what}")
        return values

    return check


def _some(values: list[str]) -> list[str]:
    if not values:
        raise ValueError("it is empty, so that the rule matches nothing")
    return values


_USER_ID = "no id of a user: U or W, then capital letters and digits (Slack: profile, ⋮, Copy member ID)"
_GROUP_ID = "no id of a user group: S, then capital letters and digits (Slack: the group's ⋮, Copy group ID)"
_CHANNEL_ID = (
    "no id of a channel: C, G or D, then capital letters and digits (Slack: at the end of a channel's details)"
)
_PATTERN = "no pattern that a room id can match: letters, digits, @ - . _ and, for any of them, *, ?, [a-z], [!a-z]"


class AllowSettings(BaseModel):
    """One rule. Its parts narrow it; `users` and `groups` are one part."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    rights: Annotated[list[str], AfterValidator(_some)] = Field(examples=['["look_up", "subscribe"]'])
    users: Annotated[list[str], AfterValidator(_each(_USER, _USER_ID))] = Field([], examples=['["U024BE7LH"]'])
    groups: Annotated[list[str], AfterValidator(_each(_GROUP, _GROUP_ID))] = Field([], examples=['["S0614TZR7"]'])
    channels: Annotated[list[str], AfterValidator(_each(_CHANNEL, _CHANNEL_ID))] = Field([], examples=['["C012AB3CD"]'])
    apps: Annotated[list[str], AfterValidator(_some)] = Field([], examples=['["prod"]'])
    rooms: Annotated[list[str], AfterValidator(_each(_ROOM, _PATTERN))] = Field([], examples=['["support-*"]'])
    guests: bool = Field(default=False, examples=["true"])


def read_ask(value: object, *, line: int) -> tuple[str | None, list[Flaw]]:
    """Whom people are told to ask for what they may not; None where it is not said."""
    if value is None or (isinstance(value, str) and _LINE.fullmatch(value)):
        return value, []
    return None, [(line, 'ask is wrong: it is a line of 1 to 200 characters. Example: ask = "the platform team"')]


def read_rule(
    values: Mapping[str, Any], *, line_of: Callable[[str], int], apps: Sequence[str] | None
) -> tuple[AllowSettings | None, list[Flaw]]:
    """The rule, or what is wrong with it. `apps` are the names that may be used, None while they are not known."""
    try:
        rule = AllowSettings.model_validate(values)
    except ValidationError as failure:
        return None, [_in_words(error, line_of) for error in failure.errors()]
    flaws = [*_unknown_rights(rule), *_unknown_apps(rule, apps)]
    return (None if flaws else rule), [_flaw(line_of, name, what) for name, what in flaws]


def _unknown_rights(rule: AllowSettings) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(rule.rights, start=1):
        if name not in RIGHT_NAMES:
            yield "rights", f"has entry {place}, which is no right{_meant(name, RIGHT_NAMES)}: {', '.join(RIGHT_NAMES)}"


def _unknown_apps(rule: AllowSettings, apps: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(rule.apps if apps is not None else [], start=1):
        if name not in (known := apps or ()):
            yield (
                "apps",
                f"has entry {place}, which is not configured{_meant(name, known)}; those are: {', '.join(known)}",
            )


def _in_words(error: ErrorDetails, line_of: Callable[[str], int]) -> Flaw:
    """The message of pydantic without its own prefix; it never holds the value."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = list(AllowSettings.model_fields)
        return line_of(name), f"[[allow]] has no such field{_meant(name, known)}. It has: {', '.join(known)}."
    if error["type"] == "missing":
        return _flaw(line_of, name, "is missing, so that the rule allows nothing")
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return _flaw(line_of, name, f"is wrong: {said}")


def _flaw(line_of: Callable[[str], int], name: str, what: str) -> Flaw:
    (example,) = AllowSettings.model_fields[name].examples or [""]
    return line_of(name), f"{name} {what}. Example: {name} = {example}"


def _meant(name: str, known: Sequence[str]) -> str:
    found = get_close_matches(name.lower().replace(" ", "_").replace("-", "_"), known, n=1)
    return f"; {found[0]} may be meant" if found else ""
