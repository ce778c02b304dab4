"""Databases that are broken in one way each."""

import contextlib
import functools
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg

from testing.pgbouncer import run_pgbouncer
from testing.postgres import Postgres
from testing.stores import migrate

World = Callable[[Path, Postgres], AbstractContextManager[str]]


@functools.cache
def _migrated() -> bytes:
    """What is in a migrated file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rectask.db")
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def _made(folder: Path) -> tuple[Path, str]:
    path = folder / "rectask.db"
    path.write_bytes(_migrated())
    path.chmod(0o600)
    return path, f"sqlite:///{path}"


@contextmanager
def fine(folder: Path, _: Postgres) -> Iterator[str]:
    yield _made(folder)[1]


@contextmanager
def missing(folder: Path, _: Postgres) -> Iterator[str]:
    yield f"sqlite:///{folder / 'rectask.db'}"


@contextmanager
def without_a_byte(folder: Path, _: Postgres) -> Iterator[str]:
    (folder / "rectask.db").touch()
    yield f"sqlite:///{folder / 'rectask.db'}"


@contextmanager
def something_else(folder: Path, _: Postgres) -> Iterator[str]:
    (folder / "rectask.db").write_text("Dear diary, " * 99)
    yield f"sqlite:///{folder / 'rectask.db'}"


@contextmanager
def files_in_the_way(folder: Path, _: Postgres) -> Iterator[str]:
    """As where they belong to another user: SQLite cannot open them. Folders stop even root."""
    path, url = _made(folder)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).mkdir()
    yield url


_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def _locked(path: Path, how: str) -> Iterator[None]:
    """By another process."""
    command = [sys.executable, "-c", _LOCK, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:  # ours
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.kill()


@contextmanager
def locked_for_writing(folder: Path, _: Postgres) -> Iterator[str]:
    path, url = _made(folder)
    with _locked(path, "BEGIN IMMEDIATE"):
        yield url


@contextmanager
def locked_while_new(folder: Path, _: Postgres) -> Iterator[str]:
    path = folder / "rectask.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    with _locked(path, "BEGIN EXCLUSIVE"):
        yield f"sqlite:///{path}"


@contextmanager
def without_schema_row(folder: Path, _: Postgres) -> Iterator[str]:
    path, url = _made(folder)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM schema_release")
        connection.commit()
    yield url


@contextmanager
def too_new(folder: Path, _: Postgres) -> Iterator[str]:
    path, url = _made(folder)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE schema_release SET revision = '9999', oldest_release = '99.0'")
        connection.commit()
    yield url


@contextmanager
def nobody_listens(_: Path, _server: Postgres) -> Iterator[str]:
    yield "postgresql://rectask:a-secret@127.0.0.1:1/rectask"


@contextmanager
def silent(_: Path, _server: Postgres) -> Iterator[str]:
    """Connections are accepted, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://rectask:a-secret@127.0.0.1:{server.getsockname()[1]}/rectask"


@contextmanager
def schema_locked(_: Path, server: Postgres) -> Iterator[str]:
    url = server.create("broken")
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE schema_release IN ACCESS EXCLUSIVE MODE")
        yield url


@contextmanager
def read_only(_: Path, server: Postgres) -> Iterator[str]:
    url = server.create("broken")
    migrate(url)
    server.execute("ALTER DATABASE broken SET default_transaction_read_only = on")
    yield url


@contextmanager
def no_right_to_create(_: Path, server: Postgres) -> Iterator[str]:
    owned = server.create("broken")
    server.execute("DROP ROLE IF EXISTS stranger")
    server.execute("CREATE ROLE stranger LOGIN")
    yield owned.replace("postgres:@", "stranger@")
    server.execute("DROP DATABASE broken WITH (FORCE)")


@contextmanager
def no_right_to_write(_: Path, server: Postgres) -> Iterator[str]:
    owned = server.create("broken")
    migrate(owned)
    server.execute("DROP ROLE IF EXISTS reader")
    server.execute("CREATE ROLE reader LOGIN")
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database="broken")
    yield owned.replace("postgres:@", "reader@")
    server.execute("DROP DATABASE broken WITH (FORCE)")


@contextmanager
def ascii_only(_: Path, server: Postgres) -> Iterator[str]:
    server.execute("DROP DATABASE IF EXISTS narrow")
    server.execute("CREATE DATABASE narrow ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    yield server.url("narrow")


@contextmanager
def pooled_away(_: Path, server: Postgres) -> Iterator[str]:
    """Somebody has PgBouncer's only connection."""
    url = server.create("broken")
    migrate(url)
    with (
        run_pgbouncer(url, pool_mode="transaction", pool_size=1) as bouncer,
        psycopg.connect(bouncer.url("broken")) as connection,
    ):
        connection.execute("SELECT 1")
        yield bouncer.url("broken")


@contextmanager
def pooled_by_statement(_: Path, server: Postgres) -> Iterator[str]:
    url = server.create("broken")
    migrate(url)
    with run_pgbouncer(url, pool_mode="statement") as bouncer:
        yield bouncer.url("broken")
