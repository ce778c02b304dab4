"""Links to files: on one's own card, by Get links, in the modal; who gets them, who does not, and what goes wrong."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from bot.access.audit.record import AuditedAction, Door, Outcome
from bot.playground.slack.world import C_ONCALL, C_SHARED, U_ANA, U_BEN, U_GUEST, U_STRANGER, Message, View
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.object_store import video
from bot.playground.volcengine.vod import UNPUBLISHED, FakeVod
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.request.button_value import ButtonValue
from testing.conversation import actions_of, nothing_amiss, words_of
from testing.file_links import fetch
from testing.file_links_harness import LinkedOffice, links_in, open_linked_office
from testing.harness import Office
from tests.flows.test_rights import records

MP4 = "stopped-by-api Task1"


@pytest.fixture
async def linked() -> AsyncIterator[LinkedOffice]:
    async with open_linked_office() as opened:
        yield opened


async def pressed(office: Office, card: Message, action: str, *, value: str | None = None) -> Message:
    """Ana presses it, and it changes."""
    edited = card.edited
    assert (await office.slack.press(card, action, user=U_ANA, value=value)).acked
    await office.slack.wait_for(lambda: card.edited > edited)
    return card


async def modal_of(linked: LinkedOffice, card: Message, said: str, *, user: str = U_ANA) -> View:
    slack = linked.office.slack
    assert (await slack.press(card, "rectask.files", user=user)).acked
    await slack.wait_for(lambda: slack.world.modals_of(user))
    view = slack.view_for(user)
    await slack.wait_for(lambda: said in json.dumps(view.content))
    return view


async def test_a_link_on_ones_own_card_opens_the_file(linked: LinkedOffice) -> None:
    asked, card = [await linked.typed(MP4) for _ in range(2)]  # at RTC, then from memory
    for message in (asked, card):
        (url,) = links_in(message.blocks).values()
        answer = await fetch(url)
        assert (answer.status, answer.body) == (200, video())
        assert "Link good for 1 h, until" in words_of(message)
        assert "http" not in message.text
        assert "rectask.links" not in actions_of(message)
    assert (await linked.office.slack.press(card, "rectask.open.1", user=U_ANA)).acked
    assert nothing_amiss(linked.office.slack)
    key = linked.store.received[0].key
    found = [
        record for record in await records(linked.office) if record.deed in (AuditedAction.LINK, AuditedAction.OPEN)
    ]
    assert [(r.deed, r.door, r.file, r.outcome) for r in found] == [
        (AuditedAction.LINK, Door.COMMAND, key, Outcome.DONE),
        (AuditedAction.LINK, Door.COMMAND, key, Outcome.DONE),
        (AuditedAction.OPEN, Door.BUTTON, key, Outcome.DONE),
    ]
    assert {(r.user_id, r.room, r.channel) for r in found} == {(U_ANA, "stopped-by-api", C_ONCALL)}


async def test_files_in_vod_open_too(linked: LinkedOffice) -> None:
    card = await linked.typed("vod Task1")
    links = links_in(card.blocks)
    assert list(links) == ["rectask.open.1", "rectask.open.2"]
    for url in links.values():
        assert (await fetch(url)).body == video()
    assert nothing_amiss(linked.office.slack)


async def test_each_asker_gets_links_of_their_own(linked: LinkedOffice) -> None:
    await linked.typed(MP4)
    await linked.typed(MP4, user=U_BEN)
    found = [record.user_id for record in await records(linked.office) if record.deed is AuditedAction.LINK]
    assert found == [U_ANA, U_BEN]


async def test_an_expired_or_altered_link_opens_nothing(linked: LinkedOffice) -> None:
    (url,) = links_in((await linked.typed(MP4)).blocks).values()
    assert (await fetch(url.replace("_001", "_002"))).status == 403
    linked.clock.move(timedelta(hours=1, seconds=5))
    assert (await fetch(url)).status == 403


async def test_refreshing_and_subscribing_keep_the_links(linked: LinkedOffice) -> None:
    card = await linked.typed("hls-running Task1")
    for action in ("rectask.refresh", "rectask.subscribe", "rectask.unsubscribe"):
        await pressed(linked.office, card, action)
        assert len(links_in(card.blocks)) == 1, action
    assert "This is only the playlist" in words_of(card)


async def test_on_a_shared_card_the_presser_alone_gets_links(linked: LinkedOffice) -> None:
    shared = await linked.shared(MP4)
    assert not links_in(shared.blocks)
    assert "Link good" not in words_of(shared)
    assert (shared.unfurl_links, shared.unfurl_media) == (False, False)
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    (url,) = links_in(answer.blocks).values()
    assert (await fetch(url)).body == video()
    assert "http" not in answer.text
    assert "Only you see this." in words_of(answer)
    assert not shared.edited
    assert nothing_amiss(linked.office.slack)
    found = [record for record in await records(linked.office) if record.user_id == U_BEN]
    assert [(r.deed, r.door, r.outcome) for r in found] == [(AuditedAction.LINK, Door.BUTTON, Outcome.DONE)]


async def test_no_refresh_brings_links_into_a_channel(linked: LinkedOffice) -> None:
    """Not even with what the button of one's own card carries."""
    shared = await linked.shared(MP4)
    ref = TaskRef(RtcApp("default", linked.office.rtc.account.app_ids[0]), "stopped-by-api", "Task1")
    for value in (None, ButtonValue(ref).as_value()):
        await pressed(linked.office, shared, "rectask.refresh", value=value)
        assert not links_in(shared.blocks)
        assert "rectask.links" in actions_of(shared)


