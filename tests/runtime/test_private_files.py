"""The database and the audit log are nobody else's to read, whatever the umask says."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.conversation import typed, until_ready
from testing.factories import SetClock
from testing.harness import open_office
from testing.stores import NOON, open_stores


@pytest.fixture(autouse=True)
def _open_handed() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_files_of_the_bot_are_its_own() -> None:
    async with open_office(door="http", is_migrated=False) as office:
        await until_ready(office)
        await typed(office, "running Task1")
        modes = {path.name: mode_of(path) for path in office.folder.glob("rectask.db*")}
        await office.end()
        modes["audit.jsonl"] = mode_of(office.folder / "audit.jsonl")
    assert modes == dict.fromkeys(["rectask.db", "rectask.db-wal", "rectask.db-shm", "audit.jsonl"], 0o600)


async def test_a_database_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "rectask.db"
    path.touch()
    path.chmod(0o640)
    async with open_stores(f"sqlite:///{path}", SetClock(NOON)) as stores:
        await stores.upkeep.ping()
    assert mode_of(path) == 0o640
