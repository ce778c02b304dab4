"""Rows that cannot be decoded are left out, and each is logged once."""

from typing import Any, NamedTuple

import pytest
import structlog

from bot.notices.subscription import Phase
from bot.storage.columns import Unreadable
from bot.storage.rows import NAMED_AT_MOST, AppNames, Decoder


class Row(NamedTuple):
    id: int
    phase: object


def rows(*phases: object) -> list[Any]:
    return [Row(number, phase) for number, phase in enumerate(phases)]


def phase_of(row: Any, _names: AppNames) -> Phase:
    return Phase(row.phase)


def test_the_others_are_decoded_in_their_order(logged: list[structlog.typing.EventDict]) -> None:
    decoder = Decoder(AppNames({}))
    for _ in range(3):
        decoded = decoder.decode(rows("closed", "resting", "watching"), phase_of, of="watched_tasks")
        assert decoded == [Phase.CLOSED, Phase.WATCHING]
    assert [(event["event"], event["table"], event["id"]) for event in logged] == [
        ("row.not_decoded", "watched_tasks", 1)
    ]


@pytest.mark.parametrize("flaw", [Unreadable("9"), b"closed", None, [], 7])
def test_a_value_of_another_kind_leaves_its_row_out(flaw: object, logged: list[structlog.typing.EventDict]) -> None:
    found = Decoder(AppNames({})).sort(rows("closed", flaw), phase_of, of="watched_tasks")
    assert found == ([Phase.CLOSED], [1])
    assert len(logged) == 1


def test_the_log_does_not_grow_for_ever(logged: list[structlog.typing.EventDict]) -> None:
    decoder = Decoder(AppNames({}))
    assert decoder.decode(rows(*["resting"] * 2 * NAMED_AT_MOST), phase_of, of="watched_tasks") == []
    assert len(logged) == NAMED_AT_MOST
