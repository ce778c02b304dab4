"""Alembic, run inside a transaction that is there already, without its files of settings."""

from collections.abc import Iterator
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from bot.storage.tables import schema_release


def open_scripts(folder: Path = Path(__file__).parent) -> ScriptDirectory:
    """What stands in the folder's versions/."""
    return ScriptDirectory(str(folder))


def revision_of(connection: Connection) -> str | None:
    """The revision that Alembic's own table names; None for an empty database, and for an empty table."""
    heads = MigrationContext.configure(connection).get_current_heads()
    return ", ".join(heads) or None


def upgrade(connection: Connection, scripts: ScriptDirectory) -> None:
    """Take the database to the newest revision, and say beside it which releases may run on that."""

    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[MigrationStep]:
        return list(_steps(scripts, revision))

    context = MigrationContext.configure(connection, opts={"fn": steps})
    with Operations.context(context):
        context.run_migrations()
    _say(connection, _newest(scripts))


def _steps(scripts: ScriptDirectory, revision: str | tuple[str, ...]) -> Iterator[MigrationStep]:
    due = list(scripts.iterate_revisions("head", revision or "base"))
    for script in reversed(due):
        yield MigrationStep.upgrade_from_script(scripts.revision_map, script)


def _newest(scripts: ScriptDirectory) -> Script:
    newest = scripts.get_revision("head")
    assert newest is not None
    return newest


def _say(connection: Connection, newest: Script) -> None:
    connection.execute(schema_release.delete())
    connection.execute(
        schema_release.insert().values(id=1, revision=newest.revision, oldest_release=newest.module.oldest_release)
    )
