"""`rectask purge` as it is typed: what is deleted, what is said, and the exit code."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from bot.app.cli import main
from bot.storage.tables import schema_release
from testing.factories import SetClock
from testing.stores import ANN, BOB, CAT, OTHER_REF, Stores, open_stores, reading

Answer = TypeVar("Answer")
UseEnviron = Callable[[Mapping[str, str]], None]
KEYS = {"VOLC_ACCESSKEY": "AKx", "VOLC_SECRETKEY": "SKx==", "RECTASK_APP_ID": "661e0000000000000000543c"}


def in_stores(url: str, work: Callable[[Stores], Awaitable[Answer]]) -> Answer:
    async def go() -> Answer:
        async with open_stores(url, SetClock(datetime.now(UTC))) as stores:
            return await work(stores)

    return asyncio.run(go())


@pytest.fixture
def database(url: str, use_environ: UseEnviron) -> str:
    """Of Ann, of Bob, and of Ann's namesake in another workspace; the environment names it."""
    use_environ({**KEYS, "RECTASK_DATABASE_URL": url})

    async def fill(stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
        await stores.conclude()
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        await stores.upkeep.note_home(ANN)

    in_stores(url, fill)
    return url


def left(url: str) -> set[str]:
    """Whose rows there are."""

    async def find(stores: Stores) -> set[str]:
        named = {"Ann": ANN, "Bob": BOB, "Cat": CAT}
        return {
            name
            for name, person in named.items()
            if await stores.subscriptions.entries(person, limit=9) or await stores.upkeep.has_home(person)
        }

    return in_stores(url, find)


def test_in_every_workspace(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", "U1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "U1 in T1: deleted 2 subscriptions with all notices, and what is kept of the home tab.",
        "U1 in T2: deleted 1 subscription with all notices, and what is kept of the home tab.",
    ]
    assert left(database) == {"Bob"}


def test_in_one_workspace(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", "U1", "--team", "T2"]) == 0
    assert capsys.readouterr().out.startswith("U1 in T2: deleted 1 subscription with")
    assert left(database) == {"Ann", "Bob"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [(["U9"], "Nothing is stored about U9."), (["U2", "--team", "T2"], "Nothing is stored about U2 in T2.")],
)
def test_nobody(database: str, typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", *typed]) == 0
    assert capsys.readouterr().out.strip() == said
    assert left(database) == {"Ann", "Bob", "Cat"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["@ann"], "USER_ID must be a Slack user id."),
        (["T1"], "USER_ID must"),
        (["U1", "--team", "acme"], "--team must be the id of a Slack workspace."),
    ],
)
def test_wrong_usage(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", *typed]) == 2
    assert said in capsys.readouterr().err


def test_wrong_settings(use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]) -> None:
    use_environ({"RECTASK_DATABASE_URL": "mysql://db"})
    assert main(["purge", "U1"]) == 78
    assert "RECTASK_DATABASE_URL" in capsys.readouterr().err


def test_a_database_that_is_too_new(
    sqlite_url: str, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]
) -> None:
    use_environ({**KEYS, "RECTASK_DATABASE_URL": sqlite_url})

    async def renew(stores: Stores) -> None:
        async with stores.database.writing() as connection:
            await connection.execute(schema_release.update().values(revision="9999", oldest_release="99.0.0"))

    in_stores(sqlite_url, renew)
    assert main(["purge", "U1"]) == 69
    assert "newer release" in capsys.readouterr().err
