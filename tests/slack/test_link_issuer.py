"""Who is given links: made for the files that are shown only, once recorded, and never at the cost of the card."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.audit.record import AuditedAction, Door, NotRecorded, Outcome, Record
from bot.access.rights import Principal, Right, Rights, Rule
from bot.playground.slack.world import C_ONCALL, T_HOME
from bot.recording.file_link import Link
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.slack.authorization.authorizer import make_gate
from bot.slack.background import BackgroundTasks, Overloaded
from bot.slack.cards.files import NO_LINKS, NoLink
from bot.slack.connection.workspace import Workspace
from bot.slack.link_issuer import LinkIssuer, numbered, offer
from bot.slack.request.payload import Visit
from testing.slack_notices import ANA, NOW, ended_reading

T = TypeVar("T")
FILES = tuple(RecordingFile(object_key=f"{number}.mp4") for number in range(500))
ALL = Rights()
NONE_TO_OPEN = Rights((Rule(frozenset({Right.LOOK_UP, Right.SHARE, Right.SUBSCRIBE})),))
VISIT = Visit({}, ANA, T_HOME, Door.COMMAND, Principal(ANA.user_id, channel=C_ONCALL))


class Counting:
    """A LinkMaker that counts; it breaks at the files of these keys, and hangs at those."""

    def __init__(self) -> None:
        self.made: list[str | None] = []
        self.breaks_at = self.hangs_at = ""

    def can_link(self, ref: TaskRef, file: RecordingFile) -> bool:
        del ref
        return file.object_key is not None

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        del ref
        self.made.append(file.object_key)
        if file.object_key == self.breaks_at:
            raise RuntimeError("https://signed.example/")
        if file.object_key == self.hangs_at:
            await asyncio.Event().wait()
        return Link(f"https://store.example/{file.object_key}")


@dataclass
class Book:
    """An AuditLog."""

    is_lost: bool = False
    noted: list[Record] = field(default_factory=list)
    kept: list[Record] = field(default_factory=list)

    def note(self, record: Record) -> None:
        self.noted.append(record)

    async def keep(self, *records: Record) -> None:
        if self.is_lost:
            raise NotRecorded("lost")
        self.kept += records


@dataclass
class Bench:
    """The linker and what stands around it."""

    maker: Counting
    book: Book
    work: BackgroundTasks

    def linker(self, rights: Rights = ALL) -> LinkIssuer:
        workspace = Workspace(T_HOME, None, "U0BOT00001", None)
        gate = make_gate(AsyncWebClient(), workspace, rights=rights, per_minute=1, audit=self.book, clock=lambda: NOW)
        return LinkIssuer(self.maker, gate, self.work)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with BackgroundTasks(drain=lambda: 0.0) as work:
        yield Bench(Counting(), Book(), work)


async def test_of_500_files_those_on_the_card_are_linked_and_recorded(bench: Bench) -> None:
    links = await bench.linker().on_card(VISIT, ended_reading(files=FILES))
    shown = [file.object_key for file in FILES[:5]]
    assert bench.maker.made == shown
    assert list(links.by_number) == [1, 2, 3, 4, 5]
    assert not links.can_be_asked_for
    assert [(r.file, r.deed, r.outcome, r.request_id) for r in bench.book.kept] == [
        (name, AuditedAction.LINK, Outcome.DONE, "2026112212000001") for name in shown
    ]


async def test_where_several_see_a_card_nothing_is_made(bench: Bench) -> None:
    reading = ended_reading(files=FILES)
    assert offer(bench.maker, reading).can_be_asked_for
    assert not offer(bench.maker, reading).by_number
    assert not offer(bench.maker, ended_reading(files=(RecordingFile(vid="v"),))).can_be_asked_for
    assert not bench.maker.made


async def test_without_the_right_nothing_is_made(bench: Bench) -> None:
    linker, reading = bench.linker(NONE_TO_OPEN), ended_reading(files=FILES)
    assert not linker.has_some(VISIT, reading)
    assert await linker.on_card(VISIT, reading) == NO_LINKS
    assert (bench.maker.made, bench.book.kept, bench.book.noted) == ([], [], [])


async def test_what_can_not_be_recorded_is_not_given(bench: Bench) -> None:
    bench.book.is_lost = True
    links = await bench.linker().on_card(VISIT, ended_reading())
    (link,) = links.by_number.values()
    assert isinstance(link, NoLink)
    assert "recorded" in link.said


async def test_one_file_that_goes_wrong_costs_its_own_link(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.maker.breaks_at = "1.mp4"
    links = (await bench.linker().on_card(VISIT, ended_reading(files=FILES))).by_number
    assert [number for number, link in links.items() if isinstance(link, Link)] == [1, 3, 4, 5]
    assert len(bench.book.kept) == 4
    assert [record.outcome for record in bench.book.noted] == [Outcome.FAILED]
    assert "signed.example" not in capsys.readouterr().out


async def test_one_file_that_takes_long_is_offered_again(bench: Bench) -> None:
    bench.maker.hangs_at = "0.mp4"
    reading = ended_reading(files=FILES)
    links = await bench.linker().links(VISIT, reading, numbered(FILES), within=0.01)
    assert links.can_be_asked_for
    assert [number for number, link in links.by_number.items() if isinstance(link, NoLink)] == [1]


class Full(BackgroundTasks):
    """Takes nothing more."""

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        coroutine.close()
        raise Overloaded


async def test_too_much_work_costs_the_links_only(bench: Bench) -> None:
    bench.work = Full()
    links = await bench.linker().on_card(VISIT, ended_reading(files=FILES))
    assert links.can_be_asked_for
    assert len(links.by_number) == 5
