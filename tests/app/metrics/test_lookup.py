"""What the look-up counts of its own work moves the metrics that tell of it."""

from datetime import UTC, datetime
from typing import get_args

from bot.app.metrics.prometheus import make_meters
from bot.lookup.meter import LookupMeter, Source
from bot.recording.reading import Priority


def test_answers_and_turns_are_told() -> None:
    meters = make_meters(version="1", clock=lambda: datetime.now(UTC))
    meter: LookupMeter = meters.lookup
    for source in get_args(Source):
        meter.answered(source)
    meter.queued(Priority.PERSON, 3)
    meter.queued(Priority.PERSON, -1)
    meter.waited(Priority.BACKGROUND, 0.3)
    meter.paced(is_shared=True)
    told = meters.registry.get_sample_value
    assert [told("rectask_answers_total", {"source": source}) for source in get_args(Source)] == [1, 1, 1, 1]
    assert [told("rectask_pacer_waiting", {"priority": each}) for each in ("person", "background")] == [2, 0]
    buckets = [{"priority": "background", "le": limit} for limit in ("0.25", "0.5")]
    assert [told("rectask_pacer_wait_seconds_bucket", bucket) for bucket in buckets] == [0, 1]
    assert told("rectask_pacer_shared") == 1
    meter.paced(is_shared=False)
    assert told("rectask_pacer_shared") == 0
