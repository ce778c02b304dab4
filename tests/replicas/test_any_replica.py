"""Whichever replica Slack's payload comes to: it answers, it knows the same, and people are told once."""

import asyncio
import json

import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, Json
from testing.conversation import actions_of, direct_message, next_answer, nothing_amiss, pressed, typed, words_of
from testing.harness import Office
from testing.replica_harness import THREE, WITHIN, Replicas


async def test_a_command_its_buttons_and_its_end(replicas: Replicas) -> None:
    office, slack = replicas.any, replicas.slack
    card = await typed(office, "running Task1")
    await pressed(office, card, "rectask.subscribe")
    assert "rectask.unsubscribe" in actions_of(card)
    await pressed(office, card, "rectask.refresh")
    assert "rectask.unsubscribe" in actions_of(card)
    commands = await replicas.counted("rectask_ack_seconds_count", kind="command")
    presses = await replicas.counted("rectask_ack_seconds_count", kind="action")
    assert sorted(zip(commands, presses, strict=True)) == [(0, 1), (0, 1), (1, 0)]

    office.rtc.end("running")
    await pressed(office, card, "rectask.refresh")  # so that nobody has to wait for the next look
    told = await direct_message(office)
    assert "You get this because you subscribed" in words_of(told)
    await until_settled(replicas)  # so nobody is going to send it again
    for _ in range(THREE):
        assert "The message about its end was delivered" in words_of(await typed(office, "list"))
    assert [message for message in slack.visible_to(U_ANA, channel=told.channel) if not message.ephemeral_to] == [told]
    assert sum(await settled(replicas)) == 1
    assert nothing_amiss(slack)


async def settled(replicas: Replicas) -> list[float]:
    return await replicas.counted("rectask_notices_settled_total", outcome="delivered")


async def until_settled(replicas: Replicas) -> None:
    """Slack has the message a moment before the store knows."""
    async with asyncio.timeout(WITHIN):
        while not sum(await settled(replicas)):  # noqa: ASYNC110  # what is waited for happens elsewhere
            await asyncio.sleep(0.02)


async def test_the_list_and_the_home_tab_are_the_same_everywhere(replicas: Replicas) -> None:
    office = replicas.any
    for task in ("Task1", "Task2"):
        await typed(office, f"watch running {task}")
    listed = [await list_seen(replicas) for _ in range(THREE)]
    assert all("Task1" in each and "Task2" in each for each in listed)
    assert listed == [listed[0]] * THREE
    homes = [await home_seen(replicas) for _ in range(THREE)]
    assert all("Task1" in each and "Task2" in each for each in homes)
    assert homes == [homes[0]] * THREE
    assert await replicas.counted("rectask_ack_seconds_count", kind="event") == [1] * THREE
    assert nothing_amiss(replicas.slack)


async def list_seen(replicas: Replicas) -> str:
    return seen(list((await typed(replicas.any, "list")).blocks))


async def home_seen(replicas: Replicas) -> str:
    """What the replica shows whose turn it is to hear of it."""

    def published() -> int:
        return sum(call.method == "views.publish" for call in replicas.slack.calls)

    before = published()
    assert (await replicas.slack.open_home(user=U_ANA)).acked
    await replicas.slack.wait_for(lambda: published() > before)
    home = replicas.slack.home_for(U_ANA)
    assert home is not None
    return seen(home.content["blocks"])


def seen(blocks: list[Json]) -> str:
    """Without what Slack numbers anew each time, and without the foot that says when it was made."""
    told = [json.dumps({**block, "block_id": ""}, ensure_ascii=False) for block in blocks]
    return "\n".join(each for each in told if "As of " not in each)


async def test_whoever_is_asked_unsubscribes(replicas: Replicas) -> None:
    office = replicas.any
    tasks = [f"running Task{number}" for number in range(THREE)]
    cards = [await typed(office, f"watch {task}") for task in tasks]
    for card in reversed(cards):
        await pressed(office, card, "rectask.unsubscribe.answer")
    for _ in range(THREE):
        assert "You have no subscriptions" in words_of(await typed(office, "list"))
    assert all(await replicas.counted("rectask_ack_seconds_count", kind="action"))
    assert nothing_amiss(replicas.slack)


@pytest.mark.parametrize("count", [25, pytest.param(100, marks=pytest.mark.slow)])
async def test_many_who_ask_the_same_at_once_cost_a_request_of_each_replica_at_most(
    replicas: Replicas, count: int
) -> None:
    slack, rtc = replicas.slack, replicas.rtc
    people = slack.add_people(count)
    slack.channels[C_ONCALL].members.extend(people)
    rtc.delay = 0.3  # so that all have asked before the first is answered
    outcomes = await asyncio.gather(*(slack.command("Room1 Task1", user=user) for user in people))
    assert [outcome for outcome in outcomes if outcome.error] == []
    for user in people:
        answer = await next_answer(slack, user=user, channel=C_ONCALL)
        assert answer.ephemeral_to == user
        assert "Ended after" in answer.text
    assert 1 <= len(rtc.received) <= THREE
    assert all(await replicas.counted("rectask_ack_seconds_count", kind="command"))
    assert nothing_amiss(slack)


async def test_a_new_guest_is_refused_by_every_replica(replicas: Replicas) -> None:
    """The event goes to one; the others hear of it from that one."""
    office = replicas.any
    for _ in range(THREE):
        assert "Ended after" in (await typed(office, "Room1 Task1", user=U_BEN)).text
    assert (await replicas.slack.make_guest(U_BEN)).acked
    async with asyncio.timeout(WITHIN):
        while not await all_refuse(office):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.1)
    assert nothing_amiss(replicas.slack)


async def all_refuse(office: Office) -> bool:
    told = [words_of(await typed(office, "Room1 Task1", user=U_BEN)) for _ in range(THREE)]
    return all("You may not do this here" in each or "have permission" in each for each in told)
