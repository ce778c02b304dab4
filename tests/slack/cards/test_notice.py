"""The cards of notices: what each says, why it came and how to stop it, within Slack's limits and inert."""

import json
from datetime import timedelta

import pytest

from bot.notices.completion import Completion, Occasion
from bot.notices.subscription import known_start
from bot.playground.slack.blocks import check_blocks
from bot.recording.stop_reason import StopReason
from bot.recording.task import ENDED
from bot.slack.cards.blocks import BYTES_AT_MOST, Card, size_of
from bot.slack.cards.notice import files_reply_card, newer_card, notice_card, told_again
from bot.slack.cards.task import Standing
from bot.slack.request.button_value import Told, read_value
from testing.slack_notices import (
    APP,
    LONGEST,
    NOW,
    REF,
    completion,
    ended_reading,
    huge_reading,
    notice,
    reading,
)


def card_of(of: Completion | Occasion) -> Card:
    return notice_card(notice(of), now=NOW)


def words_of(card: Card) -> str:
    return json.dumps(card.blocks, ensure_ascii=False)


def button(card: Card, action_id: str) -> dict[str, str] | None:
    elements = [e for block in card.blocks if block["type"] == "actions" for e in block["elements"]]
    return next((element for element in elements if element["action_id"] == action_id), None)


@pytest.mark.parametrize(
    ("occasion", "text", "said"),
    [
        (Occasion.ENDED, "Ended after 9 min: stopped through the API. 1 file, 30.4 MB.", "`a/b.mp4`"),
        (Occasion.FILES, "Ended after 9 min: stopped through the API. 1 file, 30.4 MB.", "Its files came after"),
        (Occasion.UNCLEAR, "Its state has been unclear for a while. State unknown", "It is still watched"),
        (Occasion.REPLACED, "A newer recording has taken its ids. Last seen: Running for 9 min.", "*The newer one"),
        (
            Occasion.GONE,
            "RTC knows this recording no longer. Last seen: Running",
            "72 hours from its start are not",
        ),
        (Occasion.FORGOTTEN, "72 hours are over, and its end was not seen. Last seen: Running", "If it still runs"),
    ],
)
def test_every_occasion_says_what_happened_why_it_came_and_how_to_stop_it(
    occasion: Occasion, text: str, said: str
) -> None:
    card = card_of(occasion)
    assert card.text.startswith(f"Room1 / Task1: {text}")
    assert "Room1 / Task1: " in card.blocks[0]["text"]["text"]
    assert said in words_of(card)
    assert "You get this because you subscribed to this recording (<!date^1795345200^" in words_of(card)
    assert "`/rectask list` shows your subscriptions" in words_of(card)


@pytest.mark.parametrize("occasion", Occasion)
def test_the_longest_ids_are_within_the_limits(occasion: Occasion) -> None:
    for card in (
        notice_card(notice(completion(occasion, ref=LONGEST)), now=NOW),
        files_reply_card(notice(Completion(occasion, NOW, ended_reading(ref=LONGEST)))),
    ):
        check_blocks(list(card.blocks))
        assert len(card.text) < 3000


def test_the_largest_recording_is_within_the_limits() -> None:
    card = card_of(Completion(Occasion.ENDED, NOW, huge_reading()))
    check_blocks(list(card.blocks))
    assert size_of(card.blocks) < BYTES_AT_MOST


@pytest.mark.parametrize("occasion", Occasion)
def test_what_comes_from_outside_is_inert_in_the_text(occasion: Occasion) -> None:
    hostile = reading(ENDED, reason=StopReason.from_code("<!here> *bold*"), ended=timedelta(minutes=1))
    card = card_of(Completion(occasion, NOW, hostile, hostile))
    assert "<!here>" not in card.text
    assert "&lt;!here&gt;" in card.text


@pytest.mark.parametrize("occasion", [Occasion.REPLACED, Occasion.GONE, Occasion.FORGOTTEN])
def test_a_recording_that_was_never_seen_has_a_card_too(occasion: Occasion) -> None:
    card = card_of(Completion(occasion, NOW, None))
    check_blocks(list(card.blocks))
    assert card.text.startswith("Room1 / Task1: ")
    assert "It was never seen." in card.text
    assert "`Room1`" in words_of(card)


def test_an_end_without_files_says_that_it_is_still_looked_at() -> None:
    without_files = Completion(Occasion.ENDED, NOW, ended_reading(files=()))
    card = notice_card(notice(without_files, goes_on=True), now=NOW)
    assert "If files come, this message changes" in words_of(card)
    assert button(card, "rectask.unsubscribe")


def test_where_it_is_not_looked_at_any_more_no_files_are_promised() -> None:
    """RTC has lost it, or tells of a newer one, while its files were awaited."""
    card = card_of(Completion(Occasion.ENDED, NOW, ended_reading(files=())))
    assert "If files come" not in words_of(card)
    assert button(card, "rectask.unsubscribe") is None


@pytest.mark.parametrize(
    ("occasion", "said"),
    [
        (Occasion.ENDED, "It has ended"),
        (Occasion.FILES, "Its files have come"),
        (Occasion.UNCLEAR, "Its state has been unclear for a while"),
    ],
)
def test_what_can_not_be_decoded_is_told_without_its_details(occasion: Occasion, said: str) -> None:
    unreadable = notice(Completion(occasion, NOW, None))
    for card in (notice_card(unreadable, now=NOW), files_reply_card(unreadable)):
        check_blocks(list(card.blocks))
        assert card.text == f"Room1 / Task1: {said}. Its details cannot be shown."
        assert "`Room1`" in words_of(card)
        assert "never seen" not in words_of(card)
        assert "knows this recording no longer" not in words_of(card)


def test_the_newer_recording_can_be_subscribed_to_unless_it_is_over() -> None:
    assert button(card_of(Occasion.REPLACED), "rectask.subscribe")
    over = Completion(Occasion.REPLACED, NOW, reading(), ended_reading())
    assert button(card_of(over), "rectask.subscribe") is None


def test_a_notice_is_not_shared_and_its_refresh_knows_that_it_is_one() -> None:
    card = card_of(Occasion.ENDED)
    assert button(card, "rectask.share") is None
    refresh = button(card, "rectask.refresh")
    assert refresh
    press = read_value(refresh["value"], apps=[APP])
    assert press.told == Told(NOW - timedelta(hours=1), known_start(ended_reading().task))


def test_a_refreshed_notice_says_as_of_when_it_is_and_why_it_came() -> None:
    told = Told(NOW - timedelta(hours=1), None)
    card = told_again(ended_reading(), told, now=NOW + timedelta(days=1), standing=None)
    assert "As of <!date^" in words_of(card)
    assert "You get this because" in words_of(card)


def test_a_newer_recording_beside_a_notice_says_that_it_is_another_one() -> None:
    card = newer_card(reading(), now=NOW, standing=Standing.APART)
    assert "This is a newer recording of the same ids" in words_of(card)
    assert button(card, "rectask.subscribe")


def test_the_reply_about_late_files_names_them() -> None:
    card = files_reply_card(notice(Occasion.FILES))
    assert card.text == f"{REF.room} / {REF.task}: 1 file arrived, 30.4 MB."
    check_blocks(list(card.blocks))
