"""What one person can use up of what all share: requests, links, answers, lines in the record."""

from bot.access.audit.record import AuditedAction, Outcome
from bot.access.spending import DEEDS_AT_LEAST, REFUSALS_KEPT
from bot.playground.slack.world import C_SHARED, U_ANA, U_BEN, U_STRANGER
from testing.conversation import nothing_amiss, words_of
from testing.file_links_harness import open_linked_office
from tests.flows.test_rights import ready_office, records, typed_by

LOTS = "That was a lot at once"


async def test_links_are_counted_also_where_rtc_need_not_be_asked() -> None:
    async with open_linked_office(RECTASK_LOOKUPS_PER_MINUTE="3") as linked:
        shared = await linked.shared("stopped-by-api Task1")  # one request
        for _ in range(2):
            assert "Its files" in words_of(await linked.told(shared, "rectask.links"))
        assert LOTS in words_of(await linked.told(shared, "rectask.links"))


async def test_what_fails_is_not_counted_up_to_a_limit() -> None:
    async with ready_office("socket", RECTASK_LOOKUPS_PER_MINUTE="2") as office:
        for _ in range(2):
            assert LOTS not in words_of(await typed_by(office, "html Task1", U_BEN))
        for room in ("Room1", "running"):
            assert LOTS not in words_of(await typed_by(office, f"{room} Task1", U_BEN))
        assert LOTS in words_of(await typed_by(office, "many-files Task1", U_BEN))


async def test_help_has_an_end_and_its_refusal_is_recorded_once() -> None:
    async with ready_office("socket", RECTASK_LOOKUPS_PER_MINUTE="1") as office:
        for _ in range(DEEDS_AT_LEAST):
            assert LOTS not in words_of(await typed_by(office, "help", U_BEN))
        for text in ("help", "help", "list", "Room1 Task1"):
            assert LOTS in words_of(await typed_by(office, text, U_BEN))
        assert nothing_amiss(office.slack)
        found = [record for record in await records(office) if record.user_id == U_BEN]
    refused = [(record.deed, record.reason) for record in found if record.outcome is Outcome.REFUSED]
    assert refused == [(AuditedAction.OTHER, "too often")]


async def test_the_same_refusal_is_recorded_a_few_times_a_minute() -> None:
    async with ready_office("socket") as office:
        for _ in range(REFUSALS_KEPT + 5):
            await office.slack.command("Room1 Task1", user=U_STRANGER, channel=C_SHARED)
        found = [record for record in await records(office) if record.user_id == U_STRANGER]
    assert len(found) == REFUSALS_KEPT


async def test_subscriptions_have_an_end_and_room_again_after_one_is_left() -> None:
    async with ready_office("socket", RECTASK_SUBSCRIPTIONS_PER_PERSON="2") as office:
        for text in ("watch running Task1", "watch running Task2", "watch running Task1"):
            assert "the most that one person can have" not in words_of(await typed_by(office, text, U_BEN))
        assert "the most that one person can have" in words_of(await typed_by(office, "watch running Task3", U_BEN))
        assert "the most that one person" not in words_of(await typed_by(office, "watch running Task3", U_ANA))
        await typed_by(office, "unwatch running Task1", U_BEN)
        assert "the most that one person can have" not in words_of(await typed_by(office, "watch running Task3", U_BEN))
