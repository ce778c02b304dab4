"""What docs/operations.md tells people to type into the database does what it says."""

import re
from pathlib import Path

from sqlalchemy import text

from tests.contracts.stores import ANN, BOB, Stores

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def statements() -> list[str]:
    """Those that purge one person."""
    found = re.findall(r"DELETE FROM [^;]+;", DOCUMENT.read_text(encoding="utf-8"))
    return [statement.replace("'T…'", ":team").replace("'U…'", ":user") for statement in found]


async def test_one_person_is_purged_and_no_other(stores: Stores) -> None:
    for person in (ANN, BOB):
        await stores.subscribe(person)
        await stores.upkeep.note_home(person)
    await stores.conclude()
    assert len(statements()) >= 3
    async with stores.database.writing() as connection:
        for statement in statements():
            await connection.execute(text(statement), {"team": ANN.team_id, "user": ANN.user_id})
    assert await stores.subscriptions.entries(ANN, limit=9) == []
    assert not await stores.upkeep.has_home(ANN)
    (entry,) = await stores.subscriptions.entries(BOB, limit=9)
    assert entry.notice_state == "pending"
    assert await stores.upkeep.has_home(BOB)
