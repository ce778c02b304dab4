"""What somebody is subscribed to, as a card and as the home tab."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.notices.completion import Occasion
from bot.notices.notice import NoticeState
from bot.notices.subscription import Entry, Phase
from bot.playground.slack.blocks import check_blocks, check_view
from bot.recording.stop_reason import StopReason
from bot.recording.task import ENDED, FAILED
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import BYTES_AT_MOST, size_of
from bot.slack.cards.signs import Sign
from bot.slack.cards.subscription_list import LISTED_AT_MOST, Reach, entry_in_words, home_view, list_card
from testing.slack_notices import APP, LONGEST, NOW, completion, delivered, ended_reading, entry, reading

ENDED_ENTRY: dict[str, Any] = {
    "phase": Phase.CLOSED,
    "completion": completion(Occasion.ENDED),
    "seen": ended_reading(),
}


@pytest.mark.parametrize(
    ("of", "said", "can_be_ended"),
    [
        (entry(), "Next check <!date^", True),
        (entry(), "Running for 9 min 48 s. No files so far. Seen <!date^", True),
        (entry(failures=1, last_error="RTC did <not> answer."), "look failed: RTC did &lt;not&gt; answer.", True),
        (entry(failures=3, last_error="x"), "look failed, 3 times in a row: x", True),
        (entry(failures=1), "look failed: no reason was given", True),
        (entry(**ENDED_ENTRY, notice_state=NoticeState.PENDING), "The message about its end is queued.", True),
        (entry(**ENDED_ENTRY, notice_state=NoticeState.PENDING, reason="Slack asks."), "It waits: Slack asks.", True),
        (entry(**ENDED_ENTRY, notice_state=NoticeState.SENDING), "The message about its end is being sent.", True),
        (delivered(), "The message about its end was delivered <!date^1795348800", False),
        (delivered(Occasion.FORGOTTEN), "about the end of its 72 hours was delivered", False),
        (
            entry(**ENDED_ENTRY, notice_state=NoticeState.DEAD, settled_at=NOW, reason="The account is closed"),
            "was given up <!date^1795348800^{date_short_pretty} {time_secs}|2026-11-22 12:00:00 UTC>: The account",
            False,
        ),
        (entry(phase=Phase.CLOSED, reason="The account is closed"), "You are told nothing: The account", False),
        (
            entry(
                phase=Phase.AWAITING_FILES,
                completion=completion(Occasion.ENDED),
                notice_state=NoticeState.DELIVERED,
                settled_at=NOW,
            ),
            "Next check for files <!date^",
            True,
        ),
        (
            entry(
                phase=Phase.AWAITING_FILES,
                completion=completion(Occasion.ENDED),
                notice_state=NoticeState.DELIVERED,
                settled_at=NOW,
                has_left=True,
            ),
            "The message about its end was delivered",
            False,
        ),
        (
            entry(completion=completion(Occasion.UNCLEAR), notice_state=NoticeState.DELIVERED, settled_at=NOW),
            "The message about its unclear state was delivered",
            True,
        ),
    ],
)
def test_each_state_in_words(of: Entry, said: str, *, can_be_ended: bool) -> None:
    assert said in entry_in_words(of)
    card = list_card([of], now=NOW)
    assert ("Unsubscribe" in json.dumps(card.blocks)) is can_be_ended
    assert ("rectask.clear" in json.dumps(card.blocks)) is not can_be_ended
    check_blocks(list(card.blocks))


def test_a_closed_task_is_not_looked_at() -> None:
    assert "Next check" not in entry_in_words(delivered())


def test_nothing_says_how_to_subscribe() -> None:
    for blocks in (list_card([], now=NOW).blocks, home_view([], now=NOW)["blocks"]):
        assert "You have no subscriptions" in json.dumps(blocks)
        assert "/rectask watch ROOM TASK" in json.dumps(blocks)


def test_a_list_without_its_store_says_so() -> None:
    view = home_view(None, now=NOW)
    check_view(view, type="home")
    assert "cannot be reached now" in json.dumps(view)
    assert "rectask.list" in json.dumps(view)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 45, 46, 47, 89, 90])
def test_a_long_list_is_cut_to_what_slack_takes(count: int) -> None:
    entries = [entry(ref=LONGEST, failures=2, last_error="e" * 500) for _ in range(count)]
    card = list_card(entries, now=NOW)
    check_blocks(list(card.blocks))
    assert size_of(card.blocks) <= BYTES_AT_MOST
    view = home_view(entries, now=NOW)
    check_view(view, type="home")
    shown = sum("accessory" in block for block in card.blocks)
    left = f"… and {'at least ' if count == LISTED_AT_MOST else ''}{count - shown} more"
    assert (left in json.dumps(card.blocks, ensure_ascii=False)) is (shown < count)
    assert sum("accessory" in block for block in view["blocks"]) == count
    assert ("Only the first 90 are shown" in json.dumps(view)) is (count == LISTED_AT_MOST)


def test_short_entries_fill_the_card() -> None:
    card = list_card([entry() for _ in range(60)], now=NOW)
    check_blocks(list(card.blocks))
    shown = sum("accessory" in block for block in card.blocks)
    assert f"… and {60 - shown} more: see Rectask's Home tab" in json.dumps(card.blocks, ensure_ascii=False)


def test_what_comes_from_outside_is_inert() -> None:
    hostile = reading(ENDED, reason=StopReason.from_code("<!here>"), ended=timedelta(minutes=1))
    card = list_card([entry(seen=hostile, failures=1, last_error="<!channel>")], now=NOW)
    assert "<!here>" not in json.dumps(card.blocks)
    assert "<!channel>" not in json.dumps(card.blocks)
    assert "<!here>" not in card.text


def test_the_text_tells_who_can_not_see_the_blocks() -> None:
    text = list_card([entry()], now=NOW).text
    assert text == "Your subscriptions. Room1 / Task1: Running for 9 min 48 s. No files so far."


def lines_of(blocks: Sequence[dict[str, Any]]) -> list[str]:
    return [block["text"]["text"] for block in blocks if block["type"] in ("header", "section")]


def test_what_is_open_comes_first_under_its_own_heading() -> None:
    entries = [delivered(), entry(), delivered(Occasion.FORGOTTEN), entry(failures=1)]
    for blocks in (list_card(entries, now=NOW).blocks, home_view(entries, now=NOW)["blocks"]):
        lines = lines_of(blocks)
        opened, done = lines.index("*Open*"), lines.index("*Done in the last days*")
        assert opened < done
        assert all("Next check" in line for line in lines[opened + 1 : done])
        assert [("was delivered" in line) for line in lines[done + 1 :]] == [True, True]


def test_a_delivered_message_about_a_failure_has_no_green_tick() -> None:
    failed = reading(FAILED, ended=timedelta(minutes=1))
    said = entry_in_words(delivered(seen=failed))
    assert Sign.GOOD not in said
    assert f"{Sign.BAD} Failed" in said
    assert f"{Sign.DELIVERED} The message" in said


def test_each_button_has_a_name_of_its_own_for_a_screen_reader() -> None:
    other = TaskRef(APP, "Room2", "Task1")
    for blocks in (list_card([entry(), entry(ref=other), entry(ref=LONGEST)], now=NOW).blocks,):
        spoken = [block["accessory"]["accessibility_label"] for block in blocks if "accessory" in block]
        assert spoken[:2] == ["Unsubscribe from Room1 / Task1", "Unsubscribe from Room2 / Task1"]
        assert len(spoken[2]) <= 75


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        (Reach(may_look_up=False, may_subscribe=False, ask="<@U1>"), "no permission to look recordings up"),
        (Reach(may_subscribe=False, ask="<@U1>"), "no permission to subscribe to recordings"),
    ],
)
def test_nobody_is_told_to_do_what_they_have_no_permission_for(reach: Reach, said: str) -> None:
    for card in (list_card([], now=NOW, reach=reach), home_view([], now=NOW, reach=reach)):
        words = json.dumps(card if isinstance(card, dict) else [card.text, card.blocks])
        assert said in words
        assert "please ask <@U1>" in words
        assert "watch ROOM TASK" not in words
        assert ("rectask ROOM TASK" in words) is (isinstance(card, dict) and reach.may_look_up)
