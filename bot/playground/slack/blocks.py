"""What Slack refuses in blocks and views, after the reference of Block Kit (docs.slack.dev, read November 2026)."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping

from bot.playground.slack.elements import BUTTON, ELEMENTS, IMAGE, PLAIN, in_accessory, in_actions, in_context, in_input
from bot.playground.slack.shapes import (
    Report,
    Rule,
    Shape,
    Spot,
    anything,
    block_id,
    flag,
    one_of,
    several,
    string,
    text,
    typed,
)
from bot.playground.slack.world import Json, Refused

# "Somewhat above 13,000 characters", was measured; the real bound is documented nowhere.
BLOCKS_MAY_HAVE = 13_000
BLOCKS_ADVISED = 12_000  # in bytes: near enough to the bound that nobody knows
TEXT_ADVISED, TEXT_MAY_HAVE = 4_000, 40_000
VIEW_MAY_HAVE = 250_000
_BLOCKS_IN = {"message": 50, "modal": 100, "home": 100}
_VIEWS = ("modal", "home")
_ID: dict[str, Rule] = {"block_id": block_id}
_IMAGE_FIELDS = {"image": IMAGE}
_CARD = Shape(
    {},
    _ID
    | {
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "hero_image": typed(_IMAGE_FIELDS),
        "icon": typed(_IMAGE_FIELDS),
        "actions": several(typed({"button": BUTTON}), 3),
    },
    any_of=("hero_image", "title", "actions", "body"),
)
_RICH_PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
_RICH_PART = typed(
    dict.fromkeys(
        _RICH_PARTS, Shape({"elements": anything}, {"style": anything, "indent": anything, "border": anything})
    )
)
_RICH_TEXT = Shape({"elements": several(_RICH_PART, 1000)}, _ID)
_CELL = typed({"raw_text": Shape({"text": string(3000)}), "rich_text": _RICH_TEXT})
_EVERYWHERE: Mapping[str, Shape] = {
    "section": Shape(
        {},
        _ID | {"text": text(3000), "fields": several(text(2000), 10), "accessory": in_accessory, "expand": flag},
        any_of=("text", "fields"),
    ),
    "header": Shape({"text": text(150, PLAIN)}, _ID),
    "divider": Shape({}, _ID),
    "context": Shape({"elements": several(in_context, 10)}, _ID),
    "actions": Shape({"elements": several(in_actions, 25)}, _ID),
    "input": Shape(
        {"label": text(2000, PLAIN), "element": in_input},
        _ID | {"hint": text(2000, PLAIN), "optional": flag, "dispatch_action": flag},
    ),
    "image": Shape(IMAGE.required, {**IMAGE.optional, **_ID, "title": text(2000, PLAIN)}, any_of=IMAGE.any_of),
    "rich_text": _RICH_TEXT,
}
# Blocks that Slack has and that are not here are refused, so that whoever wants one describes it first.
_SURFACES: Mapping[str, Mapping[str, Shape]] = {
    "message": {
        **_EVERYWHERE,
        "markdown": Shape({"text": string(12_000)}, _ID),
        "table": Shape(
            {"rows": several(several(_CELL, 20), 100)}, _ID | {"column_settings": several(anything, 20, least=0)}
        ),
        "card": _CARD,
        "carousel": Shape({"elements": several(typed({"card": _CARD}), 10)}, _ID),
    },
    "modal": {
        **_EVERYWHERE,
        "alert": Shape({"text": text(3000)}, _ID | {"level": one_of("default", "info", "warning", "error", "success")}),
    },
    "home": _EVERYWHERE,
}
_VIEW_FIELDS: dict[str, Rule] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}
_MODAL_FIELDS = _VIEW_FIELDS | {
    "submit": text(24, PLAIN),
    "close": text(24, PLAIN),
    "clear_on_close": flag,
    "notify_on_close": flag,
    "submit_disabled": flag,
}


def find_block_errors(blocks: object, *, surface: str = "message", pointer: str = "/blocks") -> list[Json]:
    """What is wrong with the blocks of a "message", "modal" or "home", in the form of `blocks.validate`."""
    report = Report()
    _check_blocks(Spot(report, pointer), blocks, surface)
    return report.errors


def find_view_errors(view: object) -> list[Json]:
    report = Report()
    _check_view(Spot(report), view)
    return report.errors


def check_blocks(blocks: object) -> None:
    """Raises Refused unless a message may consist of them."""
    if errors := find_block_errors(blocks):
        raise refused("invalid_blocks", errors)
    if len(as_json(blocks)) > BLOCKS_MAY_HAVE:
        raise Refused("msg_blocks_too_long")


def check_view(view: object, *, type: str | None = None) -> None:  # noqa: A002 Slack's name for it
    """Raises Refused unless it may be shown as a view, of this type if one is named."""
    if len(as_json(view).encode()) > VIEW_MAY_HAVE:
        raise Refused("view_too_large")
    errors = find_view_errors(view)
    if type and isinstance(view, dict) and view.get("type") != type:
        report = Report(errors)
        Spot(report, "/type").complain("failed_constraint", f"must be {type}")
    if errors:
        raise refused("invalid_arguments", errors)


def as_json(thing: object) -> str:
    """As short as JSON can be: what the limits of size are counted in."""
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"))


def refused(error: str, errors: list[Json]) -> Refused:
    """The refusal with its reasons, also in words where the real methods put them."""
    words = [f"[ERROR] {found['message']} [json-pointer:{found['pointer']}]" for found in errors]
    return Refused(error, errors=errors, response_metadata={"messages": words})


def with_ids(blocks: list[Json], make_id: Callable[[], str]) -> list[Json]:
    """A copy in which every block has its block_id and every element its action_id, as Slack fills them in."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        block.setdefault("block_id", make_id())
        for element in elements_of(block):
            element.setdefault("action_id", make_id())
    return filled