@pytest.mark.parametrize(
    ("user", "said"), [(U_GUEST, "You may not do this here"), (U_STRANGER, "This is for another organization")]
)
async def test_guests_and_strangers_get_no_links(linked: LinkedOffice, user: str, said: str) -> None:
    slack, channel = linked.office.slack, C_SHARED if user == U_STRANGER else C_ONCALL
    card = await linked.typed(MP4, channel=channel)
    asked_or_shared = card
    await slack.press(card, "rectask.share", user=U_ANA)
    if channel == C_SHARED:
        await slack.wait_for(lambda: len([m for m in slack.messages if m.channel == channel]) > 1)
        asked_or_shared = slack.messages[-1]
        await slack.press(asked_or_shared, "rectask.share", user=U_ANA)
    await slack.wait_for(lambda: [m for m in slack.messages if m.ephemeral_to is None])
    shared = next(m for m in slack.messages if m.ephemeral_to is None)
    answer = await linked.told(shared, "rectask.links", user=user)
    assert said in words_of(answer)
    assert "http" not in words_of(answer)
    found = [record for record in await records(linked.office) if record.user_id == user]
    assert [(r.deed, r.outcome, r.room) for r in found] == [(AuditedAction.LINK, Outcome.REFUSED, "stopped-by-api")]


async def test_who_has_lost_the_right_gets_no_links(linked: LinkedOffice) -> None:
    shared = await linked.shared(MP4)
    assert links_in((await linked.told(shared, "rectask.links", user=U_BEN)).blocks)
    linked.office.slack.people[U_BEN].is_restricted = True
    await linked.office.slack.reactivate(U_BEN)
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    assert "You may not do this here" in words_of(answer)
    assert not links_in(answer.blocks)


async def test_without_the_right_a_card_has_its_files_and_no_links() -> None:
    rules = f"""
        [[allow]]
        rights = ["look_up", "subscribe", "share"]

        [[allow]]
        rights = ["open_files"]
        users = ["{U_BEN}"]
    """
    async with open_linked_office(rules=rules) as linked:
        for text in (MP4, MP4, "vod Task1"):
            card = await linked.typed(text)
            assert "*File 1*" in words_of(card)
            assert not links_in(card.blocks)
            assert "ink" not in words_of(card)
        view = await modal_of(linked, await linked.typed(MP4), "*File 1*")
        assert not links_in(view.content["blocks"])
        await linked.office.slack.close_view(view, user=U_ANA)
        shared = await linked.shared(MP4)
        assert "You may not do this here" in words_of(await linked.told(shared, "rectask.links"))
        assert links_in((await linked.told(shared, "rectask.links", user=U_BEN)).blocks)
        assert not linked.vod.received
        made = [
            r.user_id for r in await records(linked.office) if (r.deed, r.outcome) == (AuditedAction.LINK, Outcome.DONE)
        ]
    assert made == [U_BEN]


