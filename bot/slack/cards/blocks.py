"""What a card is, and the parts that all of them are made of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.slack.cards.mrkdwn import Block, cut, inert, mrkdwn, plain, visible

# Slack refuses somewhat above 13,000 characters of blocks (measured), and more than 50 of them.
BYTES_AT_MOST = 12_000
BLOCKS_AT_MOST = 50
HEADLINE_AT_MOST = 150


@dataclass(frozen=True)
class Card:
    """One message. `text` carries the essentials (notifications and screen readers take it), never a link to a file."""

    text: str
    blocks: tuple[Block, ...]

    def as_message(self) -> dict[str, Any]:
        """The arguments that every way of posting takes."""
        return {
            "text": cut(inert(self.text), 3000),
            "blocks": self.blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }

    @cached_property
    def as_answer(self) -> str:
        """The JSON that answers a command, for the asker alone; made once however often the card is told."""
        return json.dumps(self.as_message() | {"response_type": "ephemeral"})


def size_of(blocks: Sequence[Block]) -> int:
    """Bytes of JSON, as Slack receives them."""
    return len(json.dumps(list(blocks)))


def headline(text: str) -> Block:
    """The first line, large; in plain text, so that nothing in it is live."""
    if len(text) <= HEADLINE_AT_MOST:
        return {"type": "header", "text": plain(text, limit=HEADLINE_AT_MOST)}
    return sentence(text)


def paragraph(text: str) -> Block:
    """A section of mrkdwn."""
    return {"type": "section", "text": mrkdwn(text)}


def sentence(text: str) -> Block:
    """A section of plain text: nothing in it is live, wherever it came from."""
    return {"type": "section", "text": plain(text)}


def footnote(text: str) -> Block:
    """A line in small letters."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Names with their values (mrkdwn), ten at most, side by side where there is room."""
    return {"type": "section", "fields": [mrkdwn(cut(f"*{name}*\n{value}", 2000)) for name, value in pairs[:10]]}


def buttons(*elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(
    label: str,
    action_id: str,
    *,
    value: str,
    confirm: Block | None = None,
    style: str | None = None,
    spoken: str | None = None,
) -> Block:
    """A button; `value` comes back as it is when it is pressed, and is not to be trusted then.

    A screen reader reads `spoken` instead of the label, which tells apart buttons of the same label.
    """
    made: Block = {"type": "button", "text": plain(label, limit=75), "action_id": action_id, "value": value}
    if spoken is not None:
        made["accessibility_label"] = cut(visible(spoken), 75)
    return made | ({"confirm": confirm} if confirm else {}) | ({"style": style} if style else {})


def confirmation(title: str, text: str, *, yes: str) -> Block:
    """A dialog that asks before something is done."""
    return {
        "title": plain(title, limit=100),
        "text": plain(text, limit=300),
        "confirm": plain(yes, limit=30),
        "deny": plain("Cancel", limit=30),
    }