def elements_of(block: Json) -> Iterator[Json]:
    """The elements of the block that a person can press, choose or fill in."""
    inner = [block.get("accessory"), block.get("element"), *block.get("elements", ()), *block.get("actions", ())]
    for part in inner:
        if isinstance(part, dict) and part.get("type") in ELEMENTS:
            yield part
        elif isinstance(part, dict) and part.get("type") == "card":
            yield from elements_of(part)


def find_element(blocks: list[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The block and the element with that action_id; raises LookupError."""
    for block in blocks:
        for element in elements_of(block):
            if element["action_id"] == action_id and block_id in (None, block["block_id"]):
                return block, element
    raise LookupError(f"There is no {action_id!r} here to press.")


def _check_blocks(spot: Spot, blocks: object, surface: str) -> None:
    most = _BLOCKS_IN[surface]
    several(typed(_SURFACES[surface]), most, least=0)(spot, blocks)
    if not isinstance(blocks, list):
        return
    tables = [index for index, block in enumerate(blocks) if isinstance(block, dict) and block.get("type") == "table"]
    for index in tables[1:]:
        spot.at(index).complain("failed_constraint", "only one table is allowed", constraint={"type": "max", "max": 1})


def _check_view(spot: Spot, view: object) -> None:
    if not isinstance(view, dict) or view.get("type") not in _VIEWS:
        spot.at("type").complain("failed_constraint", "must be modal or home")
        return

    def blocks(at: Spot, value: object) -> None:
        _check_blocks(at, value, view["type"])

    if view["type"] == "home":
        Shape({"blocks": blocks}, _VIEW_FIELDS).check(spot, view)
        return
    Shape({"title": text(24, PLAIN), "blocks": blocks}, _MODAL_FIELDS).check(spot, view)
    given = view.get("blocks")
    has_input = isinstance(given, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in given)
    if has_input and "submit" not in view:
        spot.complain("missing_field", "submit is missing: there is an input block")
