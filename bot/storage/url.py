"""Connection URLs as people have them: what they lead to, or what is wrong with them, in words without the password."""

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

_SQLITE = frozenset({"sqlite", "sqlite+aiosqlite"})
_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_OPTION = re.compile(r"[a-z_]+")
_LAST_PORT = 65535
# user:password@, wherever it stands; what is said of a SQLite URL quotes the path.
_LIKE_A_PASSWORD = re.compile(r":[^@]*@")


_NO_SCHEMA = (
    "Remove it, and let the database say which schema is used: ALTER ROLE … SET search_path = …; "
    "or write options=-csearch_path%3D… instead, which PgBouncer refuses"
)
_NO_POOL = "Remove it: Rectask keeps at most 5 connections for each replica"
_NO_PREPARING = "Remove it: Rectask prepares no statements, so it works behind PgBouncer in transaction mode"
_NO_TIMEOUT = "Remove it: Rectask gives up a transaction after 10 seconds"
_TLS = "Write sslmode=require instead, or sslmode=verify-full with sslrootcert=…"
# What URLs hold that were written for Prisma, SQLAlchemy, asyncpg, JDBC, Go or node-postgres, in lower case.
_OTHERS_OPTIONS = {
    **dict.fromkeys(("schema", "currentschema", "search_path", "searchpath"), _NO_SCHEMA),
    **dict.fromkeys(
        (
            *("pool_size", "max_overflow", "connection_limit", "pool_recycle", "pool_pre_ping", "max", "pool"),
            *("pool_max_conns", "pool_min_conns", "min_size", "max_size", "poolclass"),
        ),
        _NO_POOL,
    ),
    **dict.fromkeys(
        (
            *("pgbouncer", "prepare_threshold", "preparethreshold", "statement_cache_size", "statement_cache_mode"),
            *("prepared_statement_cache_size", "prepared_statement_name_func", "default_query_exec_mode"),
        ),
        _NO_PREPARING,
    ),
    **dict.fromkeys(("pool_timeout", "socket_timeout", "command_timeout", "statement_timeout"), _NO_TIMEOUT),
    "timeout": "Write connect_timeout=… instead",
    **dict.fromkeys(("sslaccept", "tls", "use_ssl", "usessl", "sslrequire"), _TLS),
}


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file in a folder that exists."""

    path: Path


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """What libpq calls a connection's parameters, by their names; what is not named comes from the PG* variables."""

    parameters: Mapping[str, str] = field(repr=False)


def check_url(url: str) -> None:
    """Raise ValueError, in words for a person, unless the URL leads to a database that could be there."""
    read_url(url)


def read_url(url: str) -> SqliteFile | PostgresServer:
    """Raises ValueError, as check_url does."""
    scheme, is_url, rest = url.strip().partition("://")
    if not is_url or not _SCHEME.fullmatch(scheme):
        raise ValueError("it is not a connection URL, sqlite:///… or postgresql://…")
    if scheme in _SQLITE:
        return SqliteFile(_sqlite_path(rest))
    if scheme in _POSTGRES:
        return PostgresServer(_postgres_parameters(scheme, rest))
    raise ValueError(f"{scheme} is no kind of database that is known here; sqlite and postgresql are")


def _sqlite_path(rest: str) -> Path:
    if _LIKE_A_PASSWORD.search(rest):
        raise ValueError("SQLite has no user and no password. Name only the file: sqlite:///rectask.db")
    name = rest.removeprefix("/")
    if name in {"", ":memory:"}:
        raise ValueError("a database in memory is lost with the process. Name a file: sqlite:///rectask.db")
    if name == rest:
        raise ValueError(
            "three slashes come before a SQLite file's name: sqlite:///rectask.db, four before a full path"
        )
    if "?" in name:
        raise ValueError("options after ? are not understood for SQLite")
    path = Path(name)
    try:
        _check_place(path)
    except OSError:
        # Its words quote the whole name.
        raise ValueError("the file's name is too long, or its folder cannot be looked into") from None
    return path


def _check_place(path: Path) -> None:
    folder = path.absolute().parent
    if not os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir raises where it may not look
        raise ValueError(f"the folder {folder} does not exist, or may not be entered")
    if path.is_dir():
        raise ValueError(f"{path} is a folder")
    # SQLite writes files beside its own.
    if not _is_writable(folder) or (path.exists() and not _is_writable(path)):
        raise ValueError(f"{path} may not be written to")


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _postgres_parameters(scheme: str, rest: str) -> Mapping[str, str]:
    if importlib.util.find_spec("psycopg") is None:
        raise ValueError("for PostgreSQL a driver is needed: pip install 'rectask[postgres]'")
    place, _, query = rest.partition("?")
    _check_signs(place, query)
    if scheme == "postgresql+asyncpg":
        query = _as_libpq_says(query)
    _check_options(query)
    return _parsed(f"postgresql://{place}?{query}" if query else f"postgresql://{place}")


def _check_signs(place: str, query: str) -> None:
    """A password with a bare sign in it would be taken for something else, and shown when that fails."""
    authority, _, database = place.partition("/")
    if authority.count("@") > 1 or "@" in database or "@" in query:
        raise ValueError("signs in a user's name, password or option are written as %40 for @, %2F for /, %3F for ?")
    hosts = authority.rpartition("@")[2]
    ports = re.findall(r":([^,\]]*)(?=,|$)", hosts)
    if any(port and not (port.isdecimal() and 0 < int(port) <= _LAST_PORT) for port in ports):
        raise ValueError("what stands between the host and the database is not a port's number")


def _as_libpq_says(query: str) -> str:
    """The one option of asyncpg with a name of its own."""
    names = {"ssl": "sslmode"}
    return urlencode([(names.get(name, name), value) for name, value in parse_qsl(query, keep_blank_values=True)])


def _check_options(query: str) -> None:
    from psycopg.pq import Conninfo  # noqa: PLC0415  # libpq is loaded for PostgreSQL only

    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    for option in filter(None, query.split("&")):
        name = option.partition("=")[0]
        if name not in known and (answer := _OTHERS_OPTIONS.get(name.lower())) is not None:
            raise ValueError(f"{name} is an option of other programs. {answer}")
        if name not in known:
            shown = f"{name} is" if _OPTION.fullmatch(name) else "something after ? is"
            raise ValueError(f"{shown} not among the options that libpq knows")


def _parsed(url: str) -> Mapping[str, str]:
    from psycopg import ProgrammingError  # noqa: PLC0415  # as above
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        # Its words quote what it could not read, which may be the password.
        raise ValueError(
            "this cannot be read as a connection URL. A % in a password is written as %25, @ as %40, : as %3A"
        ) from None
