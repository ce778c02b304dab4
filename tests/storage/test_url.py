"""Connection URLs as people have them."""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.storage.database import PATIENCE
from bot.storage.engine import CONNECTIONS
from bot.storage.url import PostgresServer, SqliteFile, check_url, read_url

NOBODY = 65534
SECRET = "s3cr3t"


class TestSqlite:
    @pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
    def test_three_slashes_are_relative(self, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "data").mkdir()
        assert read_url(f"{scheme}:///rectask.db") == SqliteFile(Path("rectask.db"))
        assert read_url(f"{scheme}:///data/rectask.db") == SqliteFile(Path("data/rectask.db"))

    def test_four_slashes_are_absolute(self, tmp_path: Path) -> None:
        assert read_url(f"sqlite:///{tmp_path}/rectask.db") == SqliteFile(tmp_path / "rectask.db")
        assert str(tmp_path).startswith("/")

    def test_space_around_it_does_not_matter(self, tmp_path: Path) -> None:
        assert read_url(f" sqlite:///{tmp_path}/a b.db\n") == SqliteFile(tmp_path / "a b.db")

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://:memory:"])
    def test_memory_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="lost with the process"):
            check_url(url)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("sqlite://rectask.db", "three slashes"),
            ("sqlite:///rectask.db?mode=ro", "options"),
            ("sqlite:///missing/rectask.db", "does not exist"),
            ("sqlite:///folder", "is a folder"),
        ],
    )
    def test_what_can_not_be_a_file_is_refused(
        self, name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder").mkdir()
        with pytest.raises(ValueError, match=words):
            check_url(name)

    @pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, None), (0o555, 0o666), (0o777, 0o444)])
    def test_what_may_not_be_written_is_refused(self, folder_mode: int, file_mode: int | None) -> None:
        # Not pytest's own folder: nobody else may enter that.
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "rectask.db")
            if file_mode is not None:
                path.touch()
                path.chmod(file_mode)
            Path(name).chmod(folder_mode)
            with unprivileged(), pytest.raises(ValueError, match="may not be written to"):
                check_url(f"sqlite:///{path}")
            Path(name).chmod(0o700)

    def test_what_may_not_be_entered_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "folder")
            folder.mkdir()
            Path(name).chmod(0)
            with unprivileged(), pytest.raises(ValueError, match="may not be entered"):
                check_url(f"sqlite:///{folder}/rectask.db")
            Path(name).chmod(0o700)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


