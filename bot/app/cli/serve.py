"""`rectask serve`: the bot, until it is told to stop."""

import asyncio
import contextlib
import gc
import os
import signal
import sys

import structlog

from bot.app.address import AddressUnavailable
from bot.app.cli import SETTINGS
from bot.app.cli.last_resort import LastResort
from bot.app.cli.terminal import Terminal
from bot.app.config.environment import discard_oauth_variables, export_certificates
from bot.app.config.load import load_settings
from bot.app.config.settings import Settings, SettingsError
from bot.app.log_setup import configure_logs
from bot.app.serve import serve
from bot.notices.store import DatabaseUnusable
from bot.runtime.line_writer import LineWriter
from bot.slack.connection.auth import TokenRefused

log = structlog.get_logger()

# sysexits.h: EX_UNAVAILABLE. Slack refuses a token, or the database is of a newer release.
UNAVAILABLE = 69
# By then all that stays for good is there.
SETTLED_AFTER = 5.0
# Seconds from a signal to the end of the process, whatever hangs: a second more than what serves takes at most.
KILLED_WITHIN = 11.0
# For what is left behind when serving has ended: threads, tasks, and lines that nobody reads.
LEFT_BEHIND_FOR, WRITTEN_WITHIN = 1.0, 0.5


def run() -> int:
    """Serve until SIGTERM or Ctrl-C, and return the exit code."""
    err = Terminal(sys.stderr, colours=False)
    try:
        settings = load_settings(for_slack=True)
    except SettingsError as failure:
        err.print(*(f"rectask: {line}" for line in failure.lines))
        return SETTINGS
    log_lines = LineWriter.to_stream(sys.stderr, on_dropped=_note_dropped)
    configure_logs(
        level=settings.log_level or "info", as_json=_as_json(settings), secrets=settings.secrets, stream=log_lines
    )
    export_certificates(settings, os.environ)
    if discard_oauth_variables(os.environ):
        log.warning("settings.ignored", names="SLACK_CLIENT_ID, SLACK_CLIENT_SECRET")
    code, words = _run(settings, log_lines, LastResort())
    log_lines.close(within=WRITTEN_WITHIN)
    err.print(*words)
    return code


def _run(settings: Settings, log_lines: LineWriter, last_resort: LastResort) -> tuple[int, list[str]]:
    """The exit code, and why it is not 0; from the end of serving on the process has a moment left at most."""
    runner, stop = asyncio.Runner(), asyncio.Event()
    loop = runner.get_loop()
    code, words = 0, list[str]()

    def end() -> None:
        last_resort.within(KILLED_WITHIN, code=0)
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    with last_resort.hearing((signal.SIGTERM, signal.SIGINT), end):
        try:
            runner.run(_serve(settings, stop, log_lines))
        except AddressUnavailable as refusal:
            code, words = SETTINGS, [f"rectask: {refusal}"]
        except TokenRefused as refusal:
            advice = "Check it at api.slack.com/apps; `rectask check` proves it."
            code, words = UNAVAILABLE, [f"rectask: {refusal} {advice}"]
        except DatabaseUnusable as refusal:
            code, words = UNAVAILABLE, [f"rectask: {refusal}"]
        last_resort.within(LEFT_BEHIND_FOR, code=code)
        runner.close()
    return code, words


def _note_dropped(lines: int) -> None:
    log.warning("log.lines_dropped", lines=lines)


def _as_json(settings: Settings) -> bool:
    """Text for somebody who looks at it, JSON for what collects logs, unless the settings say."""
    if settings.log_format is None:
        return not sys.stderr.isatty()
    return settings.log_format == "json"


async def _serve(settings: Settings, stop: asyncio.Event, log_lines: LineWriter) -> None:
    settling = asyncio.get_running_loop().call_later(SETTLED_AFTER, _spare_the_collector)
    try:
        await serve(settings, stop=stop, on_open=_say_what_is_next, log_lines=log_lines)
    finally:
        settling.cancel()


def _say_what_is_next() -> None:
    """To somebody who started it by hand; what collects logs has no use for it."""
    if sys.stderr.isatty():
        Terminal(sys.stderr, colours=False).print("Rectask is running. Type /rectask help in Slack. Ctrl-C ends it.")


def _spare_the_collector() -> None:
    """Without it the bot stands still for a tenth of a second now and then, while all modules are looked through."""
    gc.collect()
    gc.freeze()
