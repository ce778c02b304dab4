"""Translates driver errors: transient ones become DatabaseUnavailable, programming errors propagate."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from bot.notices.store import DatabaseUnavailable

# SQLite's result codes that tell of the file, the disk or other processes: PERM, BUSY, LOCKED, NOMEM, READONLY,
# INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOLFS, AUTH, NOTADB (sqlite.org/rescode.html, November 2026).
_SQLITE_CODES = frozenset({3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 22, 23, 26})
# PostgreSQL's classes that tell of the connection, the server or other sessions: connection exception, invalid
# authorization, invalid catalog name, transaction rollback (deadlocks too), insufficient resources, object not in
# prerequisite state (a lock not granted), operator intervention, system error, data corrupted; and two that somebody
# must mend: read only, which a server is after a failover, and insufficient privilege, which the owner of a table or of
# the schema can grant (PostgreSQL's appendix A, read November 2026).
_POSTGRES_CLASSES = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58", "XX"})
_POSTGRES_STATES = frozenset({"25006", "42501"})


@contextmanager
def translating_driver_errors(too_late: str = "no answer in time") -> Iterator[None]:
    """Raise DatabaseUnavailable, with the driver's error as its cause, for what is no mistake of the program.

    `too_late` says what it means that a time limit is over.
    """
    try:
        yield
    except exc.DBAPIError as error:
        if not _may_pass(error):
            raise
        raise _unavailable(error.orig or error) from error.orig
    except TimeoutError as error:
        raise DatabaseUnavailable(f"The store does not answer: {str(error) or too_late}") from error
    except (exc.TimeoutError, OSError) as error:
        raise _unavailable(error) from error


def _may_pass(error: exc.DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        # The lowest byte is the primary code. An error of the driver itself (a closed connection) has none.
        code = getattr(error.orig, "sqlite_errorcode", None)
        return isinstance(error, exc.OperationalError) if code is None else code & 0xFF in _SQLITE_CODES
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, (exc.OperationalError, exc.InterfaceError))
    return state[:2] in _POSTGRES_CLASSES or state in _POSTGRES_STATES


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    """In the first line of the driver's words, which name servers and users, but no password."""
    words = str(error).strip().partition("\n")[0]
    return DatabaseUnavailable(f"The store does not answer: {words or type(error).__name__}")
