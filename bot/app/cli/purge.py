"""`rectask purge`: deletes what is stored about one person, but for the record of what they did."""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import timedelta

from bot.app.cli import SETTINGS, USAGE
from bot.app.cli.terminal import Terminal, inert
from bot.app.config.load import load_settings
from bot.app.config.settings import SettingsError
from bot.app.log_setup import configure_logs
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.storage.check import PATIENCE
from bot.storage.database import open_database
from bot.storage.upkeep import SqlUpkeep

# sysexits.h: EX_UNAVAILABLE.
UNAVAILABLE = 69
_USER_ID = re.compile(r"[UW][A-Z0-9]+")
_TEAM_ID = re.compile(r"[TE][A-Z0-9]+")


def purge(arguments: argparse.Namespace, *, patience: timedelta = PATIENCE) -> int:
    """Delete, say what was deleted, and return the exit code. A step that takes longer than `patience` fails."""
    out, err = Terminal(sys.stdout, colours=False), Terminal(sys.stderr, colours=False)
    if flaw := _flaw(arguments.user_id, arguments.team):
        err.print(f"rectask: {flaw}")
        return USAGE
    try:
        settings = load_settings(for_store=True)
    except SettingsError as failure:
        err.print(*(f"rectask: {inert(line)}" for line in failure.lines))
        return SETTINGS
    configure_logs(level=settings.log_level or "error", as_json=settings.log_format == "json", secrets=settings.secrets)
    url = settings.database_url.get_secret_value()
    try:
        out.print(*asyncio.run(_purge(url, arguments.user_id, team_id=arguments.team, patience=patience)))
    except DatabaseUnavailable as failure:
        err.print(f"rectask: {inert(str(failure))}")
        return UNAVAILABLE
    return 0


def _flaw(user_id: str, team_id: str | None) -> str | None:
    """In words for a person. A mistyped id would be answered with "Nothing is stored"."""
    if not _USER_ID.fullmatch(user_id):
        return "USER_ID must be a Slack user id. Example: rectask purge U024BE7LH"
    if team_id is not None and not _TEAM_ID.fullmatch(team_id):
        return "--team must be the id of a Slack workspace. Example: --team T024BE7LH"
    return None


async def _purge(url: str, user_id: str, *, team_id: str | None, patience: timedelta) -> Sequence[str]:
    """What was deleted, a line for each workspace."""
    async with open_database(url, patience=patience, creates=False) as database:
        upkeep = SqlUpkeep(database)
        known = await upkeep.workspaces_of(user_id)
        lines = [
            _said(Person(team, user_id), await upkeep.purge_person(Person(team, user_id)))
            for team in known
            if team_id in (None, team)
        ]
    return lines or [f"Nothing is stored about {user_id}{f' in {team_id}' if team_id else ''}."]


def _said(person: Person, subscriptions: int) -> str:
    what = "1 subscription" if subscriptions == 1 else f"{subscriptions} subscriptions"
    return f"{person.user_id} in {person.team_id}: deleted {what} with all notices, and what is kept of the home tab."
