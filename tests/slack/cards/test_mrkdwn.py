"""Text from outside in every place of a card: nothing in it hides, or turns around what stands beside it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.cards.blocks import Card, footnote, headline, paragraph, sentence
from bot.slack.cards.messages import usage_card
from bot.slack.cards.mrkdwn import code, inert, visible

UNSEEN = [
    *("\u202e", "\u202d", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"),  # directions
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f"),  # of no width
    *("\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u180e", "\ufe00", "\U000e0100", "\U000e0041"),  # blank
    *("\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"),  # controls
]


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_what_is_not_seen_is_shown_as_its_code(unseen: str) -> None:
    hostile = f"Room{unseen}1"
    parts = (headline(hostile), sentence(hostile), paragraph(hostile), footnote(hostile), paragraph(code(hostile)))
    said = json.dumps(Card(text=hostile, blocks=parts).as_message(), ensure_ascii=False)
    assert unseen not in said
    assert unseen not in json.loads(said)["text"]
    assert unseen not in json.loads(usage_card("No.", typed=hostile).as_answer)["text"]


@pytest.mark.parametrize(
    "text", ["two\nlines", "Räume 房间 комната", "❤️ 👍🏽", "a · b – c “d”", "`code` <!date^1^{date}|x>"]
)
def test_what_is_seen_stays(text: str) -> None:
    assert inert(text) == text


@given(st.text())
def test_whatever_is_made_inert_is_seen_whole(text: str) -> None:
    assert all(line.isprintable() for line in inert(text).split("\n"))
    assert visible(visible(text)) == visible(text)
