"""Every background task of the bot killed once: it is missed, seen at /readyz, and works again."""

import asyncio
from typing import Any

import aiohttp
import pytest
from structlog.typing import EventDict

from testing.conversation import typed, until_ready, words_of
from testing.harness import ONE_DOOR_AT_LEAST, Office, open_office

TASKS = {
    "watcher",
    "deliverer",
    "upkeep",
    "timekeeper",
    "home_tabs",
    "slack_token",
    "audit_upkeep",
    "audit_SqlAudit",
    "audit_JsonLines",
    "profile_changes",
}
OF_DOOR: dict[str, set[str]] = {"http": set(), "socket": {"slack_socket"}}

APART = "/bot/slack/connection/socket_link.py"
# Nothing was done yet when the task was ended.
MAY_BE_LATE = {"rounds", "due_times", "slack_socket"}


async def checks_of(office: Office) -> tuple[int, dict[str, bool]]:
    async with aiohttp.ClientSession() as session, session.get(f"{office.url}/readyz") as response:
        return response.status, (await response.json())["checks"]


async def until_well(office: Office) -> None:
    async with asyncio.timeout(20):
        while True:
            if (await checks_of(office))[0] == 200:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
async def test_each_is_away_for_a_moment_and_works_again(door: str, logged: list[EventDict]) -> None:
    tasks = TASKS | OF_DOOR[door]
    async with open_office(door=door) as office:
        await until_ready(office)
        for task in asyncio.all_tasks():
            if task.get_name() in tasks:
                task.cancel()
        await asyncio.sleep(0.01)
        status, checks = await checks_of(office)
        assert status == 503
        assert {check for check, is_well in checks.items() if not is_well} - MAY_BE_LATE == {
            "background_tasks",
            *(f"background_task_{name}" for name in tasks),
        }
        await until_well(office)
        await typed(office, "watch running Task1")
        assert "Task1" in words_of(await typed(office, "list"))
    for event in ("background_task.ended", "background_task.restarted"):
        assert {entry["task"] for entry in logged if entry["event"] == event} == tasks


@pytest.mark.parametrize("door", ONE_DOOR_AT_LEAST)
async def test_no_task_lives_on_without_supervision(door: str) -> None:
    """But for the one that all others belong to, and the reading of a socket, whose end makes another one be opened."""
    async with open_office(door=door) as office:
        await until_ready(office)
        await typed(office, "Room1 Task1")
        began = {task for task in asyncio.all_tasks() if is_ours(task)} - {office.serving}
        await asyncio.sleep(0.5)
        lives_on = {_name(task) for task in began if not task.done()}
    assert lives_on == TASKS | OF_DOOR[door] | {"serve"}


def is_ours(task: asyncio.Task[Any]) -> bool:
    """Whether the bot's code runs in it, and not that of a library or a stand-in."""
    coroutine = task.get_coro()
    code = getattr(coroutine, "cr_code", None)
    return (
        code is not None
        and "/bot/" in code.co_filename
        and "/playground/" not in code.co_filename
        and not code.co_filename.endswith(APART)
    )


def _name(task: asyncio.Task[Any]) -> str:
    """Or what it does, where nobody has given it one."""
    return repr(task.get_coro()) if task.get_name().startswith("Task-") else task.get_name()
