"""`/rectask …` typed in Slack, through Bolt and both doors, and what the person sees."""

import json
import re
from collections.abc import AsyncIterator

import pytest
import structlog

from bot.playground.slack.world import U_ANA, U_BEN
from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.gateway import ERRORS
from bot.playground.volcengine.scenes import SCENES, task
from bot.volcengine.api.error_codes import explain
from testing.conversation import nothing_amiss, typed, until_ready, words_of
from testing.harness import Office, open_office


@pytest.fixture(scope="module")
async def opened() -> AsyncIterator[Office]:
    async with open_office(door="http", RECTASK_LOOKUPS_PER_MINUTE="1000") as opened:
        await until_ready(opened)
        yield opened


@pytest.fixture
def office(opened: Office) -> Office:
    """One for all, for nobody changes anything here that another test would see."""
    return afresh(opened)


def afresh(office: Office) -> Office:
    """As if nothing had happened in it, as far as that can be seen from outside; what it remembers, it remembers."""
    office.slack.heal()
    office.rtc.heal()
    office.slack.world.close_views(*(view for user in (U_ANA, U_BEN) for view in office.slack.world.modals_of(user)))
    for kept in (office.slack.messages, office.slack.complaints, office.slack.refusals, office.rtc.received):
        kept.clear()
    return office


@pytest.mark.parametrize("room", SCENES)
async def test_every_scene_has_a_card_within_slacks_limits(office: Office, room: str) -> None:
    card = await typed(office, f"{room} Task1")
    assert len(json.dumps(card.blocks)) <= 12_500  # 12,000 and the block ids that Slack adds
    assert card.text
    assert "Traceback" not in words_of(card)
    assert nothing_amiss(office.slack)


# What only the person who runs Rectask can do something about, and what has no place in a channel.
FOR_OPERATORS = re.compile(
    r"RECTASK_|VOLC|SSL_CERT|_PROXY|[Ff]irewall|\bproxy\b|\bIAM\b|console|127\.0\.0\.1|localhost|https?://|\bNTP\b|\bDNS\b"
)


# Those with a row of their own, and the one that takes as long as somebody waits.
NAMED = {"redirect", "retry-after", "bad-gateway", "html", "reset", "slow"}


@pytest.mark.parametrize(
    ("room", "title"),
    [
        ("nosuch", "🔍 No recording found"),
        ("error-LackPolicy", "⛔ Rectask's key lacks a permission"),
        ("error-SignatureDoesNotMatch", "⛔ Volcengine rejected the secret key"),
        ("error-InvalidParameter.IllegalRoomID", "⛔ RTC rejected the room id"),
        ("error-in-200", "⛔ Rectask's key lacks a permission"),
        ("skewed", "⛔ Volcengine rejected the request's timestamp"),
        ("redirect", "⛔ This is not how RTC answers"),
        ("retry-after", "🔌 Volcengine answered HTTP 503"),
        ("bad-gateway", "🔌 Volcengine answered HTTP 502"),
        ("html", "🔌 RTC's answer can't be read"),
        ("reset", "🔌 The connection to RTC broke off"),
        *((name, "🔌 ") for name, fault in FAULTS.items() if not fault.is_whole and name not in NAMED),
    ],
)
async def test_every_failure_has_its_card(office: Office, room: str, title: str) -> None:
    card = await typed(office, f"{room} Task1")
    assert card.blocks[0]["text"]["text"].startswith(title)
    assert card.text.startswith(f"{room} / Task1: ")
    assert not FOR_OPERATORS.search(json.dumps(card.blocks) + card.text)
    assert "Traceback" not in words_of(card)
    assert nothing_amiss(office.slack)


async def test_every_error_code_has_a_card_that_says_the_reason_and_nothing_for_operators(office: Office) -> None:
    refused = [code for code, (_, status) in ERRORS.items() if status < 429]
    for code in refused:
        card = await typed(office, f"error-{code} Task1")
        row = explain(code=code, number=None, status_code=0)
        named = (row.reason or "No recording found").format(name="RTC", app="default")
        assert card.blocks[0]["text"]["text"][2:] == named
        assert not FOR_OPERATORS.search(json.dumps(card.blocks) + card.text), code
    assert nothing_amiss(office.slack)


