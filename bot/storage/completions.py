"""What was noticed of a watched task, as rows, and the notices that tell of it."""

from typing import Any

from sqlalchemy import Row, Select, and_, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import NoticeState
from bot.storage.columns import EPOCH
from bot.storage.database import Database
from bot.storage.rows import AppNames, Decoder
from bot.storage.tables import IS_OPEN, completions, notices, subscriptions

# Of all that was noticed of one task, what says the most comes first. UNCLEAR is no end.
TELLING = (Occasion.REPLACED, Occasion.GONE, Occasion.FORGOTTEN, Occasion.FILES, Occasion.ENDED)


def completion(row: Row[Any], names: AppNames) -> Completion:
    """The row, whose columns have the table's names. Raises ValueError for an occasion of a newer release."""
    return Completion(Occasion(row.occasion), row.noticed_at, names.reading(row.reading), names.reading(row.newer))


async def most_telling(connection: AsyncConnection, watched_id: int, decoder: Decoder) -> Completion | None:
    """None where the task's end was not noticed."""
    is_telling = completions.c.occasion.in_([occasion.value for occasion in TELLING])
    rows = await connection.execute(select(completions).where(completions.c.watched_task_id == watched_id, is_telling))
    noticed = decoder.decode(rows, completion, of=completions.name)
    found = {each.occasion: each for each in noticed}
    return next((found[occasion] for occasion in TELLING if occasion in found), None)


async def store(database: Database, connection: AsyncConnection, watched_id: int, noticed: Completion) -> int:
    """The completion's id. What was noticed first of an occasion stays, but late files are shown with the end too."""
    await connection.execute(
        database.insert(completions)
        .values(
            watched_task_id=watched_id,
            occasion=noticed.occasion.value,
            noticed_at=noticed.noticed_at,
            reading=noticed.reading,
            newer=noticed.newer,
        )
        .on_conflict_do_nothing(index_elements=["watched_task_id", "occasion"])
    )
    if noticed.occasion is Occasion.FILES and noticed.reading is not None:
        end = _is_of(watched_id, Occasion.ENDED)
        await connection.execute(update(completions).where(end).values(reading=noticed.reading))
    stored = await connection.execute(select(completions.c.id).where(_is_of(watched_id, noticed.occasion)))
    return int(stored.scalar_one())


async def queue_notices(
    database: Database, connection: AsyncConnection, watched_id: int, *, completion_id: int, occasion: Occasion
) -> None:
    """One for each subscriber who has none of this completion yet."""
    told = _told_of_files(watched_id) if occasion is Occasion.FILES else _told_of_all(watched_id)
    rows = [
        {"subscription_id": row.subscription_id, "follows": row.follows, "key": database.new_key()}
        for row in await connection.execute(told)
    ]
    if not rows:
        return
    queued = database.insert(notices).values(
        completion_id=completion_id,
        state=NoticeState.PENDING.value,
        attempts=0,
        due_at=database.now(),
        queued_at=database.now(),
        lease_until=EPOCH,
        lease_token=0,
    )
    await connection.execute(queued.on_conflict_do_nothing(index_elements=["subscription_id", "completion_id"]), rows)


def _is_of(watched_id: int, occasion: Occasion) -> Any:
    return and_(completions.c.watched_task_id == watched_id, completions.c.occasion == occasion.value)


def _told_of_all(watched_id: int) -> Select[Any]:
    is_subscribed = and_(subscriptions.c.watched_task_id == watched_id, IS_OPEN)
    told = select(subscriptions.c.id.label("subscription_id"), literal(None).label("follows"))
    return told.where(is_subscribed).order_by(subscriptions.c.id)


def _told_of_files(watched_id: int) -> Select[Any]:
    """Those who were told of the end, or are about to be.

    The lock keeps a notice of the end from being settled unseen until the one that follows it is there.
    """
    return (
        select(notices.c.subscription_id, notices.c.id.label("follows"))
        .join(completions, completions.c.id == notices.c.completion_id)
        .join(subscriptions, subscriptions.c.id == notices.c.subscription_id)
        .where(_is_of(watched_id, Occasion.ENDED), IS_OPEN, notices.c.state != NoticeState.DEAD.value)
        .order_by(notices.c.id)
        .with_for_update(key_share=True, of=notices)
    )
