"""A SQLite file that other processes open and close: `rectask audit`, `purge` and `check` beside `rectask serve`."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from bot.runtime.private_files import make_private
from bot.storage.database import open_database
from bot.storage.upkeep import SqlUpkeep
from testing.stores import ANN, BOB

_LOOK = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM homes').fetchall(); c.close()"


async def test_what_is_written_after_another_process_closed_the_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "rectask.db"
    async with open_database(f"sqlite:///{file}") as database:
        upkeep = SqlUpkeep(database)
        await upkeep.note_home(ANN)
        async with database.engine.connect() as one, database.engine.connect() as other:  # the second one is new
            await one.execute(text("SELECT 1"))
            await other.execute(text("SELECT 1"))
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", _LOOK, str(file)], check=True)
        await upkeep.note_home(BOB)
        with closing(sqlite3.connect(file)) as beside:
            found = beside.execute("SELECT user_id FROM homes ORDER BY user_id").fetchall()
    assert found == sorted([(ANN.user_id,), (BOB.user_id,)])


def test_the_file_is_private_behind_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    make_private(tmp_path / "link.db")
    assert (tmp_path / "real.db").stat().st_mode & 0o777 == 0o600