@pytest.mark.parametrize(
    ("room", "advice"),
    [
        ("error-LackPolicy", "Have the account's administrator give the user of this key"),
        ("bad-gateway", "look at Volcengine's status page"),
        ("closed", "look for a proxy or firewall on the way to 127.0.0.1"),
    ],
)
async def test_what_the_operator_needs_is_in_the_log_under_the_id_of_the_card(
    office: Office, room: str, advice: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        card = await typed(office, f"{room} Task1")
    (logged,) = [entry for entry in logs if entry["event"] == "lookup.failed"]
    assert f"give this ID to the person who runs Rectask: `{logged['incident']}`" in words_of(card)
    assert advice in logged["advice"]
    assert logged["room"] == room


@pytest.mark.parametrize("room", ["nosuch", "error-InvalidParameter.IllegalRoomID"])
async def test_the_askers_own_slip_is_for_the_asker(office: Office, room: str) -> None:
    with structlog.testing.capture_logs() as logs:
        card = await typed(office, f"{room} Task1")
    assert "against what the recording was started with" in words_of(card)
    assert "who runs Rectask" not in words_of(card)
    assert not [entry for entry in logs if entry["event"] == "lookup.failed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "What became of a recording?"),
        ("help", "What became of a recording?"),
        ("Room1", "You typed one word"),
        ("hepl", "Did you mean “help”?"),
        ("a b c", "You typed 3 words"),
        ("watch Room1", "Did you mean /rectask watch Room1 TASK?"),
        ("Room/1 Task1", "at position 5"),
        (f"Room1 {'t' * 129}", "129 characters"),
        ("Room1 Task\u00011", "at position 5"),
        ("<@U0BEN00001> Task1", "is a mention"),
        ("Room1 Task1 --app live", "Configured are: default"),
    ],
)
async def test_what_can_not_be_looked_up_is_said_without_a_request(office: Office, text: str, said: str) -> None:
    card = await typed(office, text)
    assert said in words_of(card)
    assert not office.rtc.received
    assert nothing_amiss(office.slack)


async def test_what_comes_from_outside_is_inert(office: Office) -> None:
    card = await typed(office, "hostile Task1")
    live = [element for element in mrkdwn_of(card.blocks) if "<!channel>" in element or "<!here>" in element]
    assert not live
    assert "\x1b" not in words_of(card)
    assert "&lt;!channel&gt;" in card.text


def mrkdwn_of(node: object) -> list[str]:
    """Every mrkdwn text in a card, without what stands in code spans."""
    if isinstance(node, list):
        return [text for item in node for text in mrkdwn_of(item)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "mrkdwn":
        assert node["verbatim"] is True
        return [str(node["text"])]
    return [text for item in node.values() for text in mrkdwn_of(item)]


async def test_the_last_known_answer_is_shown_when_rtc_is_gone(office: Office) -> None:
    office.rtc.answers["mine"] = task(status=2, start=1_795_000_000_000)
    card = await typed(office, "mine Task1")
    office.rtc.answers["mine"] = {"RecordTask": "gone"}
    await office.slack.press(card, "rectask.refresh", user=U_ANA)
    await office.slack.wait_for(lambda: card.edited)
    first = card.blocks[0]["text"]["text"]
    assert re.fullmatch(
        r"🔌 \*RTC's answer can't be read\.\* At <!date\^\d+\^{time}\|\d\d:\d\d UTC> it was running\.", first
    )
    assert "Running for" in card.blocks[1]["text"]["text"]
    assert re.match(
        r"mine / Task1: RTC's answer can't be read\. At \d\d:\d\d UTC it was running\. Running for", card.text
    )
    assert "As of <!date^" in words_of(card)
    assert re.search(r"ID `[0-9a-f]{8}`", words_of(card))
    assert not FOR_OPERATORS.search(words_of(card) + card.text)
