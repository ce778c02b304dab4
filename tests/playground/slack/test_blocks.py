"""Each limit of Block Kit: what is just allowed, and what is just too much."""

import json
from typing import Any

import pytest

from bot.playground.slack.blocks import (
    BLOCKS_MAY_HAVE,
    VIEW_MAY_HAVE,
    check_blocks,
    check_view,
    find_block_errors,
    find_element,
    find_view_errors,
    with_ids,
)
from bot.playground.slack.world import Refused

Json = dict[str, Any]


def plain(length: int = 1) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def words(length: int = 1) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def section(**fields: object) -> Json:
    return {"type": "section", "text": words(), **fields}


def button(**fields: object) -> Json:
    return {"type": "button", "text": plain(), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def options(count: int, *, text: int = 1, value: int = 4) -> list[Json]:
    return [{"text": plain(text), "value": f"{number:0{value}d}"} for number in range(count)]


def select(**fields: object) -> Json:
    return {"type": "static_select", "options": options(1), **fields}


def confirm(**lengths: int) -> Json:
    return {name: plain(lengths.get(name, 1)) for name in ("title", "text", "confirm", "deny")}


def row(cells: int) -> list[Json]:
    return [{"type": "raw_text", "text": "x"}] * cells


def modal(**fields: object) -> Json:
    return {"type": "modal", "title": plain(), "blocks": [section()], **fields}


def image(**fields: object) -> Json:
    return {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "x", **fields}


@pytest.mark.parametrize(
    ("allowed", "refused", "pointer"),
    [
        (section(text=words(3000)), section(text=words(3001)), "/0/text/text"),
        (section(text=plain(1)), section(text=plain(0)), "/0/text/text"),
        (section(fields=[words()] * 10), section(fields=[words()] * 11), "/0/fields"),
        (section(fields=[words(2000)]), section(fields=[words(2001)]), "/0/fields/0/text"),
        (section(block_id="b" * 255), section(block_id="b" * 256), "/0/block_id"),
        (section(accessory=button()), section(accessory={"type": "plain_text_input"}), "/0/accessory/type"),
        (section(text={"type": "mrkdwn", "text": "x", "verbatim": True}), section(text="x"), "/0/text"),
        (section(), section(colour="red"), "/0/colour"),
        (section(), {"type": "section"}, "/0"),
        (section(), {"type": "data_table"}, "/0/type"),
        (section(), {"type": {}}, "/0/type"),
        (section(), "section", "/0"),
        ({"type": "header", "text": plain(150)}, {"type": "header", "text": plain(151)}, "/0/text/text"),
        ({"type": "header", "text": plain()}, {"type": "header", "text": words()}, "/0/text/type"),
        ({"type": "header", "text": plain()}, {"type": "header"}, "/0"),
        ({"type": "divider"}, {"type": "divider", "text": plain()}, "/0/text"),
        *[
            ({"type": "context", "elements": good}, {"type": "context", "elements": bad}, pointer)
            for good, bad, pointer in [
                ([words()] * 10, [words()] * 11, "/0/elements"),
                ([image()], [], "/0/elements"),
                ([words()], [button()], "/0/elements/0/type"),
                ([words()], [words(0)], "/0/elements/0/text"),
            ]
        ],
        (actions(*[button()] * 25), actions(*[button()] * 26), "/0/elements"),
        (actions(button()), actions(), "/0/elements"),
        *[
            (actions(good), actions(bad), f"/0/elements/0/{pointer}")
            for good, bad, pointer in [
                (button(text=plain(75)), button(text=plain(76)), "text/text"),
                (button(), button(text=words()), "text/type"),
                (button(), {"type": "slider"}, "type"),
                (button(value="v" * 2000), button(value="v" * 2001), "value"),
                (button(accessibility_label="a" * 75), button(accessibility_label="a" * 76), "accessibility_label"),
                (button(value="v"), button(value=7), "value"),
                (button(url="https://" + "u" * 2992), button(url="https://" + "u" * 2993), "url"),
                (button(url="http://x"), button(url="javascript:x"), "url"),
                (button(action_id="a" * 255), button(action_id="a" * 256), "action_id"),
                (button(action_id="a"), button(action_id=""), "action_id"),
                (button(style="danger"), button(style="red"), "style"),
                (button(confirm=confirm(title=100)), button(confirm=confirm(title=101)), "confirm/title/text"),
                (button(confirm=confirm(text=300)), button(confirm=confirm(text=301)), "confirm/text/text"),
                (button(confirm=confirm(confirm=30)), button(confirm=confirm(confirm=31)), "confirm/confirm/text"),
                (button(confirm=confirm(deny=30)), button(confirm=confirm(deny=31)), "confirm/deny/text"),
                (button(confirm=confirm()), button(confirm={"title": plain(), "text": plain()}), "confirm"),
                (select(options=options(100)), select(options=options(101)), "options"),
                (select(options=options(1, text=75)), select(options=options(1, text=76)), "options/0/text/text"),
                (select(options=options(1, value=75)), select(options=options(1, value=76)), "options/0/value"),
                (select(placeholder=plain(150)), select(placeholder=plain(151)), "placeholder/text"),
                (select(focus_on_load=True), select(focus_on_load="yes"), "focus_on_load"),
                (select(), {"type": "static_select"}, ""),
                *[
                    (
                        {"type": "overflow", "options": options(good)},
                        {"type": "overflow", "options": options(bad)},
                        "options",
                    )
                    for good, bad in [(2, 1), (5, 6)]
                ],
            ]
        ],
        (image(title=plain(2000)), image(title=plain(2001)), "/0/title/text"),
        (image(), {"type": "image", "alt_text": "x"}, "/0"),
        *[
            ({"type": "table", "rows": good}, {"type": "table", "rows": bad}, pointer)
            for good, bad, pointer in [
                ([row(1)] * 100, [row(1)] * 101, "/0/rows"),
                ([row(20)], [row(21)], "/0/rows/0"),
                ([row(1)], [["x"]], "/0/rows/0/0"),
            ]
        ],
        *[
            ({"type": "card", **good}, {"type": "card", **bad}, pointer)
            for good, bad, pointer in [
                ({"title": words(150)}, {"title": words(151)}, "/0/title/text"),
                (
                    {"title": words(), "subtitle": words(150)},
                    {"body": words(), "subtitle": words(151)},
                    "/0/subtitle/text",
                ),
                ({"body": words(200)}, {"body": words(201)}, "/0/body/text"),
                ({"body": words()}, {"subtitle": words()}, "/0"),
            ]
        ],
        *[
            ({"type": "carousel", "elements": good}, {"type": "carousel", "elements": bad}, "/0/elements")
            for good, bad in [([{"type": "card", "title": words()}] * 10, [{"type": "card", "title": words()}] * 11)]
        ],
        (
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
            {"type": "rich_text", "elements": [{"type": "rich_text_poem", "elements": []}]},
            "/0/elements/0/type",
        ),
        ({"type": "markdown", "text": "x" * 12_000}, {"type": "markdown", "text": "x" * 12_001}, "/0/text"),
    ],
)
def test_a_block(allowed: Json, refused: Any, pointer: str) -> None:
    assert find_block_errors([allowed], pointer="") == []
    errors = find_block_errors([refused], pointer="")
    assert pointer.rstrip("/") in [error["pointer"] for error in errors]
    assert all(error.keys() == {"pointer", "code", "message", "constraint", "field"} for error in errors)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ([{"type": "divider"}] * 50, [{"type": "divider"}] * 51),
        ([section(block_id="a"), section(block_id="b")], [section(block_id="a"), section(block_id="a")]),
        (
            [actions(button(action_id="a")), actions(button(action_id="b"))],
            [actions(button(action_id="a")), actions(button(action_id="a"))],
        ),
        ([{"type": "table", "rows": [row(1)]}], [{"type": "table", "rows": [row(1)]}] * 2),
        ([], {"type": "divider"}),
        ([section()], [{"type": "alert", "text": words()}]),
    ],
)
def test_blocks_together(allowed: Any, refused: Any) -> None:
    check_blocks(allowed)
    with pytest.raises(Refused) as caught:
        check_blocks(refused)
    assert caught.value.error == "invalid_blocks"


