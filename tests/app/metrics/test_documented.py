"""Every metric stands in the table of docs/operations.md with its labels, and none that there is not."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bot.app.metrics.prometheus import make_meters
from bot.app.metrics.scrape import StoreCollector
from bot.notices.meter import Loop
from bot.notices.notice import NoticeState
from bot.notices.store import StoreStats

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
OURS = "rectask_"


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    assert documented() == exposed()


def documented() -> dict[str, set[str]]:
    told = PAGE.read_text(encoding="utf-8").partition("## What it counts")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in told.splitlines() if line.startswith(f"| `{OURS}")]
    return {name.strip(" `"): set(re.findall(r"(?:^|; )`([a-z]+)`", labels.strip())) for name, labels in rows}


def exposed() -> dict[str, set[str]]:
    """As Prometheus names them, a histogram by its own name."""
    meters, store = make_meters(version="1", clock=lambda: datetime.now(UTC)), StoreCollector()
    store.census = StoreStats(0, 0, dict.fromkeys(NoticeState, 0), None)
    for loop in get_args(Loop):
        meters.watch.round_ended(loop, "good")
    suffix = {"counter": "_total", "info": "_info"}
    return {
        family.name + suffix.get(family.type, ""): {label for each in family.samples for label in each.labels} - {"le"}
        for collector in (meters.registry, store)
        for family in collector.collect()
        if family.name.startswith(OURS)
    }
