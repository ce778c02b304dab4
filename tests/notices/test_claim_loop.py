"""The loop on its own: what is due is a list of the test's, and time is virtual."""

import asyncio
from collections.abc import Sequence

from structlog.typing import EventDict

from bot.notices.claim_loop import Rounds
from bot.notices.store import DatabaseUnavailable
from testing.clock import run_in_virtual_time


class Due:
    """What is due, what was handled and given back; `failure` is what claiming ends in."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.handled: list[str] = []
        self.released: list[str] = []
        self.failure: Exception | None = None
        self.claims = 0

    async def claim(self, room: int) -> Sequence[str]:
        self.claims += 1
        if self.failure is not None:
            raise self.failure
        taken, self.names = self.names[:room], self.names[room:]
        return taken

    async def handle(self, name: str) -> None:
        await asyncio.sleep(5.0 if name.startswith("slow") else 0.1)
        if name == "bad":
            raise ValueError(name)
        if name == "unwritable":
            raise DatabaseUnavailable("gone")
        self.handled.append(name)

    async def release(self, names: Sequence[str]) -> None:
        if self.failure is not None:
            raise self.failure
        self.released += names

    def rounds(self, *, at_once: int = 3, drain: float = 0.0, refill: int = 1) -> Rounds[str]:
        return Rounds(
            "test",
            claim=self.claim,
            handle=self.handle,
            release=self.release,
            at_once=at_once,
            drain=lambda: drain,
            refill=refill,
            timer=lambda: asyncio.get_running_loop().time(),
        )


async def run_for(rounds: Rounds[str], seconds: float) -> None:
    running = asyncio.create_task(rounds.run())
    await asyncio.sleep(seconds)
    running.cancel()
    await asyncio.wait([running])


def test_all_that_is_due_is_handled_and_no_more_at_once_than_there_is_room_for() -> None:
    due = Due(*(f"n{number}" for number in range(10)))

    async def main() -> int:
        rounds = due.rounds()
        begun = await rounds.round()
        await run_for(rounds, 5.0)
        return begun

    assert run_in_virtual_time(main()) == 3
    assert due.handled == [f"n{number}" for number in range(10)]


def test_the_store_is_not_asked_for_each_single_place() -> None:
    """Three are slow, so that three places come free: too few, or enough."""
    due = Due("slow1", "slow2", "slow3", *(f"n{number}" for number in range(12)))
    run_in_virtual_time(run_for(due.rounds(at_once=6, refill=6), 4.9))
    assert (due.claims, len(due.handled)) == (1, 3)
    due = Due("slow1", "slow2", "slow3", *(f"n{number}" for number in range(12)))
    run_in_virtual_time(run_for(due.rounds(at_once=6, refill=3), 4.9))
    assert len(due.handled) == 12


def test_a_few_places_are_filled_after_a_while() -> None:
    due = Due("slow1", "slow2", *(f"slow{number}" for number in range(3, 6)), "n1", "n2")
    run_in_virtual_time(run_for(due.rounds(at_once=6, refill=6), 5.5))
    assert "n2" in due.handled


def test_one_that_fails_or_is_slow_stops_no_other(logged: list[EventDict]) -> None:
    due = Due("bad", "slow", "good")
    run_in_virtual_time(run_for(due.rounds(), 1.0))
    assert due.handled == ["good"]
    assert [entry["event"] for entry in logged] == ["claim.failed"]


def test_being_called_begins_the_next_round_at_once() -> None:
    due = Due()

    async def main() -> float:
        rounds = due.rounds()
        running = asyncio.create_task(rounds.run())
        await asyncio.sleep(0.3)
        due.names.append("new")
        rounds.wake()
        await asyncio.sleep(0.15)
        running.cancel()
        await asyncio.wait([running])
        return asyncio.get_running_loop().time()

    run_in_virtual_time(main())
    assert due.handled == ["new"]


def test_a_store_that_is_gone_is_told_of_once_and_once_when_it_is_back(logged: list[EventDict]) -> None:
    due = Due("n")
    due.failure = DatabaseUnavailable("no answer")

    async def main() -> tuple[bool, bool]:
        rounds = due.rounds()
        running = asyncio.create_task(rounds.run())
        await asyncio.sleep(40.0)
        was_well = rounds.is_well
        due.failure = None
        await asyncio.sleep(2.0)
        is_well = rounds.is_well
        running.cancel()
        await asyncio.wait([running])
        return was_well, is_well

    assert run_in_virtual_time(main()) == (False, True)
    assert due.handled == ["n"]
    assert [(entry["event"], entry["loop"]) for entry in logged] == [
        ("store.lost", "test"),
        ("rounds.recovered", "test"),
    ]


def test_rounds_that_fail_for_another_reason_are_told_of_once(logged: list[EventDict]) -> None:
    due = Due()
    due.failure = ValueError("a mistake of ours")
    run_in_virtual_time(run_for(due.rounds(), 10.0))
    assert due.claims > 5
    assert [entry["event"] for entry in logged] == ["rounds.failed"]


def test_rounds_that_were_good_are_late_after_half_a_minute() -> None:
    due = Due()

    async def main() -> list[bool]:
        rounds = due.rounds()
        seen = [rounds.is_well]
        await run_for(rounds, 1.0)
        seen.append(rounds.is_well)
        await asyncio.sleep(31.0)
        return [*seen, rounds.is_well]

    assert run_in_virtual_time(main()) == [False, True, False]


def test_leaving_gives_back_what_was_not_handled() -> None:
    due = Due("slow1", "quick")

    async def main() -> None:
        async with due.rounds() as rounds:
            await run_for(rounds, 1.0)

    run_in_virtual_time(main())
    assert (due.handled, due.released) == (["quick"], ["slow1"])


def test_leaving_waits_for_what_is_being_handled_where_that_is_asked_for() -> None:
    due = Due("slow1")

    async def main() -> None:
        async with due.rounds(drain=10.0) as rounds:
            await run_for(rounds, 1.0)

    run_in_virtual_time(main())
    assert (due.handled, due.released) == (["slow1"], [])


def test_leaving_while_the_store_is_gone_leaves_the_claims_to_their_leases(logged: list[EventDict]) -> None:
    due = Due("slow1")

    async def main() -> None:
        async with due.rounds() as rounds:
            await run_for(rounds, 1.0)
            due.failure = DatabaseUnavailable("gone")

    run_in_virtual_time(main())
    assert [entry["event"] for entry in logged] == ["claims.kept"]


def test_what_can_not_be_written_is_no_end_of_the_round(logged: list[EventDict]) -> None:
    due = Due("unwritable", "good")
    run_in_virtual_time(run_for(due.rounds(), 3.0))
    assert due.handled == ["good"]
    assert [entry["event"] for entry in logged] == ["store.lost", "rounds.recovered"]
