"""What the bot tells at /metrics, by its own meters: the metrics, their series, and the values that labels have."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

from prometheus_client.core import Metric, Sample

from bot.app.metrics.prometheus import make_meters
from bot.app.metrics.scrape import StoreCollector
from bot.notices.meter import Loop
from bot.notices.notice import NoticeState
from bot.notices.store import StoreStats

# Of the one database, so that every replica tells the same: their sum would be as many times too much.
OF_THE_DATABASE = {
    "rectask_watched_tasks",
    "rectask_watched_tasks_overdue",
    "rectask_notices",
    "rectask_oldest_due_look_seconds",
    "rectask_oldest_pending_notice_seconds",
}


def _told() -> Iterator[tuple[Metric, Sample]]:
    meters, store = make_meters(version="1", clock=lambda: datetime.now(UTC)), StoreCollector()
    store.census = StoreStats(0, 0, dict.fromkeys(NoticeState, 0), None)
    for loop in get_args(Loop):
        meters.watch.round_ended(loop, "good")
    for collector in (meters.registry, store):
        for metric in collector.collect():
            yield from ((metric, sample) for sample in metric.samples if not sample.name.endswith("_created"))


_TOLD = tuple(_told())

# Of each series: the metric that it belongs to, and its labels with all their values.
METRIC_OF = {sample.name: metric.name for metric, sample in _TOLD}
LABELS: dict[str, dict[str, set[str]]] = {name: {} for name in METRIC_OF}
for _, _sample in _TOLD:
    for _label, _value in _sample.labels.items():
        LABELS[_sample.name].setdefault(_label, set()).add(_value)
