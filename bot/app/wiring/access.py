"""Rights and record, made from the settings."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from bot.access.audit.buffered_log import BatchingAuditLog
from bot.access.audit.json_lines import JsonLines
from bot.access.audit.record import AuditLog, NotRecorded, Records
from bot.access.rights import Right, Rights, Rule
from bot.app.config.allow_table import AllowSettings
from bot.app.config.settings import Settings
from bot.runtime.clocks import SteadyClock
from bot.runtime.line_writer import LineWriter
from bot.runtime.supervision import Supervisor
from bot.storage.audit import SqlAudit
from bot.storage.database import Database

log = structlog.get_logger()

# Small, so that nobody waits long for a lock.
ROWS_A_BATCH = 500
PAUSE_BETWEEN_BATCHES = 0.5


def rights_of(settings: Settings) -> Rights:
    """The rules of the configuration file."""
    return Rights(tuple(_rule(rule) for rule in settings.file.allow))


def _rule(rule: AllowSettings) -> Rule:
    return Rule(
        rights=frozenset(Right(name) for name in rule.rights),
        users=frozenset(rule.users),
        groups=frozenset(rule.groups),
        channels=frozenset(rule.channels),
        apps=frozenset(rule.apps),
        rooms=tuple(rule.rooms),
        with_guests=rule.guests,
    )


@asynccontextmanager
async def open_audit(
    settings: Settings,
    database: Database,
    *,
    clock: Callable[[], datetime],
    pipe: LineWriter | None,
    supervisor: Supervisor,
    drain: Callable[[], float],
) -> AsyncIterator[AuditLog]:
    """Rows in the database, where old ones are forgotten, and lines; leaving the block writes what is left.

    `pipe` takes the lines where they do not go to a file; `drain` says how many seconds writing what is left may take.
    """
    records = SqlAudit(database)
    lines = JsonLines.to_file(Path(settings.audit)) if pipe is None else JsonLines.to_stream(pipe)
    kept_for = timedelta(days=settings.audit_retention_days)
    async with (
        supervisor.running("audit_upkeep", partial(keep_forgetting, records, kept_for, clock=clock)),
        BatchingAuditLog(records, lines, supervisor=supervisor, drain=drain) as audit,
    ):
        yield audit


def audit_pipe(settings: Settings) -> LineWriter | None:
    """What writes lines to standard output, or to a pipe that has a name; None where they go to a file."""
    if settings.audit == "stdout":
        return LineWriter.to_stream(sys.stdout, on_dropped=_note_dropped)
    path = Path(settings.audit)
    if path.is_fifo():
        return LineWriter(partial(os.open, path, os.O_WRONLY), on_dropped=_note_dropped)
    return None


def _note_dropped(lines: int) -> None:
    log.warning("audit.lines_dropped", lines=lines)


async def keep_forgetting(
    records: Records,
    kept_for: timedelta,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    timer: Callable[[], float] = time.monotonic,
) -> None:
    """Delete what is older, in small batches, every hour in which the clock did not jump, until cancelled."""
    steady = SteadyClock("machine", partial(_read, clock), timer=timer)
    while True:
        try:
            await steady.until_steady(sleep)
            while await steady.look() == timedelta() and (
                forgotten := await records.forget(before=clock() - kept_for, at_most=ROWS_A_BATCH)
            ):
                log.info("audit.forgotten", records=forgotten)
                await sleep(PAUSE_BETWEEN_BATCHES)
        except NotRecorded:
            pass  # those who write say that it is lost
        except Exception:
            log.exception("upkeep.failed")


async def _read(clock: Callable[[], datetime]) -> datetime:
    return clock()
