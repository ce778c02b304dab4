"""`rectask audit`: searches and exports the record of who did what."""

import argparse
import asyncio
import json
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

from bot.access.audit.record import AuditedAction, NotRecorded, Outcome, Record, Search
from bot.app.cli import SETTINGS, USAGE
from bot.app.cli.terminal import Terminal, inert
from bot.app.config.load import load_settings
from bot.app.config.settings import SettingsError
from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import now_utc
from bot.storage.audit import SqlAudit
from bot.storage.check import PATIENCE
from bot.storage.database import open_database

# sysexits.h: EX_UNAVAILABLE.
UNAVAILABLE = 69
ROWS_A_PAGE = 500
_WIDTH = 100
_INDENT = " " * 21
_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_COLOURS = {Outcome.DONE: "green", Outcome.REFUSED: "yellow", Outcome.FAILED: "red"}


def audit(arguments: argparse.Namespace, *, patience: timedelta = PATIENCE) -> int:
    """Print what is found and return the exit code. A step that takes longer than `patience` fails."""
    err = Terminal(sys.stderr, colours=False)
    try:
        settings = load_settings(for_store=True)
        search = _search(arguments, now=now_utc())
    except SettingsError as failure:
        err.print(*(f"rectask: {inert(line)}" for line in failure.lines))
        return SETTINGS
    except ValueError as failure:
        err.print(f"rectask: {inert(str(failure))}")
        return USAGE
    configure_logs(level=settings.log_level or "error", as_json=settings.log_format == "json", secrets=settings.secrets)
    out = Terminal.on(sys.stdout, no_color=settings.no_color is not None)
    url = settings.database_url.get_secret_value()
    try:
        found = _print(url, search, limit=arguments.limit, as_json=arguments.json, out=out, patience=patience)
        left_out = asyncio.run(found)
    except NotRecorded as failure:
        err.print(f"rectask: {inert(str(failure))}")
        return UNAVAILABLE
    if left_out:
        err.print(f"rectask: {_counted(left_out)} cannot be read. RECTASK_LOG_LEVEL=warning shows which ones and why.")
    return 0


def _counted(records: int) -> str:
    return "1 record" if records == 1 else f"{records} records"


def _search(arguments: argparse.Namespace, *, now: datetime) -> Search:
    """Raises ValueError, in words for a person."""
    if arguments.limit < 0:
        raise ValueError("--limit wants a number of records, or 0 for all. Example: --limit 100")
    return Search(
        user_id=arguments.person,
        app=arguments.app,
        room=arguments.room,
        task=arguments.task,
        deed=None if arguments.what is None else AuditedAction(arguments.what),
        outcome=None if arguments.outcome is None else Outcome(arguments.outcome),
        since=_moment("--since", arguments.since, now=now),
        until=_moment("--until", arguments.until, now=now),
    )


def _moment(option: str, typed: str | None, *, now: datetime) -> datetime | None:
    """So long ago, or a time of ISO 8601, in this machine's zone where it names none."""
    if typed is None:
        return None
    try:
        if ago := _AGO.fullmatch(typed):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(typed).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{option} wants how long ago, or a time. Examples: {option} 24h, {option} 2026-11-22T12:00"
        ) from None


async def _print(url: str, search: Search, *, limit: int, as_json: bool, out: Terminal, patience: timedelta) -> int:
    """How many records had to be left out."""
    number = 0
    async with open_database(url, patience=patience, creates=False) as database:
        records = SqlAudit(database)
        async for record in _found(records, search, limit=limit):
            number += 1
            out.print(*([json.dumps(record.as_json())] if as_json else _in_words(record, out)))
    if not number and not as_json:
        out.print("Nothing is recorded that fits.")
    return records.left_out


async def _found(records: SqlAudit, search: Search, *, limit: int) -> AsyncIterator[Record]:
    """A page at a time, so that an export of any length needs no memory."""
    before, left = None, limit or sys.maxsize
    while left > 0:
        page = await records.find(search, limit=min(left, ROWS_A_PAGE), before=before)
        for record in page:
            yield record
        if len(page) < ROWS_A_PAGE:
            return
        left -= len(page)
        before = (page[-1].at, page[-1].id)


def _in_words(record: Record, terminal: Terminal) -> Iterator[str]:
    """When, who, what, what came of it; below it on what, from where and why."""
    when = record.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    outcome = terminal.paint(f"{record.outcome:<8}", _COLOURS[record.outcome])
    about = " · ".join(inert(part) for part in (record.app, record.room, record.task) if part is not None)
    first = f"{when}  {inert(record.user_id):<12} {record.deed:<12} {outcome}"
    if len(about) <= _WIDTH - len(_INDENT) - 12 - 12 - 8 - 3:
        yield f"{first} {about}".rstrip()
    else:
        yield first.rstrip()
        yield from _wrapped(about)
    yield from (terminal.paint(line, "dim") for line in _wrapped(inert(_besides(record))))


def _besides(record: Record) -> str:
    parts = [f"by {record.door}" + (f" in {record.channel}" if record.channel else "")]
    parts += [record.reason] if record.reason else []
    parts += [f"file {record.file}"] if record.file else []
    parts += [f"request id {record.request_id}"] if record.request_id else []
    return " · ".join(parts)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
