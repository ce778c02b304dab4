"""One empty database a test, of each kind; migrated once, then copied or emptied."""

import shutil
from pathlib import Path

import pytest

from bot.storage.tables import metadata, schema_release
from tests.contracts.postgres import Postgres
from tests.contracts.stores import migrate

EMPTY_ALL = (
    f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables if table is not schema_release)} CASCADE"
)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("template") / "rectask.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres) -> str:
    """The URL of a migrated database."""
    url = postgres.create("contracts")
    migrate(url)
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'rectask.db')}"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_database: str) -> str:
    postgres.execute(EMPTY_ALL, database="contracts")
    return postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Each test once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))
