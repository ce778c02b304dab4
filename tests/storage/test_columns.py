"""How values are kept in columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from bot.recording.reading import Reading
from bot.recording.serialization import encode_reading
from bot.recording.task import RUNNING, Status
from bot.storage.columns import EPOCH, Moment, ReadingText, Start, Unreadable, Words
from testing.stores import ANN, BOB, HAS_FILES, NOON, RUNS, Stores, reading

DIALECT = sqlite.dialect()
moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # made aware


@given(moments)
def test_a_moment_is_kept_to_the_microsecond(moment: datetime) -> None:
    number = Moment().process_bind_param(moment, DIALECT)
    assert Moment().process_result_value(number, DIALECT) == moment


def test_a_moment_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        Moment().process_bind_param(datetime(2026, 1, 1), DIALECT)  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize("start", [None, NOON, NOON + timedelta(microseconds=1)])
def test_a_start_that_is_not_known_is_zero(start: datetime | None) -> None:
    number = Start().process_bind_param(start, DIALECT)
    assert (number == 0) == (start is None)
    assert Start().process_result_value(number, DIALECT) == start


@pytest.mark.parametrize("stored", [2**63 - 1, -(2**63), -1, 32_503_680_000_000_000, "noon", b"noon", 1.5])
def test_what_is_no_moment_does_not_raise(stored: Any) -> None:
    """It would do so while rows are fetched, and the other rows would be lost with it."""
    assert isinstance(Moment().process_result_value(stored, DIALECT), Unreadable)
    assert isinstance(Start().process_result_value(stored, DIALECT), Unreadable)


def test_the_epoch_itself_is_zero() -> None:
    assert Moment().process_bind_param(EPOCH, DIALECT) == 0


@given(st.text(st.characters(codec=None)) | st.none())
def test_any_reading_is_kept(code: str | None) -> None:
    odd = reading(Status.from_code(code))
    kept = ReadingText().process_bind_param(odd, DIALECT)
    assert kept is not None
    assert "\0" not in kept
    assert ReadingText().process_result_value(kept.encode().decode(), DIALECT) == odd


def test_the_raw_answer_is_not_kept() -> None:
    whole = Reading(RUNS.task, RUNS.read_at, raw='{"secret": 1}')
    assert ReadingText().process_bind_param(whole, DIALECT) == encode_reading(RUNS)


@pytest.mark.parametrize("words", ["", "not well\0formed\ud800", "ünïcödé ✓", None])
def test_words_are_kept_as_far_as_a_database_can(words: str | None) -> None:
    kept = Words().process_bind_param(words, DIALECT)
    assert kept == (None if words is None else words.replace("\0", "").replace("\ud800", "?"))


async def test_a_reading_of_a_newer_release_stops_nobody(
    stores: Stores, logged: list[structlog.typing.EventDict]
) -> None:
    await stores.subscribe(ANN)
    await stores.conclude(about=HAS_FILES)
    await stores.subscribe(BOB, reading(RUNNING, start=NOON))
    async with stores.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE watched_tasks SET seen = '{\"v\":99}'")
        await connection.exec_driver_sql("UPDATE completions SET reading = 'nonsense'")
    assert (await stores.claim_look()).watched.seen is None
    assert (await stores.claim_notice()).notice.completion.reading is None
    assert [(event["event"], event["table"]) for event in logged] == [
        ("row.not_decoded", "watched_tasks"),
        ("row.not_decoded", "notices"),
    ]
