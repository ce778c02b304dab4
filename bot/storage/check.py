"""Proving the store: whether `serve` can work with it. What is done for that is undone."""

import asyncio
import secrets
from datetime import timedelta

from bot.notices.store import DatabaseUnavailable, DatabaseUnusable
from bot.runtime.checks import CheckResult
from bot.storage.driver_errors import translating_driver_errors
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.rehearsal import rehearse
from bot.storage.schema import HEAD, Schema, SchemaTooNew, is_nothing
from bot.storage.url import PostgresServer, SqliteFile, read_url

PATIENCE = timedelta(seconds=5)
_STEP = "store"
_REACH = "Check RECTASK_DATABASE_URL, that the database runs, and that its user may connect from this machine."
_RIGHTS = "Check that its user may read and write all of Rectask's tables, and create them."
_FILES = "Check that this user may read and write the file and its folder, and the -wal and -shm files beside it."
_RIGHTS_ARE_MISSING = ("permission denied", "read-only", "readonly")


async def diagnose_store(url: str, *, release: str, patience: timedelta = PATIENCE) -> CheckResult:
    """One finding. A SQLite file that does not exist yet is not made."""
    try:
        target = read_url(url)
    except ValueError as flaw:
        return CheckResult(_STEP, is_well=False, said=f"RECTASK_DATABASE_URL is wrong: {flaw}", advice=_REACH)
    try:
        with translating_driver_errors(
            f"no answer within {patience.total_seconds():g} s, or the database is locked by somebody"
        ):
            return CheckResult(_STEP, is_well=True, said=await _prove(target, release=release, patience=patience))
    except SchemaTooNew as refusal:
        return CheckResult(_STEP, is_well=False, said=str(refusal), advice="Install the newest release here.")
    except DatabaseUnusable as refusal:
        return CheckResult(_STEP, is_well=False, said=str(refusal))
    except DatabaseUnavailable as failure:
        return CheckResult(_STEP, is_well=False, said=str(failure), advice=_advice(target, str(failure)))


def _advice(target: SqliteFile | PostgresServer, said: str) -> str:
    if isinstance(target, SqliteFile):
        return _FILES
    return _RIGHTS if any(words in said for words in _RIGHTS_ARE_MISSING) else _REACH


async def _prove(target: SqliteFile | PostgresServer, *, release: str, patience: timedelta) -> str:
    if isinstance(target, SqliteFile) and is_nothing(target.path):
        await _prove_folder(target, release=release, patience=patience)
        return f"{target.path} will be created when `rectask serve` starts."
    return _in_words(await _rehearsed(target, release=release, patience=patience))


async def _prove_folder(target: SqliteFile, *, release: str, patience: timedelta) -> None:
    """By another file beside it."""
    other = SqliteFile(target.path.with_name(f".{target.path.name}.check-{secrets.token_hex(4)}"))
    try:
        await _rehearsed(other, release=release, patience=patience)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            other.path.with_name(other.path.name + ending).unlink(missing_ok=True)


async def _rehearsed(target: SqliteFile | PostgresServer, *, release: str, patience: timedelta) -> Schema | None:
    engine = open_migrating_engine(target, patience=patience)
    try:
        async with asyncio.timeout(patience.total_seconds()), for_writing(engine).connect() as connection:
            await connection.begin()
            found = await connection.run_sync(lambda sync: rehearse(sync, release=release))
            await connection.rollback()
            return found
    finally:
        await engine.dispose()


def _in_words(found: Schema | None) -> str:
    if found is None:
        return "It answers and is empty; its tables are made when `rectask serve` starts."
    if found.is_older:
        return f"It answers. Its schema {found.revision} is migrated to {HEAD} when `rectask serve` starts: back it up."
    return f"It answers, with schema {found.revision}, and can be written to."
