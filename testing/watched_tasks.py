"""Many subscriptions at once."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from bot.app.wiring.lookup import open_bot
from bot.notices.subscription import Phase, known_start
from bot.playground.slack.world import T_HOME
from bot.recording.reading import Priority, Reading, Urgency
from bot.recording.task_ref import TaskRef
from bot.storage.columns import EPOCH
from bot.storage.database import open_database
from bot.storage.tables import subscriptions, watched_tasks
from testing.stand_ins import settings_for

SUBSCRIBERS = 200


# Half of the tasks have a file already while they run.
ROOMS = ("running", "hls-running")


async def watch(rtc_url: str, database_url: str, tasks: int) -> None:
    """Put so many watched tasks into the database, each with a subscriber, all of them due now."""
    async with open_bot(settings_for(rtc_url)) as bot:
        readings = [
            await bot.reader.read(TaskRef(bot.apps[0], room, "Task1"), urgency=Urgency(Priority.PERSON))
            for room in ROOMS
        ]
    async with open_database(database_url) as database, database.writing() as connection:
        await connection.execute(watched_tasks.insert(), [_watched(n, readings[n % 2]) for n in range(tasks)])
        await connection.execute(subscriptions.insert(), [_subscription(n) for n in range(tasks)])


def _watched(number: int, reading: Reading) -> dict[str, Any]:
    now, ref = datetime.now(UTC), dataclasses.replace(reading.task.ref, task=f"watched{number}.")
    return {
        "id": number + 1,
        "app_id": ref.app.app_id,
        "app_name": ref.app.name,
        "room": ref.room,
        "task": ref.task,
        "started": known_start(reading.task),
        "phase": Phase.WATCHING.value,
        "watched_since": now,
        "next_look_at": now,
        "failures": 0,
        "seen": dataclasses.replace(reading, task=dataclasses.replace(reading.task, ref=ref)),
        "lease_until": EPOCH,
        "lease_token": 0,
    }


def _subscription(number: int) -> dict[str, Any]:
    user = f"U0MANY{number % SUBSCRIBERS:04d}"
    return {"watched_task_id": number + 1, "team_id": T_HOME, "user_id": user, "subscribed_at": datetime.now(UTC)}
