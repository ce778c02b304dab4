from structlog.typing import EventDict

from bot.notices.outage import OutageDetector


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failures_in_a_row_for_some_seconds_are_an_outage_and_the_first_success_ends_it(
    logged: list[EventDict],
) -> None:
    timer = Timer()
    outage = OutageDetector("rtc", timer=timer)
    for _ in range(20):
        timer.now += 1.0
        outage.note_failure("no answer")
    assert outage.is_on
    assert outage.note_success()
    assert not outage.note_success()
    assert [(entry["event"], entry["of"]) for entry in logged] == [("outage.began", "rtc"), ("outage.ended", "rtc")]


def test_a_part_that_fails_is_no_outage(logged: list[EventDict]) -> None:
    timer = Timer()
    outage = OutageDetector("rtc", timer=timer)
    for number in range(1_000):
        timer.now += 0.02
        outage.note_failure("no answer") if number % 5 else outage.note_success()
    assert not outage.is_on
    assert logged == []
