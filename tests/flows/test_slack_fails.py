"""Slack fails in each way, in each call, under each listener: the person hears what is so, once, and the log knows why.

The limits are a hundredth of the real ones, and so is the time within which something has to be heard.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from structlog.typing import EventDict

from bot.notices.completion import Occasion
from bot.playground.slack.world import C_ONCALL, C_SHARED, U_ANA, U_BEN, Message
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.recording.task_ref import TaskRef
from bot.slack.cards.notice import notice_card
from bot.slack.limits import Limits
from testing.conversation import words_of
from testing.fragile_office import Bureau, open_bureau
from testing.slack_notices import NOW, completion, notice

BRISK = Limits(first_sign=1.0, call=0.5, tell=0.2, pauses=(0.01, 0.02), silent_pause=0.05)
HEARD_WITHIN = 1.5
HANG = 60.0
# For longer than anybody can be answered.
TOO_LONG = 1_900
# How Slack fails, before or after the effect, and goes on failing.
FAULTS = (
    *("timeout_before", "ratelimited", "503_before", "html_before", "cut_before"),
    *("reset_before", "reset_after", "internal_error"),
)


@pytest.fixture(scope="module")
async def shared_bureau(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bureau]:
    async with (
        open_fake_rtc(FakeRtc()) as rtc,
        open_bureau(rtc, tmp_path_factory.mktemp("bureau"), limits=BRISK) as opened,
    ):
        opened.slack.limits = False
        yield opened


@pytest.fixture
async def bureau(shared_bureau: Bureau) -> AsyncIterator[Bureau]:
    """As if nothing had happened in it before, and nothing left open after it."""
    slack = shared_bureau.slack
    slack.messages.clear()
    slack.world.close_views(*slack.world.modals_of(U_ANA))
    for person in (U_ANA, U_BEN):
        await slack.command("help", user=person)
    slack.messages.clear()
    yield shared_bureau
    slack.heal()
    shared_bureau.desk.gate.people.forget(U_ANA)
    await settled(shared_bureau)


async def settled(bureau: Bureau) -> None:
    """Until nothing is under way any more."""
    async with asyncio.timeout(HEARD_WITHIN):
        while len(bureau.desk.work):  # noqa: ASYNC110  # nothing tells when it is done
            await asyncio.sleep(0.005)


def heard_by(bureau: Bureau, user: str) -> list[str]:
    """All that the person sees now, as text."""
    slack = bureau.slack
    seen = [f"{message.edited} {message.text} {words_of(message)}" for message in slack.visible_to(user)]
    return seen + [json.dumps(view.content, ensure_ascii=False) for view in slack.world.views.values()]


async def hears(bureau: Bureau, before: list[str], *, user: str = U_ANA) -> str:
    """What is new for the person, once it is more than that something goes on."""

    def news() -> str:
        new = [words for words in heard_by(bureau, user) if words not in before]
        return "\n".join(words for words in new if " … " not in words and "RTC …" not in words)

    await bureau.slack.wait_for(news, timeout=HEARD_WITHIN)
    return news()


def incidents(logged: list[EventDict]) -> list[str]:
    return [entry["incident"] for entry in logged if "incident" in entry]


async def card(bureau: Bureau, text: str = "Room1 Task1", channel: str = C_ONCALL) -> Message:
    await bureau.slack.command(text, user=U_ANA, channel=channel)
    return await bureau.slack.next_message(user=U_ANA)


async def card_to_subscribe(bureau: Bureau) -> Message:
    await card(bureau, "unwatch running Task2")
    return await card(bureau, "running Task2")


async def shared_card(bureau: Bureau) -> Message:
    await bureau.slack.press(await card(bureau), "rectask.share", user=U_ANA)
    return await bureau.slack.next_message(user=U_BEN)


async def second_question(bureau: Bureau) -> Message:
    await bureau.slack.press(await card(bureau, channel=C_SHARED), "rectask.share", user=U_ANA)
    return await bureau.slack.next_message(user=U_ANA)


async def told(bureau: Bureau) -> Message:
    ref = TaskRef(bureau.desk.apps[0], "running", "Task1")
    message = notice_card(notice(completion(Occasion.UNCLEAR, ref=ref), goes_on=True), now=NOW).as_message()
    await bureau.desk.slack.chat_postMessage(channel=U_ANA, **message)
    return await bureau.slack.next_message(user=U_ANA)


async def modal_page(bureau: Bureau) -> object:
    await bureau.slack.press(await card(bureau, "many-files Task1"), "rectask.files", user=U_ANA)
    await bureau.slack.wait_for(lambda: any("page 1 of" in words for words in heard_by(bureau, U_ANA)))
    return bureau.slack.view_for(U_ANA)


async def home(bureau: Bureau) -> object:
    await bureau.slack.command("watch running Task1", user=U_ANA)
    await bureau.slack.open_home()
    await settled(bureau)
    return bureau.slack.home_for(U_ANA)


@dataclass(frozen=True)
class Listener:
    """Something that a person does: what has to be there before, and the button."""

    before: Callable[[Bureau], Awaitable[object]]
    action: str
    calls: tuple[str, ...]


LISTENERS = {
    "refresh": Listener(card, "rectask.refresh", ("response_url",)),
    "refresh a shared card": Listener(shared_card, "rectask.refresh", ("response_url",)),
    "refresh a notification": Listener(told, "rectask.refresh", ("chat.update",)),
    "subscribe": Listener(card_to_subscribe, "rectask.subscribe", ("response_url",)),
    "unsubscribe from a notification": Listener(told, "rectask.unsubscribe", ("response_url",)),
    "refresh the list": Listener(lambda b: card(b, "list"), "rectask.list", ("response_url",)),
    "share": Listener(card, "rectask.share", ("conversations.info", "chat.postMessage")),
    "share with others": Listener(lambda b: card(b, channel=C_SHARED), "rectask.share", ("response_url",)),
    "do not share with others": Listener(second_question, "rectask.cancel", ("response_url",)),
    "more": Listener(lambda b: card(b, "many-files Task1"), "rectask.files", ("views.open", "views.update")),
    "turn a page": Listener(modal_page, "rectask.files.next", ("views.update",)),
    "raw answer": Listener(modal_page, "rectask.raw", ("views.update",)),
    "unsubscribe at home": Listener(home, "rectask.unsubscribe.list.0", ("views.publish",)),
    "refresh at home": Listener(home, "rectask.list", ("views.publish",)),
}
TABLE = [(name, method) for name, listener in LISTENERS.items() for method in listener.calls]
# Every day, each call in one way, and in every way one of each kind: by an address, to a channel, into a view.
IN_ONE_WAY = "reset_before"
IN_EVERY_WAY = {("refresh", "response_url"), ("share", "chat.postMessage"), ("more", "views.open")}


def is_for_every_day(name: str, method: str, fault: str) -> bool:
    return fault == IN_ONE_WAY or (name, method) in IN_EVERY_WAY


@pytest.mark.parametrize(
    ("name", "method", "fault"),
    [
        pytest.param(*row, fault, marks=() if is_for_every_day(*row, fault) else pytest.mark.slow)
        for row in TABLE
        for fault in FAULTS
    ],
)
async def test_the_person_hears_what_is_so(
    bureau: Bureau, logged: list[EventDict], name: str, method: str, fault: str
) -> None:
    """Slack goes on failing: so what the person is told comes by another way."""
    listener = LISTENERS[name]
    target = await listener.before(bureau)
    before, posted = heard_by(bureau, U_ANA), heard_by(bureau, U_BEN)
    bureau.slack.fault(method, fault, times=None, seconds=HANG, retry_after=TOO_LONG)
    assert (await bureau.slack.press(target, listener.action, user=U_ANA)).acked  # type: ignore[arg-type]
    news = await hears(bureau, before)
    await settled(bureau)
    ids = incidents(logged)
    assert len(ids) <= 1
    assert re.findall(r"For support: `(\w{8})`", news) == ids or method == "response_url" or fault.endswith("_after")
    assert not [entry for entry in logged if entry["event"] in ("listener.failed", "answer.lost", "work.abandoned")]
    assert "this bot's fault" not in news
    if "Nothing was posted" in news:
        assert heard_by(bureau, U_BEN) == posted


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("what", ["Room1 Task1", "press"])
async def test_whoever_slack_does_not_tell_of_hears_that(
    bureau: Bureau, logged: list[EventDict], what: str, fault: str
) -> None:
    message = await card(bureau)
    bureau.desk.gate.people.forget(U_ANA)
    before = heard_by(bureau, U_ANA)
    bureau.slack.fault("users.info", fault, times=None, seconds=HANG, retry_after=TOO_LONG)
    if what == "press":
        assert (await bureau.slack.press(message, "rectask.refresh", user=U_ANA)).acked
    else:
        assert (await bureau.slack.command(what, user=U_ANA, channel=C_ONCALL)).acked
    assert "Slack does not say who you are" in await hears(bureau, before)
    assert len(incidents(logged)) == 1
    assert not [entry for entry in logged if entry["event"] == "listener.failed"]
