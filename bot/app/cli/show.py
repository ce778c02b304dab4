"""`rectask show`: the look-up in a terminal."""

import asyncio
import os
import sys

from bot.app.cli import SETTINGS, USAGE
from bot.app.cli.show_json import ErrorKind, ShownError, error_as_json, reading_as_json
from bot.app.cli.show_text import error_as_text, reading_as_text
from bot.app.cli.terminal import Terminal, inert
from bot.app.config.environment import export_certificates
from bot.app.config.load import load_settings
from bot.app.config.settings import Settings, SettingsError
from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import open_bot, rtc_apps
from bot.recording.diagnosis.findings import files_may_follow
from bot.recording.diagnosis.verdict import Severity, judge
from bot.recording.reading import Priority, Reading, TaskNotFound, TaskReadError, TaskRefused, Urgency
from bot.recording.stop_reason import START_TASK_FAILED
from bot.recording.task_ref import InvalidId, TaskRef, UnknownApp, choose_app

FOUND, NOT_FOUND, REFUSED, UNAVAILABLE = 0, 3, 4, 5
# With --check only.
SOMETHING_WRONG, NOTHING_RECORDED = 6, 7


def show(room: str, task: str, *, app_name: str | None, as_json: bool, is_check: bool = False) -> int:
    """Look a recording up, print what is known of it, and return the exit code: with `is_check`, by what was found."""
    try:
        settings = load_settings()
        ref = TaskRef(choose_app(rtc_apps(settings), app_name), room, task)
    except SettingsError as failure:
        return _say_wrong(failure.lines, kind="settings", exit_code=SETTINGS, as_json=as_json)
    except (InvalidId, UnknownApp) as failure:
        return _say_wrong([str(failure)], kind="usage", exit_code=USAGE, as_json=as_json)
    export_certificates(settings, os.environ)
    configure_logs(level=settings.log_level or "error", as_json=settings.log_format == "json", secrets=settings.secrets)
    no_color = settings.no_color is not None
    try:
        reading = asyncio.run(_look_up(settings, ref))
    except TaskReadError as failure:
        return _say_failed(failure, as_json=as_json, no_color=no_color)
    out = Terminal.on(sys.stdout, no_color=no_color)
    out.print(*([reading_as_json(reading)] if as_json else reading_as_text(reading, terminal=out)))
    return _judged(reading) if is_check else FOUND


def _judged(reading: Reading) -> int:
    task, now = reading.task, reading.read_at
    may_follow = files_may_follow(task, now=now) and task.stop_reason != START_TASK_FAILED
    if task.is_over and not (task.files or task.unreadable_files or may_follow):
        return NOTHING_RECORDED
    verdict = judge(task, now=now)
    return SOMETHING_WRONG if verdict.concerns or verdict.mood is Severity.BAD else FOUND


async def _look_up(settings: Settings, ref: TaskRef) -> Reading:
    async with open_bot(settings) as bot:
        return await bot.reader.read(ref, urgency=Urgency(Priority.PERSON))


def _say_wrong(lines: list[str], *, kind: ErrorKind, exit_code: int, as_json: bool) -> int:
    if as_json:
        Terminal(sys.stdout, colours=False).print(error_as_json(ShownError(kind=kind, happened=" ".join(lines))))
    Terminal(sys.stderr, colours=False).print(*(f"rectask: {inert(line)}" for line in lines))
    return exit_code


def _say_failed(failure: TaskReadError, *, as_json: bool, no_color: bool) -> int:
    kind, exit_code = _kind_of(failure)
    if as_json:
        error = ShownError(
            kind=kind,
            happened=failure.happened,
            meaning=failure.meaning,
            advice=failure.advice,
            code=failure.code,
            request_id=failure.request_id,
            log_id=failure.log_id,
        )
        Terminal(sys.stdout, colours=False).print(error_as_json(error))
    err = Terminal.on(sys.stderr, no_color=no_color)
    err.print(*error_as_text(failure, terminal=err))
    return exit_code


def _kind_of(failure: TaskReadError) -> tuple[ErrorKind, int]:
    match failure:
        case TaskNotFound():
            return "not_found", NOT_FOUND
        case TaskRefused():
            return "refused", REFUSED
    return "unavailable", UNAVAILABLE
