"""What a scrape is answered: what was counted, and what the store says of itself, if it says it in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bot.notices.store import DatabaseUnavailable, StoreStats, Upkeep

log = structlog.get_logger()

# The store is asked this often at most, however often somebody scrapes, and waited for this long.
ASKED_EVERY = 10.0
ANSWERS_WITHIN = 2.0


class Scraping:
    """Answers scrapes; none fails, and none waits for the store longer than two seconds."""

    def __init__(self, registry: CollectorRegistry, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._upkeep: Upkeep | None = None
        self._timer = timer
        self._store = StoreCollector()
        self._all = _WithoutCreated(registry, self._store)
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def asking(self, upkeep: Upkeep) -> AsyncIterator[None]:
        """Ask this store until the block is left."""
        self._upkeep = upkeep
        try:
            yield
        finally:
            self._upkeep, self._store.census = None, None
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.wait([self._asking])

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, by what the Accept header asks for."""
        if self._upkeep is not None:
            await self._look_after(self._upkeep)
        return self._encoded(accept)

    def _encoded(self, accept: str) -> tuple[bytes, str]:
        """Prometheus's client raises for some versions that are none, and quotes others in its content type."""
        with suppress(ValueError, TypeError):
            encode, content_type = choose_encoder(accept)
            if content_type.isascii() and content_type.isprintable():
                return encode(self._all), content_type
        encode, content_type = choose_encoder("")
        return encode(self._all), content_type

    async def _look_after(self, upkeep: Upkeep) -> None:
        """A store that hangs is not asked again while it does: not cancelled, for that may hang as well."""
        is_asking = self._asking is not None and not self._asking.done()
        if not is_asking and self._timer() - self._asked_at >= ASKED_EVERY:
            self._asked_at = self._timer()
            self._asking = asyncio.create_task(self._ask(upkeep))
        if self._asking is None or self._asking.done():
            return
        left = self._asked_at + ANSWERS_WITHIN - self._timer()
        _, late = await asyncio.wait([self._asking], timeout=max(left, 0.0))
        if late:
            self._store.census = None

    async def _ask(self, upkeep: Upkeep) -> None:
        try:
            self._store.census = await upkeep.census()
        except DatabaseUnavailable:
            self._store.census = None  # the loops that work with it say so, once
        except Exception:
            log.exception("census.failed")
            self._store.census = None


class StoreCollector(Collector):
    """The last census; nothing of it where there is none, for old numbers would look like new ones."""

    def __init__(self) -> None:
        self.census: StoreStats | None = None

    def collect(self) -> Iterator[Metric]:
        census = self.census
        yield GaugeMetricFamily("rectask_store_reachable", "1: the store answers; 0: it does not.", census is not None)
        if census is None:
            return
        waits_for = (census.oldest_waiting or timedelta()).total_seconds()
        notices = GaugeMetricFamily("rectask_notices", "Notices in the store.", labels=["state"])
        for state, number in census.notices.items():
            notices.add_metric([state.value], number)
        yield notices
        yield GaugeMetricFamily("rectask_watched_tasks", "Tasks that are looked at.", census.watched)
        yield GaugeMetricFamily("rectask_watched_tasks_overdue", "Of those, due for over a minute.", census.overdue)
        due_for = census.oldest_look.total_seconds()
        yield GaugeMetricFamily("rectask_oldest_due_look_seconds", "For how long it has been due.", due_for)
        yield GaugeMetricFamily("rectask_oldest_pending_notice_seconds", "How long it has waited.", waits_for)


class _WithoutCreated(Collector):
    """Several collectors, without the times at which each counter began: a second series for each, that nobody uses."""

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors:
            for metric in collector.collect():
                metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
                yield metric
