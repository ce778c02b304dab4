"""Apps that are renamed or removed between two starts: what was shown and stored before goes by the app's id."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA
from testing.conversation import actions_of, card_in, direct_message, home_of, nothing_amiss, pressed, typed, words_of
from testing.harness import BRIEF, Office, open_office, serving, settings_for
from tests.flows.test_subscriptions import shows, told

FIRST, SECOND = "661e0000000000000000543c", "661f0000000000000000543c"
BEFORE = f"prod={FIRST},staging={SECOND}"
RENAMED = f"production={FIRST},prod={SECOND}"
REMOVED = f"staging={SECOND}"
RULE = '[[allow]]\nrights = ["look_up", "subscribe"]\napps = ["%s"]\n'


@asynccontextmanager
async def started_again(office: Office, apps: str, *, config: str | None = None) -> AsyncIterator[Office]:
    await office.end()
    path = office.folder / "rectask.toml"
    if config is not None:
        path.write_text(config)
    more = {"RECTASK_APP_ID": "", "RECTASK_APPS": apps, "RECTASK_CONFIG": str(path)}
    settings = settings_for(office.rtc, office.slack, door="socket", folder=office.folder, **more)
    async with serving(settings, office.rtc, office.slack, BRIEF, office.folder) as again:
        await again.slack.wait_for_socket()
        yield again


@asynccontextmanager
async def office_of(apps: str, *, config: str = "") -> AsyncIterator[Office]:
    async with open_office(door="socket", config=config, RECTASK_APP_ID="", RECTASK_APPS=apps) as office:
        await office.slack.wait_for_socket()
        yield office


async def test_old_buttons_mean_the_app_that_was_renamed_and_not_the_one_that_has_its_name_now() -> None:
    async with office_of(BEFORE) as office:
        office.rtc.end("running", app_id=SECOND)
        card = await typed(office, "running Task1")
        async with started_again(office, RENAMED) as again:
            await pressed(again, card, "rectask.refresh")
            assert ": Running" in card.text
            assert "app `production`" in words_of(card)
            await pressed(again, card, "rectask.subscribe")
            assert "rectask.unsubscribe" in actions_of(card)
            assert "`running`" in words_of(await typed(again, "list"))
            assert nothing_amiss(again.slack)


async def test_rules_go_by_the_new_name_for_what_was_stored_under_the_old_one() -> None:
    async with office_of(BEFORE, config=RULE % "prod") as office:
        await typed(office, "watch running Task1")
        async with started_again(office, RENAMED, config=RULE % "production") as again:
            again.rtc.end("running", app_id=FIRST)
            await pressed(again, await typed(again, "running Task1 --app production"), "rectask.refresh")
            assert ": Ended after" in (await direct_message(again)).text


async def test_an_app_that_was_removed_can_be_unsubscribed_from_everywhere_and_nothing_else() -> None:
    async with office_of(BEFORE) as office:
        card = await card_in(office, C_ONCALL, "running Task1")
        await pressed(office, card, "rectask.subscribe")
        for task in ("Task2", "Task3"):
            await typed(office, f"watch running {task}")
        async with started_again(office, REMOVED) as again:
            answer = await told(again, card, "rectask.refresh")
            assert "That button cannot be used" in words_of(answer)
            answer = await told(again, card, "rectask.unsubscribe")
            assert "You will get no message about this recording" in words_of(answer)
            assert "rectask.subscribe" not in actions_of(answer)
            listed = await typed(again, "list")
            await pressed(again, listed, "rectask.unsubscribe.list.0")
            home = await home_of(again)
            await again.slack.press(home, "rectask.unsubscribe.list.0", user=U_ANA)
            await again.slack.wait_for(lambda: shows(home, "You have no subscriptions"))


@pytest.mark.parametrize(
    "action",
    [
        "rectask.refresh",
        *(pytest.param(f"rectask.{action}", marks=pytest.mark.slow) for action in ("files", "share", "links")),
    ],
)
async def test_rtc_is_not_asked_about_an_app_that_is_not_configured(action: str) -> None:
    async with office_of(BEFORE) as office:
        card = await card_in(office, C_ONCALL, "running Task1")
        element = card.blocks[-1]["elements"][0]
        element["action_id"] = action
        asked = len(office.rtc.received)
        value = element["value"].replace(FIRST, "66" + "0" * 18 + "543c")
        await office.slack.press(card, action, user=U_ANA, value=value)
        answer = await office.slack.next_message(user=U_ANA, channel=C_ONCALL)
        assert "That button cannot be used" in words_of(answer)
        assert len(office.rtc.received) == asked


async def test_what_is_not_found_has_a_button_for_each_other_app() -> None:
    async with office_of(f"{BEFORE},lab=66{'0' * 18}543c") as office:
        office.rtc.forget("running", app_id=FIRST)
        card = await typed(office, "running Task1")
        assert "No recording found" in words_of(card)
        labels = [element["text"]["text"] for element in card.blocks[-1]["elements"]]
        assert labels == ["Ask again", "Look in staging", "Look in lab"]
        await pressed(office, card, "rectask.refresh.1")
        assert card.text.startswith("running / Task1: Running")
        assert "app `staging`" in words_of(card)
        assert nothing_amiss(office.slack)
