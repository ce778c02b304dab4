"""Proving the store: whether it is there, and whether this release can work with what is in it. Nothing is changed."""

from bot.database_urls import SqliteFile, read_url
from bot.finding import Finding
from bot.storage.database import Database, open_database
from bot.storage.failures import stopped_here
from bot.storage.schema import HEAD, Schema, SchemaTooNew, check_release, read_schema
from bot.subscriptions.store import StoreUnavailable, StoreUnusable

_STEP = "store"
_REACH = "Check RECTASK_DATABASE_URL, that the database runs, and that its user may connect from this machine."


async def diagnose_store(url: str, *, release: str) -> Finding:
    """One finding. A SQLite file that does not exist yet is not made."""
    try:
        target = read_url(url)
    except ValueError as flaw:
        return Finding(_STEP, is_well=False, said=f"RECTASK_DATABASE_URL is wrong: {flaw}", advice=_REACH)
    if isinstance(target, SqliteFile) and not target.path.exists():
        return Finding(_STEP, is_well=True, said=f"{target.path} is made when `rectask serve` starts.")
    async with open_database(url, release=release) as database:
        try:
            return _judge(await _schema_of(database), release=release)
        except SchemaTooNew as refusal:
            return Finding(_STEP, is_well=False, said=str(refusal), advice="Install the newest release here.")
        except StoreUnusable as refusal:
            return Finding(_STEP, is_well=False, said=str(refusal))
        except StoreUnavailable as failure:
            return Finding(_STEP, is_well=False, said=str(failure), advice=_REACH)


async def _schema_of(database: Database) -> Schema | None:
    with stopped_here():
        async with database.engine.connect() as connection:
            return await connection.run_sync(read_schema)


def _judge(found: Schema | None, *, release: str) -> Finding:
    if found is None:
        said = "It answers and is empty; its tables are made when `rectask serve` starts."
    elif found.is_older:
        said = f"It answers. Its schema {found.revision} is migrated to {HEAD} when `rectask serve` starts: back it up."
    else:
        check_release(found, release=release)
        said = f"It answers, with schema {found.revision}."
    return Finding(_STEP, is_well=True, said=said)
