"""Rows that can not be decoded are left out, and each is logged once."""

from types import SimpleNamespace
from typing import Any

import structlog

from bot.storage.decoding import NAMED_AT_MOST, Decoder
from bot.storage.naming import AppNames
from bot.subscriptions.subscription import Phase


def rows(*phases: str) -> list[Any]:
    return [SimpleNamespace(id=number, phase=phase) for number, phase in enumerate(phases)]


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


def test_the_log_does_not_grow_for_ever(logged: list[structlog.typing.EventDict]) -> None:
    decoder = Decoder(AppNames({}))
    assert decoder.decode(rows(*["resting"] * 2 * NAMED_AT_MOST), phase_of, of="watched_tasks") == []
    assert len(logged) == NAMED_AT_MOST
