"""What people see while the store cannot be reached, or knows more than RTC has told: nothing is lost, all is said."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.typing import EventDict

from bot.access.audit.record import Outcome
from bot.notices.completion import Completion, Occasion
from bot.notices.person import Person
from bot.notices.subscription import Subscribed
from bot.playground.slack.world import C_ONCALL, T_HOME, U_ANA, U_BEN, View
from bot.playground.volcengine.rtc import FakeRtc
from bot.recording.reading import Reading
from bot.recording.stop_reason import STOP_BY_API
from bot.recording.task import ENDED
from bot.recording.task_ref import TaskRef
from bot.slack.background import AT_MOST, BackgroundTasks
from bot.slack.cards.notice import notice_card
from bot.slack.cards.task import task_card
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.events import Handler, on_uninstalled, on_user_change, quietly
from bot.slack.request.payload import Body
from testing.conversation import words_of
from testing.fragile_office import Bureau, open_bureau
from testing.slack_notices import NOW, completion, notice
from tests.flows.test_refreshed_for_all import until_asked


@pytest.fixture
async def bureau(fake_rtc: FakeRtc, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(fake_rtc, tmp_path) as opened:
        yield opened


def shows(home: View | None, words: str) -> bool:
    return home is not None and words in json.dumps(home.content, ensure_ascii=False)


async def test_what_is_over_is_looked_up_without_asking_the_store(bureau: Bureau) -> None:
    for _ in range(2):
        assert ": Ended after" in (await bureau.typed("Room1 Task1")).text
    assert bureau.store.asked == 0
    await bureau.typed("running Task1")
    assert bureau.store.asked == 1


async def test_a_look_up_answers_and_says_why_there_is_no_button(bureau: Bureau) -> None:
    bureau.store.is_down = True
    card = await bureau.typed("running Task1")
    assert ": Running for" in card.text
    assert "Subscriptions cannot be reached now" in words_of(card)
    assert "rectask.subscribe" not in words_of(card)
    bureau.store.is_down = False
    await bureau.slack.press(card, "rectask.refresh", user=U_ANA)
    await bureau.slack.wait_for(lambda: "rectask.subscribe" in words_of(card))


async def test_two_people_who_stand_differently_get_no_card_of_one_another(bureau: Bureau) -> None:
    """Cards are remembered for a second."""
    await bureau.typed("watch running Task1")
    assert "rectask.unsubscribe" in words_of(await bureau.typed("running Task1"))
    assert "rectask.subscribe" in words_of(await bureau.typed("running Task1", user=U_BEN))


@pytest.mark.parametrize("text", ["watch running Task1", "unwatch running Task1", "list"])
async def test_commands_say_so(bureau: Bureau, text: str) -> None:
    bureau.store.is_down = True
    card = await bureau.typed(text)
    assert "Subscriptions cannot be reached now" in words_of(card)
    assert "Try again in a minute" in words_of(card)


async def test_the_audit_log_keeps_the_reason_that_it_always_had(bureau: Bureau) -> None:
    """People search for it."""
    bureau.store.is_down = True
    await bureau.typed("watch running Task1")
    async with asyncio.timeout(10):
        while not (failed := [r.reason for r in bureau.records if r.outcome is Outcome.FAILED]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert failed == ["StoreUnavailable"]


async def test_nothing_is_shared_while_nobody_knows_whether_it_was_shared_already(bureau: Bureau) -> None:
    card = await bureau.typed("Room1 Task1")
    bureau.store.is_down = True
    told = await bureau.told(card, "rectask.share")
    assert "database isn't responding" in words_of(told)
    assert told.ephemeral_to == U_ANA
    bureau.store.is_down = False
    assert (await bureau.told(card, "rectask.share")).ephemeral_to is None


async def test_more_opens_without_the_store(bureau: Bureau) -> None:
    card = await bureau.typed("many-files Task1")
    bureau.store.is_down = True
    assert (await bureau.slack.press(card, "rectask.files", user=U_ANA)).acked
    await bureau.slack.wait_for(lambda: bureau.slack.world.modals_of(U_ANA))


async def test_a_channel_that_becomes_external_while_rtc_is_asked_is_asked_about_again(bureau: Bureau) -> None:
    ref = TaskRef(bureau.desk.apps[0], "running", "Task1")
    reading = completion(Occasion.ENDED, ref=ref).reading
    assert reading is not None
    await bureau.desk.slack.chat_postMessage(channel=C_ONCALL, **task_card(reading, now=NOW).as_message())
    card = await bureau.slack.next_message(user=U_ANA)
    bureau.rtc.delay, before = 0.2, len(bureau.rtc.received)
    assert (await bureau.slack.press(card, "rectask.share", user=U_ANA)).acked
    await until_asked(bureau.rtc, more_than=before)
    bureau.slack.channels[C_ONCALL].is_ext_shared = True
    asked = await bureau.slack.next_message(user=U_ANA)
    assert asked.ephemeral_to == U_ANA
    assert "Share with them too" in words_of(asked)


class Silent:
    """The store of requests while somebody else holds its lock."""

    async def is_first(self, _key: str) -> bool:
        await asyncio.Event().wait()
        raise AssertionError


async def test_more_opens_before_its_trigger_expires_while_the_store_hangs(bureau: Bureau) -> None:
    card = await bureau.typed("many-files Task1")
    bureau.store.stores = (Silent(), *bureau.store.stores)
    bureau.slack.repeats = 1
    before = len(bureau.slack.messages)
    assert (await bureau.slack.press(card, "rectask.files", user=U_ANA)).acked
    await bureau.slack.wait_for(lambda: bureau.slack.world.modals_of(U_ANA))
    await bureau.slack.wait_for(lambda: len(bureau.desk.work) == 0)
    assert len(bureau.slack.world.modals_of(U_ANA)) == 1
    assert len(bureau.slack.messages) == before


@pytest.mark.parametrize("action", ["rectask.subscribe", "rectask.unsubscribe"])
async def test_buttons_say_so_and_the_card_stays(bureau: Bureau, action: str) -> None:
    if action == "rectask.unsubscribe":
        await bureau.typed("watch running Task1")
    card = await bureau.typed("running Task1")
    bureau.store.is_down = True
    answer = await bureau.told(card, action)
    assert "Subscriptions cannot be reached now" in words_of(answer)
    assert not card.edited


async def test_the_home_tab_says_so_and_recovers(bureau: Bureau) -> None:
    await bureau.typed("watch running Task1")
    bureau.store.is_down = True
    await bureau.slack.open_home()
    await bureau.slack.wait_for(lambda: shows(bureau.slack.home_for(U_ANA), "cannot be reached now"))
    home = bureau.slack.home_for(U_ANA)
    assert home
    bureau.store.is_down = False
    await bureau.slack.press(home, "rectask.list", user=U_ANA)
    await bureau.slack.wait_for(lambda: shows(home, "`running`"))
    bureau.store.is_down = True
    await bureau.slack.press(home, "rectask.unsubscribe.list.0", user=U_ANA)
    await bureau.slack.wait_for(lambda: shows(home, "cannot be reached now"))


class Concluded:
    """The store of a task whose end another process has just noticed."""

    async def subscribe(
        self, reading: Reading, _person: Person, *, next_look: timedelta, asked_in: str | None
    ) -> Subscribed:
        assert next_look
        assert asked_in
        over = dataclasses.replace(reading.task, status=ENDED, stop_reason=STOP_BY_API, ended_at=reading.read_at)
        told = Completion(Occasion.ENDED, reading.read_at, dataclasses.replace(reading, task=over))
        return Subscribed(is_new=False, completion=told)


async def test_whose_end_was_noticed_in_this_very_moment_is_answered_with_that(bureau: Bureau) -> None:
    card = await bureau.typed("running Task1")
    bureau.store.stores = (Concluded(), *bureau.store.stores)
    for answer in (await bureau.typed("watch running Task1"), await bureau.changed(card, "rectask.subscribe")):
        assert ": Ended after" in answer.text
        assert "It has already ended" in words_of(answer)


async def test_the_buttons_of_notices_answer_beside_them(bureau: Bureau) -> None:
    ref = TaskRef(bureau.desk.apps[0], "running", "Task1")
    await bureau.typed("watch running Task1")
    for occasion, action, said in (
        (Occasion.UNCLEAR, "rectask.unsubscribe", "You will get no message about this recording"),
        (Occasion.REPLACED, "rectask.subscribe", "You will get a message when it ends"),
    ):
        told = notice(completion(occasion, ref=ref), goes_on=occasion is Occasion.UNCLEAR)
        card = notice_card(told, now=NOW)
        await bureau.desk.slack.chat_postMessage(channel=U_ANA, **card.as_message())
        message = await bureau.slack.next_message(user=U_ANA)
        assert said in words_of(await bureau.told(message, action))
        assert not message.edited


UNINSTALLED: Body = {"team_id": T_HOME, "event": {"type": "app_uninstalled"}}


async def heard(bureau: Bureau, handler: Handler, body: Body) -> None:
    """The event has come, and all that it led to is done."""
    async with BackgroundTasks() as work:
        await quietly(dataclasses.replace(bureau.desk, work=work), handler, pauses=[0.0, 0.0])(body=body)


async def test_an_event_is_taken_up_again_until_the_store_is_back(bureau: Bureau) -> None:
    await bureau.typed("watch running Task1")
    bureau.store.refuses = 2
    bureau.slack.revoke_token("account_inactive")
    await heard(bureau, on_uninstalled, UNINSTALLED)
    bureau.slack.restore_token()
    assert "You have no subscriptions" in words_of(await bureau.typed("list"))


async def test_an_app_that_was_removed_forgets_all_whichever_workspace_slack_names(
    bureau: Bureau, logged: list[EventDict]
) -> None:
    await bureau.typed("watch running Task1")
    bureau.slack.revoke_token("account_inactive")
    await heard(bureau, on_uninstalled, UNINSTALLED | {"team_id": "T0ANOTHER1"})
    bureau.slack.restore_token()
    assert "You have no subscriptions" in words_of(await bureau.typed("list"))
    (told,) = [entry for entry in logged if entry["event"] == "app.uninstalled"]
    assert (told["team"], told["named"], told["subscriptions"]) == (T_HOME, "T0ANOTHER1", 1)


@pytest.mark.parametrize("fault", [None, "500_before", "reset_before"])
async def test_a_removal_that_is_told_of_late_forgets_nothing(
    bureau: Bureau, logged: list[EventDict], fault: str | None
) -> None:
    """The app was installed again meanwhile, as far as is known."""
    await bureau.typed("watch running Task1")
    if fault is not None:
        bureau.slack.fault("auth.test", fault, times=6)
    await heard(bureau, on_uninstalled, UNINSTALLED)
    assert "`running`" in words_of(await bureau.typed("list"))
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["event.lost"]


async def test_the_token_that_is_removed_a_little_after_the_event(bureau: Bureau) -> None:
    await bureau.typed("watch running Task1")
    bureau.slack.fault("auth.test", "slow_before", seconds=0.0)
    bureau.slack.fault("auth.test", "account_inactive")
    await heard(bureau, on_uninstalled, UNINSTALLED)
    assert "You have no subscriptions" in words_of(await bureau.typed("list"))


async def test_an_event_that_the_store_never_took_is_logged(bureau: Bureau, logged: list[EventDict]) -> None:
    bureau.store.is_down = True
    bureau.slack.people[U_ANA].deleted = True
    user = {"id": U_ANA, "deleted": True}
    await heard(bureau, on_user_change, {"event": {"type": "user_change", "user": user}})
    assert [(entry["event"], entry.get("event_type")) for entry in logged] == [("event.lost", "user_change")]


async def test_an_event_that_comes_while_too_much_is_under_way_is_left(bureau: Bureau, logged: list[EventDict]) -> None:
    for _ in range(AT_MOST):
        bureau.desk.work.begin(asyncio.sleep(0))
    await quietly(bureau.desk, on_user_change)(body={})
    assert [entry["event"] for entry in logged] == ["work.refused"]


@pytest.mark.parametrize("text", ["running Task1", "watch running Task1", "list"])
async def test_too_much_under_way_is_said(bureau: Bureau, text: str) -> None:
    gate = asyncio.Event()
    for _ in range(AT_MOST):
        bureau.desk.work.begin(gate.wait())
    assert "Too much is going on" in words_of(await bureau.typed(text))
    gate.set()


async def test_a_handler_that_fails_is_logged(bureau: Bureau, logged: list[EventDict]) -> None:
    async def fail(_desk: ListenerContext, _body: Body) -> None:
        raise ValueError

    await heard(bureau, fail, {"event": {"type": "user_change"}})
    assert [entry["event"] for entry in logged] == ["event.failed"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "app_home_opened", "tab": "home", "user": "U0NOBODY01"},
        {"type": "app_home_opened"},
        {"type": "tokens_revoked"},
        {"type": "tokens_revoked", "tokens": {"oauth": ["U0ANA00001"]}},
        {"type": "user_change"},
        {"type": "user_change", "user": {"id": U_BEN, "deleted": False}},
    ],
)
async def test_no_event_breaks_anything(bureau: Bureau, logged: list[EventDict], event: dict[str, object]) -> None:
    outcome = await bureau.slack.send_event({"event_ts": "1795000000.000001", **event})
    assert outcome.acked
    assert ": Ended after" in (await bureau.typed("Room1 Task1")).text
    assert [entry for entry in logged if entry["log_level"] == "error"] == []
