"""`check`, `audit` and `purge` against broken databases: they end soon, say what is wrong, and create nothing."""

import argparse
import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from bot import __version__
from bot.app.cli.audit import audit
from bot.app.cli.purge import purge
from bot.storage.check import PATIENCE, diagnose_store
from testing import broken_stores as worlds
from testing.broken_stores import World
from testing.pgbouncer import needs_pgbouncer
from testing.postgres import Postgres

UseEnviron = Callable[[Mapping[str, str]], None]
SOON = timedelta(seconds=2)
# After the patience, for the driver to give up: psycopg waits 5 s for its request to cancel and 5 s for what follows.
AT_THE_LATEST = timedelta(seconds=10)
ANYBODY = argparse.Namespace(user_id="U1", team=None)
ANYTHING = argparse.Namespace(
    **dict.fromkeys(("person", "app", "room", "task", "what", "outcome", "since", "until")), limit=9, json=False
)
NOT_THERE = "Nothing was created. RECTASK_DATABASE_URL says which database is used"


def broken(world: World, *, check: str | None, audit: str | None, purge: str | None, marks: object = ()) -> object:
    """The words that each says as it fails; None where it is well."""
    return pytest.param(world, check, audit, purge, id=world.__name__, marks=marks)  # type: ignore[arg-type]


def everywhere(world: World, words: str, *, marks: object = ()) -> object:
    return broken(world, check=words, audit=words, purge=words, marks=marks)


BROKEN = [
    broken(worlds.fine, check=None, audit=None, purge=None),
    broken(worlds.missing, check=None, audit=NOT_THERE, purge=NOT_THERE),
    broken(worlds.without_a_byte, check=None, audit=NOT_THERE, purge=NOT_THERE),
    everywhere(worlds.something_else, "not a database"),
    everywhere(worlds.files_in_the_way, "unable to open"),
    broken(worlds.locked_for_writing, check="database is locked", audit=None, purge=None),
    everywhere(worlds.locked_while_new, "database is locked"),
    everywhere(worlds.without_schema_row, "has no rows instead of one"),
    everywhere(worlds.too_new, "at least Rectask 99.0 is needed"),
    everywhere(worlds.nobody_listens, "refused"),
    everywhere(worlds.silent, "does not answer"),
    everywhere(worlds.schema_locked, "locked by"),
    broken(worlds.read_only, check="read-only", audit=None, purge=None),
    broken(worlds.no_right_to_create, check="permission denied", audit=NOT_THERE, purge=NOT_THERE),
    broken(worlds.no_right_to_write, check="permission denied", audit=None, purge=None),
    everywhere(worlds.ascii_only, "encoded in SQL_ASCII"),
    everywhere(worlds.pooled_away, "no answer within", marks=needs_pgbouncer),
    everywhere(worlds.pooled_by_statement, "pool_mode = transaction", marks=needs_pgbouncer),
]


def left_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


@pytest.mark.parametrize(("world", "check", "audited", "purged"), BROKEN)
def test_a_broken_store(
    world: World,
    check: str | None,
    audited: str | None,
    purged: str | None,
    tmp_path: Path,
    postgres: Postgres,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No RTC keys are set: `audit` and `purge` need none."""
    with world(tmp_path, postgres) as url:
        use_environ({"RECTASK_DATABASE_URL": url})
        before, begun = left_in(tmp_path), time.monotonic()
        with ThreadPoolExecutor() as at_once:
            checking = at_once.submit(lambda: asyncio.run(diagnose_store(url, release=__version__, patience=SOON)))
            auditing = at_once.submit(lambda: audit(ANYTHING, patience=SOON))
            purging = at_once.submit(lambda: purge(ANYBODY, patience=SOON))
        assert time.monotonic() - begun < (SOON + AT_THE_LATEST).total_seconds()
        assert checking.result().is_well == (check is None), checking.result()
        assert (auditing.result(), purging.result()) == (69 if audited else 0, 69 if purged else 0)
        said = capsys.readouterr().err
        assert (check or "") in checking.result().said
        assert (audited or "") in said
        assert (purged or "") in said
        assert left_in(tmp_path) == before


def test_the_limits_add_up_to_fifteen_seconds() -> None:
    assert timedelta(seconds=15) >= PATIENCE + AT_THE_LATEST