def test_all_blocks_together_are_not_too_long() -> None:
    block, around = section(text=words(3000)), len(json.dumps(section(text=words(0)), separators=(",", ":")))
    rest = BLOCKS_MAY_HAVE - 4 * (3000 + around + 1) - around - 2
    check_blocks([block] * 4 + [section(text=words(rest))])
    with pytest.raises(Refused, match="msg_blocks_too_long"):
        check_blocks([block] * 4 + [section(text=words(rest + 1))])


@pytest.mark.parametrize(
    ("allowed", "refused", "pointer"),
    [
        (modal(title=plain(24)), modal(title=plain(25)), "/title/text"),
        (modal(submit=plain(24)), modal(submit=plain(25)), "/submit/text"),
        (modal(close=plain(24)), modal(close=plain(25)), "/close/text"),
        (modal(close=plain()), modal(close=words()), "/close/type"),
        (modal(private_metadata="m" * 3000), modal(private_metadata="m" * 3001), "/private_metadata"),
        (modal(callback_id="c" * 255), modal(callback_id="c" * 256), "/callback_id"),
        (modal(blocks=[{"type": "divider"}] * 100), modal(blocks=[{"type": "divider"}] * 101), "/blocks"),
        (modal(blocks=[{"type": "alert", "text": words()}]), modal(blocks=[{"type": "markdown"}]), "/blocks/0/type"),
        (modal(), {"type": "modal", "blocks": []}, ""),
        (modal(), modal(size="big"), "/size"),
        (modal(), {"type": "popup"}, "/type"),
        ({"type": "home", "blocks": []}, {"type": "home", "blocks": [], "title": plain()}, "/title"),
        (
            {"type": "home", "blocks": [section()] * 100},
            {"type": "home", "blocks": [{"type": "divider"}] * 101},
            "/blocks",
        ),
        *[
            (
                modal(blocks=[{"type": "input", "label": plain(), "element": good}], submit=plain()),
                modal(blocks=[{"type": "input", "label": plain(), "element": bad}], submit=plain()),
                "/blocks/0/element" + pointer,
            )
            for good, bad, pointer in [
                (
                    {"type": "plain_text_input", "max_length": 10},
                    {"type": "plain_text_input", "max_length": "x"},
                    "/max_length",
                ),
                (
                    {"type": "datepicker", "initial_date": "2026-11-22"},
                    {"type": "datepicker", "initial_date": "x"},
                    "/initial_date",
                ),
                (
                    {"type": "checkboxes", "options": options(10)},
                    {"type": "checkboxes", "options": options(11)},
                    "/options",
                ),
                ({"type": "users_select"}, button(), "/type"),
            ]
        ],
        (
            modal(blocks=[{"type": "input", "label": plain(), "element": {"type": "users_select"}}], submit=plain()),
            modal(blocks=[{"type": "input", "label": plain(), "element": {"type": "users_select"}}]),
            "",
        ),
    ],
)
def test_a_view(allowed: Json, refused: Json, pointer: str) -> None:
    assert find_view_errors(allowed) == []
    assert pointer in [error["pointer"] for error in find_view_errors(refused)]


def test_a_view_is_not_too_large() -> None:
    full = section(fields=[words(2000)] * 10)
    with pytest.raises(Refused, match="view_too_large"):
        check_view(modal(blocks=[full] * (VIEW_MAY_HAVE // 20_000 + 1)))
    check_view(modal(blocks=[full] * 10))


def test_a_modal_is_no_home() -> None:
    with pytest.raises(Refused, match="invalid_arguments"):
        check_view(modal(), type="home")


def test_ids_are_filled_in_where_there_are_none() -> None:
    numbers = iter("123456789")
    given = [section(accessory=button()), actions(button(action_id="own")), {"type": "card", "actions": [button()]}]
    filled = with_ids(given, lambda: next(numbers))
    assert [block["block_id"] for block in filled] == ["1", "3", "5"]
    assert "block_id" not in given[0]
    assert find_element(filled, "2")[1]["type"] == "button"
    assert find_element(filled, "own", "3")[0]["block_id"] == "3"
    with pytest.raises(LookupError):
        find_element(filled, "own", "1")
