"""The elements and small objects of Block Kit with their limits (docs.slack.dev, November 2026)."""

from collections.abc import Mapping

from bot.playground.slack.shapes import (
    Rule,
    Shape,
    Spot,
    action_id,
    anything,
    flag,
    number,
    one_of,
    record,
    several,
    string,
    text,
    typed,
    url,
)

PLAIN = "plain_text"
_CONFIRM = record(
    Shape(
        {"title": text(100, PLAIN), "text": text(300), "confirm": text(30, PLAIN), "deny": text(30, PLAIN)},
        {"style": one_of("primary", "danger")},
    )
)
_OPTION_FIELDS: dict[str, Rule] = {"text": text(75), "value": string(75)}
_OPTION = record(Shape(_OPTION_FIELDS, {"description": text(75)}))
_LINKED_OPTION = record(Shape(_OPTION_FIELDS, {"description": text(75, PLAIN), "url": url(3000)}))
_GROUP = record(Shape({"label": text(75, PLAIN), "options": several(_OPTION, 100)}))
_ANY: dict[str, Rule] = {"action_id": action_id, "confirm": _CONFIRM, "focus_on_load": flag}
_FIELD = _ANY | {"placeholder": text(150, PLAIN)}
_INPUT = _FIELD | {"initial_value": string(3000, least=0), "dispatch_action_config": anything}
_MANY: dict[str, Rule] = {"max_selected_items": number}
_CHOICES: dict[str, Rule] = {"options": several(_OPTION, 100), "option_groups": several(_GROUP, 100)}

BUTTON = Shape(
    {"text": text(75, PLAIN)},
    {
        "action_id": action_id,
        "value": string(2000, least=0),
        "url": url(3000),
        "style": one_of("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": string(75),
    },
)
IMAGE = Shape(
    {"alt_text": string(2000)}, {"image_url": url(3000), "slack_file": anything}, any_of=("image_url", "slack_file")
)
CHOOSERS: Mapping[str, Shape] = {
    "static_select": Shape({}, _FIELD | _CHOICES | {"initial_option": _OPTION}, any_of=tuple(_CHOICES)),
    "multi_static_select": Shape(
        {}, _FIELD | _CHOICES | _MANY | {"initial_options": several(_OPTION, 100)}, any_of=tuple(_CHOICES)
    ),
    "users_select": Shape({}, _FIELD | {"initial_user": string(255)}),
    "channels_select": Shape({}, _FIELD | {"initial_channel": string(255), "response_url_enabled": flag}),
    "conversations_select": Shape(
        {},
        _FIELD
        | {
            "initial_conversation": string(255),
            "default_to_current_conversation": flag,
            "response_url_enabled": flag,
            "filter": anything,
        },
    ),
    "datepicker": Shape({}, _FIELD | {"initial_date": string(10, least=10)}),
    "timepicker": Shape({}, _FIELD | {"initial_time": string(5, least=5), "timezone": string(255)}),
    "checkboxes": Shape({"options": several(_OPTION, 10)}, _ANY | {"initial_options": several(_OPTION, 10)}),
    "radio_buttons": Shape({"options": several(_OPTION, 10)}, _ANY | {"initial_option": _OPTION}),
}
INPUTS: Mapping[str, Shape] = {
    "plain_text_input": Shape({}, _INPUT | {"multiline": flag, "min_length": number, "max_length": number}),
    "number_input": Shape({"is_decimal_allowed": flag}, _INPUT | {"min_value": string(255), "max_value": string(255)}),
    "email_text_input": Shape({}, _INPUT),
    "url_text_input": Shape({}, _INPUT),
}
_OVERFLOW = Shape({"options": several(_LINKED_OPTION, 5, least=2)}, {"action_id": action_id, "confirm": _CONFIRM})
PRESSABLE: Mapping[str, Shape] = {"button": BUTTON, "overflow": _OVERFLOW, **CHOOSERS}
ELEMENTS: Mapping[str, Shape] = {**PRESSABLE, **INPUTS}

in_actions = typed(PRESSABLE)
in_accessory = typed({**PRESSABLE, "image": IMAGE})
in_input = typed({**CHOOSERS, **INPUTS})


def in_context(spot: Spot, value: object) -> None:
    """A text or an image."""
    if isinstance(value, dict) and value.get("type") == "image":
        IMAGE.check(spot, value)
    else:
        text(3000)(spot, value)
