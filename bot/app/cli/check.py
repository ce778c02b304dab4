"""`rectask check`: proves settings, credentials and connections, a line each."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import TextIO

from bot import __version__
from bot.app.address import diagnose_address
from bot.app.cli import SETTINGS
from bot.app.cli.terminal import Terminal, inert
from bot.app.config.environment import export_certificates
from bot.app.config.load import load_settings
from bot.app.config.settings import Settings, SettingsError
from bot.app.log_setup import configure_logs
from bot.app.wiring.access import rights_of
from bot.app.wiring.lookup import open_bot, rtc_apps
from bot.runtime.checks import CheckResult
from bot.runtime.proxy import proxy_for
from bot.slack.check import diagnose_slack
from bot.slack.connection.client import make_slack, open_session
from bot.slack.manifest import SCOPES, SCOPES_OF_RULES
from bot.storage.check import diagnose_store
from bot.volcengine.files.router import diagnose_stores
from bot.volcengine.rtc.check import diagnose

ALL_WELL, SOMETHING_FAILS = 0, 1
# Seconds for each step.
LIMIT = 15.0
_SILENT = "Something accepts connections there and is silent. Check the address, and firewalls and proxies on the way."


def check(stream: TextIO, *, limit: float = LIMIT, leave: Callable[[int], None] = os._exit) -> int:
    """Print a line for each step and return the exit code; each step ends within `limit` seconds.

    Where one of them had to be given up, the process is left at once: what it hangs in would be waited for.
    """
    try:
        settings = load_settings()
    except SettingsError as failure:
        Terminal(sys.stderr, colours=False).print(*(f"rectask: {line}" for line in failure.lines))
        return SETTINGS
    export_certificates(settings, os.environ)
    configure_logs(level=settings.log_level or "error", as_json=settings.log_format == "json", secrets=settings.secrets)
    terminal = Terminal.on(stream, no_color=settings.no_color is not None)
    with asyncio.Runner() as runner:
        steps = Steps(limit)
        exit_code = runner.run(_check_all(settings, terminal, steps))
        if steps.given_up:
            stream.flush()
            leave(exit_code)
    return exit_code


async def _check_all(settings: Settings, terminal: Terminal, steps: "Steps") -> int:
    exit_code = ALL_WELL
    async for finding in _findings(settings, steps):
        terminal.print(*_lines(finding, terminal))
        if not finding.is_well:
            exit_code = SOMETHING_FAILS
    return exit_code


class Steps:
    """Ends each step in time, whatever it meets."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.given_up: set[asyncio.Task[CheckResult | None]] = set()

    async def of(self, findings: AsyncIterator[CheckResult], name: str) -> AsyncIterator[CheckResult]:
        """The findings; for one that takes too long, one that says so, and that is the last."""
        while True:
            step = asyncio.create_task(_next(findings))
            await asyncio.wait({step}, timeout=self._limit)
            if not step.done():
                step.cancel()
                self.given_up.add(step)
                yield CheckResult(name, is_well=False, said=f"No answer within {self._limit:g} s.", advice=_SILENT)
                return
            finding = step.result()
            if finding is None:
                return
            yield finding


async def _next(findings: AsyncIterator[CheckResult]) -> CheckResult | None:
    return await anext(findings, None)


async def _findings(settings: Settings, steps: Steps) -> AsyncIterator[CheckResult]:
    names = ", ".join(app.name for app in rtc_apps(settings))
    yield CheckResult("settings", is_well=True, said=f"Keys from {settings.key_names}; apps: {names}.")
    parts = {"rtc": _rtc_findings, "store": _store_findings, "slack": _slack_findings}
    for name, part in parts.items():
        async for finding in steps.of(part(settings), name):
            yield finding


async def _rtc_findings(settings: Settings) -> AsyncIterator[CheckResult]:
    async with open_bot(settings) as bot:
        async for finding in diagnose(
            settings.rtc_endpoint, rtc=bot.rtc, apps=bot.apps, proxy=proxy_for(settings.rtc_endpoint)
        ):
            yield finding
        async for finding in diagnose_stores(bot.links.rules, proxy_for=proxy_for):
            yield finding


async def _store_findings(settings: Settings) -> AsyncIterator[CheckResult]:
    yield await diagnose_store(settings.database_url.get_secret_value(), release=__version__)
    if settings.redis_url is not None:
        # The driver is an extra.
        from bot.lookup.redis.check import diagnose_redis  # noqa: PLC0415

        yield await diagnose_redis(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)


async def _slack_findings(settings: Settings) -> AsyncIterator[CheckResult]:
    if settings.slack_bot_token is None:
        yield CheckResult("slack", is_well=True, said="Not set up: `serve` needs SLACK_BOT_TOKEN, `show` does not.")
        return
    yield await diagnose_address(host=settings.host, port=settings.port)
    token = settings.slack_app_token
    async with open_session() as session:
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


def _lines(finding: CheckResult, terminal: Terminal) -> list[str]:
    mark = terminal.paint("ok  ", "green") if finding.is_well else terminal.paint("FAIL", "bold", "red")
    lines = [f"{mark}  {finding.step:<20} {inert(finding.said)}"]
    if finding.advice is not None:
        lines += terminal.prose(inert(finding.advice), indent=" " * 6)
    return lines
