"""Records written in batches: soon, once, in bounded memory, and before anything else where they must be."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import structlog

from bot.access.audit.buffered_log import ROWS_A_FLUSH, BatchingAuditLog
from bot.access.audit.json_lines import JsonLines
from bot.access.audit.record import AuditedAction, Door, NotRecorded, Outcome, Record
from testing.clock import run_in_virtual_time

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def record(number: int = 1, deed: AuditedAction = AuditedAction.LOOK_UP) -> Record:
    return Record(NOON, "T1", "U1", deed, Door.COMMAND, Outcome.DONE, room="Room1", id=str(number))


class Shelf:
    """A sink that can be closed, slow, or mistaken."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.failure: Exception | None = None
        self.seconds = 0.0

    async def write(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        self.batches.append([each.id for each in records])

    @property
    def ids(self) -> list[str]:
        return [one for batch in self.batches for one in batch]


def test_what_is_noted_is_written_together_within_a_second() -> None:
    async def play() -> None:
        shelf = Shelf()
        async with BatchingAuditLog(shelf) as audit:
            for number in range(3):
                audit.note(record(number))
                await asyncio.sleep(0.3)
            assert shelf.batches == []
            await asyncio.sleep(0.2)
            assert shelf.batches == [["0", "1", "2"]]
            audit.note(record(3))
            await asyncio.sleep(1.1)
            assert shelf.batches[1:] == [["3"]]

    run_in_virtual_time(play())


def test_many_do_not_wait_for_the_second() -> None:
    async def play() -> None:
        shelf = Shelf()
        async with BatchingAuditLog(shelf) as audit:
            for number in range(ROWS_A_FLUSH + 1):
                audit.note(record(number))
            await asyncio.sleep(0.01)
            assert [len(batch) for batch in shelf.batches] == [ROWS_A_FLUSH, 1]

    run_in_virtual_time(play())


def test_leaving_writes_what_is_left() -> None:
    async def play() -> None:
        shelf, slow = Shelf(), Shelf()
        slow.seconds = 2
        async with BatchingAuditLog(shelf, slow) as audit:
            audit.note(record(1))
            await asyncio.sleep(1.5)
            audit.note(record(2))
        assert shelf.ids == slow.ids == ["1", "2"]

    run_in_virtual_time(play())


def test_a_sink_that_is_gone_is_tried_again_and_loses_nothing(logged: list[structlog.typing.EventDict]) -> None:
    async def play() -> None:
        gone, well = Shelf(), Shelf()
        gone.failure = NotRecorded("gone")
        async with BatchingAuditLog(gone, well) as audit:
            for number in range(5):
                audit.note(record(number))
                await asyncio.sleep(1)
            gone.failure = None
            await asyncio.sleep(2)
        assert gone.ids == well.ids == list("01234")

    run_in_virtual_time(play())
    assert [event["event"] for event in logged] == ["audit.not_written", "audit.written_again"]
    assert logged[1]["lost"] == 0


def test_what_does_not_fit_is_lost_and_said(logged: list[structlog.typing.EventDict]) -> None:
    async def play() -> None:
        shelf = Shelf()
        shelf.failure = NotRecorded("gone")
        async with BatchingAuditLog(shelf, rows_kept=3) as audit:
            for number in range(7):
                audit.note(record(number))
            await asyncio.sleep(3)
            shelf.failure = None
            await asyncio.sleep(2)
        assert shelf.ids == list("456")

    run_in_virtual_time(play())
    assert logged[-1]["lost"] == 4


def test_a_process_that_ends_says_what_is_lost(logged: list[structlog.typing.EventDict]) -> None:
    async def play() -> None:
        shelf = Shelf()
        shelf.failure = NotRecorded("gone")
        async with BatchingAuditLog(shelf) as audit:
            audit.note(record())

    run_in_virtual_time(play())
    assert (logged[-1]["event"], logged[-1]["records"]) == ("audit.lost", 1)


def test_rows_that_can_not_be_written_do_not_stop_the_next(logged: list[structlog.typing.EventDict]) -> None:
    async def play() -> None:
        shelf = Shelf()
        shelf.failure = RuntimeError("odd")
        async with BatchingAuditLog(shelf) as audit:
            audit.note(record(1))
            await asyncio.sleep(2)
            shelf.failure = None
            audit.note(record(2))
        assert shelf.ids == ["2"]

    run_in_virtual_time(play())
    assert (logged[0]["event"], logged[1]["lost"]) == ("audit.failed", 1)


def test_what_is_kept_is_written_at_once_or_said_not_to_be() -> None:
    async def play() -> None:
        first, second = Shelf(), Shelf()
        async with BatchingAuditLog(first, second) as audit:
            await audit.keep(record(1, AuditedAction.LINK))
            assert first.ids == second.ids == ["1"]
            second.failure = NotRecorded("gone")
            with pytest.raises(NotRecorded):
                await audit.keep(record(2, AuditedAction.LINK))
            first.seconds = 60
            with pytest.raises(NotRecorded, match="took longer than 5 s"):
                await audit.keep(record(3, AuditedAction.LINK))

    run_in_virtual_time(play())


async def test_lines_in_a_file_that_may_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    lines = JsonLines.to_file(path)
    await lines.write([record(1), record(2)])
    path.rename(tmp_path / "audit.1")
    await lines.write([record(3)])
    written = [
        json.loads(line) for name in ("audit.1", "audit.jsonl") for line in (tmp_path / name).read_text().splitlines()
    ]
    assert [line["id"] for line in written] == ["1", "2", "3"]
    assert written[0] == {
        "at": "2026-11-22T12:00:00+00:00",
        "team": "T1",
        "user": "U1",
        "what": "look_up",
        "door": "command",
        "channel": None,
        "app": None,
        "room": "Room1",
        "task": None,
        "file": None,
        "outcome": "done",
        "reason": None,
        "request_id": None,
        "id": "1",
    }


async def test_lines_on_a_stream_that_is_closed_or_a_folder_that_is_gone(tmp_path: Path) -> None:
    stream = StringIO()
    lines = JsonLines.to_stream(stream)
    await lines.write([record(1)])
    assert stream.getvalue().count("\n") == 1
    stream.close()
    for sink in (lines, JsonLines.to_file(tmp_path / "nowhere" / "audit.jsonl")):
        with pytest.raises(NotRecorded):
            await sink.write([record(2)])


def test_ids_are_unique() -> None:
    made = [Record(NOON, "T1", "U1", AuditedAction.LIST, Door.HOME, Outcome.DONE).id for _ in range(1_000)]
    assert len(set(made)) == 1_000


def test_a_busy_process_writes_with_pauses_and_not_a_few_at_a_time() -> None:
    async def play() -> None:
        shelf = Shelf()
        shelf.seconds = 0.05
        async with BatchingAuditLog(shelf) as audit:
            for number in range(1_000):
                audit.note(record(number))
                await asyncio.sleep(0.005)
            await asyncio.sleep(2)
            assert len(shelf.ids) == 1_000
            assert len(shelf.batches) < 8

    run_in_virtual_time(play())