async def test_of_500_files_only_those_that_are_shown_have_links(linked: LinkedOffice) -> None:
    vids = [f"v0{number:03d}" for number in range(500)]
    linked.leave("many-vod", [{"Vid": vid} for vid in vids])
    card = await linked.typed("many-vod Task1")
    assert len(links_in(card.blocks)) == 5
    assert sorted(linked.vod.received) == vids[:5]
    view = await modal_of(linked, card, "page 1 of 50")
    assert [*links_in(view.content["blocks"])] == [f"rectask.open.{number}" for number in range(1, 11)]
    assert (await linked.office.slack.press(view, "rectask.open.10", user=U_ANA)).acked
    await linked.office.slack.press(view, "rectask.files.next", user=U_ANA)
    await linked.office.slack.wait_for(lambda: "page 2 of 50" in json.dumps(view.content))
    assert [*links_in(view.content["blocks"])] == [f"rectask.open.{number}" for number in range(11, 21)]
    assert sorted(linked.vod.received) == vids[:20]  # each asked for once
    assert nothing_amiss(linked.office.slack)
    opened = [(r.file, r.channel) for r in await records(linked.office) if r.deed is AuditedAction.OPEN]
    assert opened == [(vids[9], C_ONCALL)]


@pytest.mark.parametrize("count", [1, 5, 500])
async def test_the_longest_addresses_stay_within_slacks_limits(linked: LinkedOffice, count: int) -> None:
    linked.leave("long", [{"ObjectKey": f"{'x' * 1000}{number}.mp4"} for number in range(count)])
    card = await linked.typed("long Task1")
    assert links_in(card.blocks)
    assert len(json.dumps(card.blocks)) <= 12_500
    shared = await linked.shared("long Task1")
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    assert links_in(answer.blocks)
    assert len(json.dumps(answer.blocks)) <= 12_500
    assert nothing_amiss(linked.office.slack)


async def test_what_has_no_link_says_why(linked: LinkedOffice) -> None:
    linked.leave("mixed", [{"Vid": UNPUBLISHED}, {"ObjectKey": "中" * 330 + ".mp4"}, {}, {"Vid": "v0good"}])
    card = await linked.typed("mixed Task1")
    assert list(links_in(card.blocks)) == ["rectask.open.4"]
    assert "No link: VOD returned no playback URL" in words_of(card)
    assert "No link: its address is too long for a button of Slack" in words_of(card)
    assert "No link: Rectask has no access to where it is stored" in words_of(card)
    answer = await linked.told(await linked.shared("mixed Task1"), "rectask.links", user=U_BEN)
    assert "The person who runs Rectask can check that in VOD. ID: " in words_of(answer)
    assert nothing_amiss(linked.office.slack)
    failed = [r.reason for r in await records(linked.office) if (r.user_id, r.outcome) == (U_BEN, Outcome.FAILED)]
    assert "VOD returned no playback URL" in failed


async def test_a_store_that_refuses_costs_the_links_and_not_the_card(linked: LinkedOffice) -> None:
    for code in ("error-AccessDenied", "error-InternalError", "error-UnknownToUs"):
        linked.leave("refused", [{"Vid": code}])
        card = await linked.typed("refused Task1")
        assert "No link: " in words_of(card)
        assert ": Ended after" in card.text
        linked.office.rtc.answers.pop("refused")


