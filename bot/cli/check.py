"""`rectask check`: proves settings, credentials and connections, a line each."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import TextIO

import aiohttp

from bot import __version__
from bot.address import diagnose_address
from bot.app import open_bot, rtc_apps
from bot.cli import SETTINGS
from bot.cli.terminal import Terminal, inert
from bot.environment import export_certificates
from bot.finding import Finding
from bot.gatekeeping import rights_of
from bot.logs import configure_logs
from bot.manifest import SCOPES, SCOPES_OF_RULES
from bot.proxies import proxy_for
from bot.settings import Settings, SettingsError, load_settings
from bot.slack.bolt import make_slack
from bot.slack.diagnosis import diagnose_slack
from bot.storage.diagnosis import diagnose_store
from bot.volcengine.diagnosis import diagnose
from bot.volcengine.links import diagnose_stores

ALL_WELL, SOMETHING_FAILS = 0, 1


def check(stream: TextIO) -> int:
    """Print a line for each step and return the exit code."""
    try:
        settings = load_settings()
    except SettingsError as failure:
        Terminal(sys.stderr, colours=False).print(*(f"rectask: {line}" for line in failure.lines))
        return SETTINGS
    export_certificates(settings, os.environ)
    configure_logs(level=settings.log_level or "error", as_json=settings.log_format == "json", secrets=settings.secrets)
    terminal = Terminal.on(stream, no_color=settings.no_color is not None)
    return asyncio.run(_check_all(settings, terminal))


async def _check_all(settings: Settings, terminal: Terminal) -> int:
    exit_code = ALL_WELL
    async for finding in _findings(settings):
        terminal.print(*_lines(finding, terminal))
        if not finding.is_well:
            exit_code = SOMETHING_FAILS
    return exit_code


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    names = ", ".join(app.name for app in rtc_apps(settings))
    yield Finding("settings", is_well=True, said=f"Keys from {settings.key_names}; apps: {names}.")
    async with open_bot(settings) as bot:
        async for finding in diagnose(
            settings.rtc_endpoint, rtc=bot.rtc, apps=bot.apps, proxy=proxy_for(settings.rtc_endpoint)
        ):
            yield finding
        async for finding in diagnose_stores(bot.links.rules, proxy_for=proxy_for):
            yield finding
    yield await diagnose_store(settings.database_url.get_secret_value(), release=__version__)
    if settings.redis_url is not None:
        # The driver is an extra.
        from bot.lookup.redis_diagnosis import diagnose_redis  # noqa: PLC0415

        yield await diagnose_redis(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    async for finding in _slack_findings(settings):
        yield finding


async def _slack_findings(settings: Settings) -> AsyncIterator[Finding]:
    if settings.slack_bot_token is None:
        yield Finding("slack", is_well=True, said="Not set up: `serve` needs SLACK_BOT_TOKEN, `show` does not.")
        return
    yield await diagnose_address(host=settings.host, port=settings.port)
    token = settings.slack_app_token
    async with aiohttp.ClientSession() as session:
        slack = make_slack(
            token=settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, session=session
        )
        app_token = None if token is None else token.get_secret_value()
        groups = rights_of(settings).groups
        async for finding in diagnose_slack(slack, app_token=app_token, scopes=_scopes(settings), groups=groups):
            yield finding


def _scopes(settings: Settings) -> list[str]:
    """Those of user groups only where a rule names one."""
    has_groups = any(rule.groups for rule in settings.file.allow)
    return [scope for scope in SCOPES if has_groups or scope not in SCOPES_OF_RULES]


def _lines(finding: Finding, terminal: Terminal) -> list[str]:
    mark = terminal.paint("ok  ", "green") if finding.is_well else terminal.paint("FAIL", "bold", "red")
    lines = [f"{mark}  {finding.step:<20} {inert(finding.said)}"]
    if finding.advice is not None:
        lines += terminal.prose(inert(finding.advice), indent=" " * 6)
    return lines
