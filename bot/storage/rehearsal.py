"""What `serve` does to a database at its start and later, done in a transaction that is rolled back."""

from collections.abc import Iterator

from sqlalchemy import Connection, Executable, Table, delete, false, insert, inspect, select, text, update

from bot.notices.store import DatabaseUnusable
from bot.storage.schema import Schema, check_release, migrate_in, read_schema
from bot.storage.tables import metadata, schema_release

# Migrations change tables, which only their owner may do.
_OTHERS_TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace "
    "AND relname = ANY(:names) AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname"
)
_NEW_TABLE = "CREATE TABLE rectask_check (id INTEGER)"


def rehearse(connection: Connection, *, release: str) -> Schema | None:
    """What is there now. Raises what `serve` would fail with; the caller rolls back.

    An empty database is migrated. An older one is not: that could lock its tables for long while others use them.
    """
    found = read_schema(connection)
    if found is None:
        migrate_in(connection)
    elif found.is_older:
        _check_ownership(connection)
        connection.exec_driver_sql(_NEW_TABLE)
    else:
        check_release(found, release=release)
    for statement in _writes(connection):
        connection.execute(statement)
    return found


def _check_ownership(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    others = connection.execute(_OTHERS_TABLES, {"names": list(metadata.tables)}).scalars().all()
    if others:
        raise DatabaseUnusable(
            f"Its schema has to be migrated, and its user does not own {', '.join(others)}. "
            "Let the owner start `rectask serve` once, or give the tables to this user: ALTER TABLE … OWNER TO …"
        )


def _writes(connection: Connection) -> Iterator[Executable]:
    """Every right that is needed is asked for, though no row is changed."""
    there = set(inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table is not schema_release and table.name in there:
            yield from _writes_of(table)


def _writes_of(table: Table) -> Iterator[Executable]:
    first = table.columns[0]
    yield insert(table).from_select([first.name], select(first).where(false()))
    yield update(table).where(false()).values({first.name: first})
    yield delete(table).where(false())