class HeldVod(FakeVod):
    """Answers when it is let go."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.gate = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await self.gate.wait()
        return await super().handle(request)


async def test_a_slow_store_does_not_hold_the_card_up() -> None:
    vod = HeldVod(Account())
    async with open_linked_office(vod=vod) as linked:
        began = time.monotonic()
        card = await linked.typed("vod Task1")
        assert time.monotonic() - began < 2
        assert not links_in(card.blocks)
        assert "No link: its store takes its time" in words_of(card)
        vod.gate.set()
        answer = await linked.told(card, "rectask.links")
        assert len(links_in(answer.blocks)) == 2
        assert len(links_in((await linked.typed("vod Task1")).blocks)) == 2
        assert nothing_amiss(linked.office.slack)


async def test_what_can_not_be_recorded_is_not_given(linked: LinkedOffice) -> None:
    shared = await linked.shared(MP4)
    audit = linked.office.folder / "audit.jsonl"
    await linked.office.slack.wait_for(audit.exists)
    audit.rename(audit.with_suffix(".old"))
    audit.mkdir()
    card = await linked.typed(MP4)
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    for message in (card, answer):
        assert not links_in(message.blocks)
        assert "No link: that you get it cannot be recorded now" in words_of(message)
    audit.rmdir()
    assert links_in((await linked.typed(MP4)).blocks)


async def notice_of(linked: LinkedOffice, room: str) -> Message:
    slack = linked.office.slack
    await linked.typed(f"watch {room} Task1")
    linked.office.rtc.end(room)
    card = await linked.typed(f"{room} Task1")
    if ": Ended" not in card.text:
        await slack.press(card, "rectask.refresh", user=U_ANA)
    return await slack.next_message(user=U_ANA, channel=f"D{U_ANA[1:]}")


async def test_a_notice_gives_links_to_its_reader(linked: LinkedOffice) -> None:
    notice = await notice_of(linked, "hls-running")
    assert ": Ended after" in notice.text
    assert not links_in(notice.blocks)
    assert "rectask.links" in actions_of(notice)
    answer = await linked.told(notice, "rectask.links")
    (url,) = links_in(answer.blocks).values()
    assert (await fetch(url)).status == 200
    await pressed(linked.office, notice, "rectask.refresh")
    assert not links_in(notice.blocks)
    assert "rectask.links" in actions_of(notice)
    assert nothing_amiss(linked.office.slack)


async def test_a_notice_gives_no_links_to_a_newer_recording(linked: LinkedOffice) -> None:
    notice = await notice_of(linked, "hls-running")
    linked.office.rtc.replace("hls-running")
    linked.office.rtc.end("hls-running")
    card = await pressed(linked.office, await linked.typed("hls-running Task1"), "rectask.refresh")
    assert links_in(card.blocks)
    answer = await linked.told(notice, "rectask.links")
    assert "A newer recording has taken its ids" in words_of(answer)
    assert not links_in(answer.blocks)


@pytest.mark.parametrize(("fault", "gives"), [("reset", 1), (None, 0)])
async def test_without_rtc_what_was_last_known_will_do(linked: LinkedOffice, fault: str | None, gives: int) -> None:
    room = "hls-running"
    shared = await linked.shared(f"{room} Task1")
    if fault:
        linked.office.rtc.fail_with(fault)
    else:
        linked.office.rtc.forget(room)
    card = await pressed(linked.office, await linked.typed(f"{room} Task1"), "rectask.refresh")
    assert len(links_in(card.blocks)) == gives
    answer = await linked.told(shared, "rectask.links", user=U_BEN)
    assert len(links_in(answer.blocks)) == gives
    assert gives or "So no links can be made." in words_of(answer)


async def test_a_link_button_that_was_changed_is_not_recorded_as_pressed(linked: LinkedOffice) -> None:
    card = await linked.typed(MP4)
    answer = await linked.told(card, "rectask.open.1", value="x")
    assert "That button cannot be used" in words_of(answer)


async def test_an_address_that_does_not_expire_says_nothing_of_it() -> None:
    async with open_linked_office(rules='[[storage]]\nkind = "template"\nurl = "https://a.example/{task}"') as linked:
        linked.leave("odd", [{"Duration": 1000}])
        card = await linked.typed("odd Task1")
        assert links_in(card.blocks) == {"rectask.open.1": "https://a.example/Task1"}
        assert "Link good" not in words_of(card)


async def test_a_store_for_other_files_changes_nothing(linked: LinkedOffice) -> None:
    linked.leave("none", [{"Duration": 1000}])
    card = await linked.typed("none Task1")
    assert "ink" not in words_of(card)
    shared = await linked.shared("none Task1")
    assert "rectask.links" not in actions_of(shared)
