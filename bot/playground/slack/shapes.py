"""How a shape of Block Kit is described and checked: rules for values, and what they found."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack.world import Json


@dataclass(slots=True)
class Report:
    """What was found in one message or view, and which ids it has used; errors as `blocks.validate` puts them."""

    errors: list[Json] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place within what is checked, as a JSON pointer."""

    report: Report
    pointer: str = ""

    def at(self, step: str | int) -> "Spot":
        return Spot(self.report, f"{self.pointer}/{step}")

    def complain(self, code: str, message: str, *, constraint: Json | None = None) -> None:
        self.report.errors.append(
            {
                "pointer": self.pointer,
                "code": code,
                "message": message,
                "constraint": constraint,
                "field": self.pointer.rpartition("/")[2],
            }
        )


Rule = Callable[[Spot, Any], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object. Of each group in `any_of` at least one is there."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)
    any_of: tuple[str, ...] = ()

    def check(self, spot: Spot, value: Json) -> None:
        """`type` is not looked at: whoever chose the shape has read it."""
        for name, content in value.items():
            rule = self.required.get(name) or self.optional.get(name)
            if rule:
                rule(spot.at(name), content)
            elif name != "type":
                spot.at(name).complain("unknown_field", f"{name} is not a field here")
        for name in self.required:
            if name not in value:
                spot.complain("missing_field", f"{name} is missing", constraint={"type": "required", "field": name})
        if self.any_of and not any(value.get(name) for name in self.any_of):
            spot.complain("missing_field", f"one of {', '.join(self.any_of)} is missing")


def string(most: int, *, least: int = 1) -> Rule:
    """A string of `least` to `most` characters."""

    def check(spot: Spot, value: Any) -> None:
        if not isinstance(value, str):
            spot.complain("wrong_type", "must be a string", constraint={"type": "string"})
        elif len(value) > most:
            spot.complain(
                "failed_constraint", f"must be at most {most} characters", constraint={"type": "max", "max": most}
            )
        elif len(value) < least:
            spot.complain(
                "failed_constraint", f"must be at least {least} character", constraint={"type": "min", "min": least}
            )

    return check


def url(most: int) -> Rule:
    """An absolute web address."""

    def check(spot: Spot, value: Any) -> None:
        string(most)(spot, value)
        if isinstance(value, str) and not value.startswith(("https://", "http://")):
            spot.complain("failed_constraint", "must be a URL", constraint={"type": "format", "expected": "url"})

    return check


def flag(spot: Spot, value: Any) -> None:
    if not isinstance(value, bool):
        spot.complain("wrong_type", "must be true or false", constraint={"type": "boolean"})


def number(spot: Spot, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        spot.complain("wrong_type", "must be a number", constraint={"type": "integer"})


def anything(_spot: Spot, _value: Any) -> None:
    """What the stand-in does not look into."""


def one_of(*allowed: str) -> Rule:
    def check(spot: Spot, value: Any) -> None:
        if value not in allowed:
            spot.complain(
                "failed_constraint",
                f"must be one of {', '.join(allowed)}",
                constraint={"type": "enum", "expected": list(allowed), "got": value},
            )

    return check


def several(rule: Rule, most: int, *, least: int = 1) -> Rule:
    """A list of `least` to `most` items, each checked by the rule."""

    def check(spot: Spot, value: Any) -> None:
        if not isinstance(value, list):
            spot.complain("wrong_type", "must be a list", constraint={"type": "array"})
            return
        if not least <= len(value) <= most:
            constraint = {"type": "items", "min": least, "max": most, "got": len(value)}
            spot.complain("failed_constraint", f"must have {least} to {most} items", constraint=constraint)
        for index, item in enumerate(value):
            rule(spot.at(index), item)

    return check


def record(shape: Shape) -> Rule:
    """An object that needs no type."""

    def check(spot: Spot, value: Any) -> None:
        if isinstance(value, dict):
            shape.check(spot, value)
        else:
            spot.complain("wrong_type", "must be an object", constraint={"type": "object"})

    return check


def typed(shapes: Mapping[str, Shape], allowed: Collection[str] | None = None) -> Rule:
    """An object whose `type` says which of the shapes it has."""
    kinds = shapes.keys() if allowed is None else allowed

    def check(spot: Spot, value: Any) -> None:
        if not isinstance(value, dict):
            spot.complain("wrong_type", "must be an object", constraint={"type": "object"})
        elif not isinstance(value.get("type"), str) or value["type"] not in kinds:
            constraint = {"type": "enum", "expected": sorted(kinds), "got": value.get("type")}
            spot.at("type").complain(
                "unsupported_type", f"type {value.get('type')!r} is not allowed here", constraint=constraint
            )
        else:
            shapes[value["type"]].check(spot, value)

    return check


def text(most: int, *kinds: str, least: int = 1) -> Rule:
    """A text object, of both kinds unless they are named."""
    length = string(most, least=least)
    shapes = {
        "plain_text": Shape({"text": length}, {"emoji": flag}),
        "mrkdwn": Shape({"text": length}, {"verbatim": flag}),
    }
    return typed(shapes, kinds or shapes.keys())


def block_id(spot: Spot, value: Any) -> None:
    string(255)(spot, value)
    _unique(spot, value, spot.report.block_ids, "block_id")


def action_id(spot: Spot, value: Any) -> None:
    string(255)(spot, value)
    _unique(spot, value, spot.report.action_ids, "action_id")


def _unique(spot: Spot, value: Any, seen: set[str], name: str) -> None:
    if not isinstance(value, str):
        return
    if value in seen:
        spot.complain("duplicate_id", f"{name} {value!r} already exists", constraint={"type": "unique"})
    seen.add(value)
