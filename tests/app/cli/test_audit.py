"""`rectask audit` as it is typed: what is found, in words and as JSON, and the exit code."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.access.audit.record import AuditedAction, Door, Outcome, Record
from bot.app.cli import main
from bot.storage.audit import SqlAudit
from bot.storage.database import open_database
from bot.storage.tables import schema_release

UseEnviron = Callable[[Mapping[str, str]], None]
NOW = datetime.now(UTC)


def record(number: int, *, ago: timedelta = timedelta(), **more: str) -> Record:
    parts = {"user_id": "U024BE7LH", "room": "Room1", "task": "Task1", "app": "prod", **more}
    return Record(
        at=NOW - ago,
        team_id="T1",
        deed=AuditedAction(parts.pop("deed", "look_up")),
        door=Door.COMMAND,
        outcome=Outcome(parts.pop("outcome", "done")),
        channel="C012AB3CD",
        id=f"{number:05}",
        **parts,
    )


RECORDS = [
    record(1, ago=timedelta(days=3)),
    record(2, ago=timedelta(hours=5), user_id="U2", deed="share"),
    record(3, ago=timedelta(minutes=5), room="r" * 128, task="t" * 128, request_id="2026112212000001"),
    record(4, outcome="refused", reason="may not", app="staging"),
]


@pytest.fixture
def database(tmp_path: Path, use_environ: UseEnviron) -> str:
    """Of a bot that has been asked a little; the environment names it."""
    url = f"sqlite:///{tmp_path}/rectask.db"
    environ = {"VOLC_ACCESSKEY": "AKx", "VOLC_SECRETKEY": "SKx==", "RECTASK_APP_ID": "661e0000000000000000543c"}
    use_environ(environ | {"RECTASK_DATABASE_URL": url})
    write(url, *RECORDS)
    return url


def write(url: str, *records: Record) -> None:
    async def go() -> None:
        async with open_database(url) as opened:
            await SqlAudit(opened).write(records)

    asyncio.run(go())


def found(capsys: pytest.CaptureFixture[str], *typed: str) -> list[str]:
    assert main(["audit", "--json", *typed]) == 0
    return [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ([], ["00004", "00003", "00002", "00001"]),
        (["--limit", "2"], ["00004", "00003"]),
        (["--limit", "0"], ["00004", "00003", "00002", "00001"]),
        (["--person", "U2"], ["00002"]),
        (["--room", "Room1", "--task", "Task1"], ["00004", "00002", "00001"]),
        (["--app", "staging"], ["00004"]),
        (["--what", "share"], ["00002"]),
        (["--outcome", "refused"], ["00004"]),
        (["--since", "24h"], ["00004", "00003", "00002"]),
        (["--since", "4d", "--until", "1h"], ["00002", "00001"]),
        (["--since", (NOW - timedelta(hours=6)).isoformat(), "--until", "10m"], ["00002"]),
        (["--until", "1999-01-01"], []),
    ],
)
def test_searching(typed: list[str], ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, *typed) == ids


def test_an_export_of_any_length(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(database, *(record(number, ago=timedelta(seconds=number)) for number in range(10, 1510)))
    assert len(found(capsys, "--limit", "0")) == 1504
    assert len(found(capsys, "--limit", "700")) == 700
    assert len(set(found(capsys, "--limit", "0", "--room", "Room1"))) == 1503


@pytest.mark.usefixtures("database")
def test_in_words_on_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0][19:] == "  U024BE7LH    look_up      refused  staging · Room1 · Task1"
    assert lines[1].strip() == "by command in C012AB3CD · may not"
    assert "request id 2026112212000001" in "\n".join(lines)
    assert "t" * 79 in "\n".join(lines)


@pytest.mark.usefixtures("database")
def test_nothing_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--person", "U9"]) == 0
    assert capsys.readouterr().out == "Nothing is recorded that fits.\n"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--since", "yesterday"], "--since wants how long ago, or a time. Examples: --since 24h"),
        (["--until", "999999d"], "--until wants how long ago"),
        (["--limit", "-1"], "--limit wants a number of records, or 0 for all"),
    ],
)
def test_wrong_usage(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *typed]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_a_deed_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "--what", "see"])
    assert ended.value.code == 2
    assert "look_up" in capsys.readouterr().err


def test_a_database_that_is_too_new(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def renew() -> None:
        async with open_database(database) as opened, opened.writing() as connection:
            await connection.execute(schema_release.update().values(revision="9999", oldest_release="99.0.0"))

    asyncio.run(renew())
    assert main(["audit"]) == 69
    assert "at least Rectask 99.0.0 is needed" in capsys.readouterr().err


def test_without_settings(use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs none, but there is no database where the default says."""
    use_environ({})
    assert main(["audit"]) == 69
    err = capsys.readouterr().err
    assert f"There is no database at {Path('rectask.db').absolute()}. Nothing was created." in err
    assert "RECTASK_DATABASE_URL" in err
    assert not Path("rectask.db").exists()
