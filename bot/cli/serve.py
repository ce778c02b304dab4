"""`rectask serve`: the bot, until it is told to stop."""

import asyncio
import gc
import os
import signal
import sys

import structlog

from bot.address import AddressUnavailable
from bot.cli import SETTINGS
from bot.cli.terminal import Terminal
from bot.environment import discard_oauth_variables, export_certificates
from bot.logs import configure_logs
from bot.service import serve
from bot.settings import Settings, SettingsError, load_settings
from bot.slack.bolt import TokenRefused
from bot.subscriptions.store import StoreUnusable

log = structlog.get_logger()

# sysexits.h: EX_UNAVAILABLE. Slack refuses a token, or the database cannot be used as it is.
UNAVAILABLE = 69
# By then all that stays for good is there.
SETTLED_AFTER = 5.0


def run() -> int:
    """Serve until SIGTERM or Ctrl-C, and return the exit code."""
    err = Terminal(sys.stderr, colours=False)
    try:
        settings = load_settings(for_slack=True)
    except SettingsError as failure:
        err.print(*(f"rectask: {line}" for line in failure.lines))
        return SETTINGS
    configure_logs(level=settings.log_level or "info", as_json=_as_json(settings), secrets=settings.secrets)
    export_certificates(settings, os.environ)
    if discard_oauth_variables(os.environ):
        log.warning("settings.ignored", names="SLACK_CLIENT_ID, SLACK_CLIENT_SECRET")
    try:
        asyncio.run(_until_signalled(settings))
    except AddressUnavailable as refusal:
        err.print(f"rectask: {refusal}")
        return SETTINGS
    except TokenRefused as refusal:
        err.print(f"rectask: {refusal} Check it at api.slack.com/apps; `rectask check` proves it.")
        return UNAVAILABLE
    except StoreUnusable as refusal:
        err.print(f"rectask: {refusal}")
        return UNAVAILABLE
    return 0


def _as_json(settings: Settings) -> bool:
    """Text for somebody who looks at it, JSON for what collects logs, unless the settings say."""
    if settings.log_format is None:
        return not sys.stderr.isatty()
    return settings.log_format == "json"


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    settling = loop.call_later(SETTLED_AFTER, _spare_the_collector)
    try:
        await serve(settings, stop=stop)
    finally:
        settling.cancel()


def _spare_the_collector() -> None:
    """Without it the bot stands still for a tenth of a second now and then, while all modules are looked through."""
    gc.collect()
    gc.freeze()
