"""What is counted of the dealings with Slack has labels from closed sets."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.slack.meter import METHODS, RESPONSE_URL, kind_of, outcome_of_status

SLACK = Path(__file__).parents[2] / "bot" / "slack"
_CALL = re.compile(r"\.((?:apps|auth|chat|conversations|usergroups|users|views)_\w+)\(")


def test_every_method_that_is_called_is_named_and_no_other() -> None:
    called = {name for path in SLACK.rglob("*.py") for name in _CALL.findall(path.read_text(encoding="utf-8"))}
    assert {name.replace("_", ".") for name in called} == set(METHODS) - {RESPONSE_URL}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"command": "/rectask", "type": "odd"}, "command"),
        ({"type": "block_actions", "view": {}}, "action"),
        ({"type": "view_closed"}, "view"),
        ({"type": "event_callback", "event": {}}, "event"),
        ({"type": "url_verification", "challenge": "x"}, "event"),
        ({}, "action"),
    ],
)
def test_what_slack_sends_is_of_one_of_four_kinds(body: dict[str, Any], kind: str) -> None:
    assert kind_of(body) == kind


@pytest.mark.parametrize(
    ("status_code", "outcome"), [(200, "ok"), (404, "error"), (429, "ratelimited"), (503, "unreachable")]
)
def test_an_answer_without_words_is_told_by_its_status(status_code: int, outcome: str) -> None:
    assert outcome_of_status(status_code) == outcome