class TestPostgres:
    @pytest.mark.parametrize(
        ("url", "parameters"),
        [
            ("postgres://u:p@h/d", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
            ("postgresql://h:5433/d", {"host": "h", "port": "5433", "dbname": "d"}),
            ("postgresql+psycopg://u@h", {"user": "u", "host": "h"}),
            ("postgresql+asyncpg://h/d?ssl=require", {"host": "h", "dbname": "d", "sslmode": "require"}),
            ("postgresql://h/d?sslmode=verify-full", {"host": "h", "dbname": "d", "sslmode": "verify-full"}),
            ("postgresql:///d?host=/var/run/postgresql", {"host": "/var/run/postgresql", "dbname": "d"}),
            ("postgresql://u@%2Fvar%2Frun/d", {"user": "u", "host": "/var/run", "dbname": "d"}),
            ("postgresql://u:@/d?host=/run", {"user": "u", "dbname": "d", "host": "/run"}),
            ("postgresql://u:a%40b%2Fc%25@h/d", {"user": "u", "password": "a@b/c%", "host": "h", "dbname": "d"}),
            ("postgresql://u:a#b@h/d", {"user": "u", "password": "a#b", "host": "h", "dbname": "d"}),
            (
                "postgresql://h1:5432,h2:5433/d?target_session_attrs=any",
                {"host": "h1,h2", "port": "5432,5433", "dbname": "d", "target_session_attrs": "any"},
            ),
            ("postgresql://[::1]:5432/d", {"host": "::1", "port": "5432", "dbname": "d"}),
            ("postgresql://[2001:db8::1]/d", {"host": "2001:db8::1", "dbname": "d"}),
            ("postgresql://", {}),
        ],
    )
    def test_is_what_libpq_makes_of_it(self, url: str, parameters: dict[str, str]) -> None:
        found = read_url(url)
        assert isinstance(found, PostgresServer)
        assert found.parameters == parameters

    @pytest.mark.parametrize(
        ("rest", "words"),
        [
            (f"u:a@{SECRET}@h/d", "%40"),
            (f"u:a/{SECRET}@h/d", "%2F"),
            (f"u:a?{SECRET}@h/d", "%3F"),
            (f"u:{SECRET}%zz@h/d", "%25"),
            (f"u:{SECRET}/d", "port"),
            ("h:0/d", "port"),
            ("h:65536/d", "port"),
            ("h1:5432,h2:x/d", "port"),
            ("[::1]:x/d", "port"),
            (f"u:{SECRET}@h/d?colour=red", "colour is not"),
            (f"h/d?{SECRET}", "something after"),
            (f"u:{SECRET}@h/d?sslmode", "%25"),
        ],
    )
    def test_what_libpq_would_not_understand_is_refused(self, rest: str, words: str) -> None:
        with pytest.raises(ValueError, match=words) as refused:
            check_url(f"postgresql://{rest}")
        assert SECRET not in str(refused.value)

    def test_the_password_is_not_shown(self) -> None:
        assert SECRET not in repr(read_url(f"postgresql://u:{SECRET}@h/d"))

    @settings(max_examples=30)
    @given(st.text(min_size=1, max_size=12))
    def test_no_password_is_shown(self, noise: str) -> None:
        """Whatever is wrong with it."""
        try:
            shown = repr(read_url(f"postgresql://u:{SECRET}{noise}@h/d"))
        except ValueError as refused:
            shown = str(refused)
        assert SECRET not in shown

    def test_a_driver_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def find(name: str) -> importlib.machinery.ModuleSpec | None:
            assert name == "psycopg"
            return None

        monkeypatch.setattr(importlib.util, "find_spec", find)
        with pytest.raises(ValueError, match=r"pip install 'rectask\[postgres\]'"):
            check_url("postgresql://h/d")


@pytest.mark.parametrize("url", ["", "rectask.db", "u:p@h", "SQLITE:///x.db", "://x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not a connection URL"):
        check_url(url)


@pytest.mark.parametrize("url", ["mysql://h/d", "redis://h", "https://h/d", "postgresql+pg8000://h/d"])
def test_other_kinds_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no kind of database"):
        check_url(url)


def test_checking_needs_no_heavy_import() -> None:
    code = """
import sys
from bot.storage.url import check_url
check_url("sqlite:///rectask.db")
assert not {"sqlalchemy", "alembic", "aiosqlite", "psycopg", "asyncio"} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  # what is run is written here


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("pgbouncer=true", "pgbouncer is an option of other programs. Remove it: Rectask prepares no statements"),
        ("prepare_threshold=0", "works behind PgBouncer in transaction mode"),
        ("statement_cache_size=0", "works behind PgBouncer in transaction mode"),
        ("schema=bots", "ALTER ROLE … SET search_path"),
        ("currentSchema=bots", "options=-csearch_path%3D"),
        ("pool_size=20", "at most 5 connections for each replica"),
        ("connection_limit=1", "at most 5 connections for each replica"),
        ("pool_timeout=3", "gives up a transaction after 10 seconds"),
        ("sslaccept=strict", "Write sslmode=require instead"),
    ],
)
def test_options_of_other_programs_are_answered_with_what_to_write(option: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_url(f"postgresql://bot:{SECRET}@db.example.com:6432/rectask?sslmode=require&{option}")


def test_what_the_answers_promise_is_so() -> None:
    """The options that they name are taken."""
    query = "sslmode=verify-full&sslrootcert=system&connect_timeout=5&options=-csearch_path%3Dbots"
    read = read_url(f"postgresql://db.example.com/rectask?{query}")
    assert isinstance(read, PostgresServer)
    assert read.parameters["options"] == "-csearch_path=bots"
    assert (CONNECTIONS, PATIENCE.total_seconds()) == (5, 10)
