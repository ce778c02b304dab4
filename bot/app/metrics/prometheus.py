"""The meters that the other rooms are handed, and the metrics behind them. Label values come from closed sets only.

Each labelled child is looked up once, when the meters are made: that is most of what counting costs.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.lookup.meter import Source
from bot.notices.meter import Loop, RoundOutcome, Settled
from bot.recording.reading import Priority, TaskNotFound, TaskReadError, TaskRefused
from bot.runtime.line_writer import LineWriter
from bot.slack.connection.admission import Reason
from bot.slack.meter import METHODS, CallOutcome, LostReason, PayloadKind
from bot.volcengine.api.meter import CODES, OTHER

Asker = Literal["person", "watcher"]
LookupOutcome = Literal["found", "not_found", "refused", "unavailable"]

# Seconds. A turn comes every 17 ms at the full limit; a person's answer goes another way after 2 s, and whoever waited
# for 25 s is sent away.
TURN_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)
# One attempt: a gateway near by answers within tenths of a second, and after 10 s it is given up.
REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
# What is due is looked for every second; a minute is called overdue; hours are an outage of RTC or of the store.
LATENESS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
# From memory within milliseconds, Bolt looks every 10 ms; listeners end at 2 s, and Slack's patience at 3 s.
ACK_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


NO_PIPES: Mapping[str, LineWriter | None] = MappingProxyType({"log": None, "audit": None})


class Lookups:
    """Look-ups by what they came to and who asked, for the two meters that tell of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = Counter(
            "rectask_lookups_total", "Look-ups asked for, from memory or not.", ["outcome", "asker"], registry=registry
        )
        self._counted = {
            (asker, outcome): counter.labels(outcome=outcome, asker=asker)
            for asker in get_args(Asker)
            for outcome in get_args(LookupOutcome)
        }

    def count(self, asker: Asker, failure: TaskReadError | None) -> None:
        """One more."""
        self._counted[asker, _outcome(failure)].inc()


def _outcome(failure: TaskReadError | None) -> LookupOutcome:
    match failure:
        case None:
            return "found"
        case TaskNotFound():
            return "not_found"
        case TaskRefused():
            return "refused"
        case _:
            return "unavailable"


class LookupMetrics:
    """The protocol LookupMeter."""

    def __init__(self, registry: CollectorRegistry) -> None:
        answers = Counter("rectask_answers_total", "Where answers came from.", ["source"], registry=registry)
        waiting = Gauge("rectask_pacer_waiting", "Requests that wait for a turn.", ["priority"], registry=registry)
        seconds = Histogram(
            "rectask_pacer_wait_seconds",
            "How long a request waited for its turn.",
            ["priority"],
            buckets=TURN_BUCKETS,
            registry=registry,
        )
        self._answers = {source: answers.labels(source) for source in get_args(Source)}
        self._waiting = {priority: waiting.labels(priority.name.lower()) for priority in Priority}
        self._seconds = {priority: seconds.labels(priority.name.lower()) for priority in Priority}
        self._shared = Gauge("rectask_pacer_shared", "0: Redis is gone, this is an own share.", registry=registry)
        # Where no Redis is set there is nothing to lose.
        self._shared.set(1)

    def answered(self, source: Source) -> None:
        self._answers[source].inc()

    def queued(self, priority: Priority, by: int) -> None:
        self._waiting[priority].inc(by)

    def waited(self, priority: Priority, seconds: float) -> None:
        self._seconds[priority].observe(seconds)

    def paced(self, *, is_shared: bool) -> None:
        self._shared.set(is_shared)


class RtcMetrics:
    """The protocol AttemptMeter."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter("rectask_rtc_requests_total", "Requests to RTC, by answer.", ["code"], registry=registry)
        self._requests = {code: requests.labels(code) for code in CODES}
        self._seconds = Histogram(
            "rectask_rtc_request_seconds",
            "How long a request to RTC took, each attempt by itself.",
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )

    def attempted(self, code: str, seconds: float) -> None:
        self._requests.get(code, self._requests[OTHER]).inc()
        self._seconds.observe(seconds)


class WatchMetrics:
    """The protocol WatchMeter."""

    def __init__(self, registry: CollectorRegistry, lookups: Lookups, *, clock: Callable[[], datetime]) -> None:
        self._lookups = lookups
        self._clock = clock
        rounds = Counter("rectask_rounds_total", "Rounds of the loops.", ["loop", "outcome"], registry=registry)
        self._rounds: Mapping[tuple[Loop, RoundOutcome], Counter] = {
            (loop, outcome): rounds.labels(loop, outcome)
            for loop in get_args(Loop)
            for outcome in get_args(RoundOutcome)
        }
        # Without children, lest there be a time of 1970 before the first round.
        self._good_at = Gauge(
            "rectask_last_good_round_timestamp_seconds", "When the last good round was.", ["loop"], registry=registry
        )
        self._lateness = Histogram(
            "rectask_look_lateness_seconds",
            "How long after it was due a watched task was looked at.",
            buckets=LATENESS_BUCKETS,
            registry=registry,
        )
        settled = Counter("rectask_notices_settled_total", "Attempts to deliver.", ["outcome"], registry=registry)
        self._settled = {outcome: settled.labels(outcome) for outcome in get_args(Settled)}

    def round_ended(self, loop: Loop, outcome: RoundOutcome) -> None:
        self._rounds[loop, outcome].inc()
        if outcome == "good":
            self._good_at.labels(loop).set(self._clock().timestamp())

    def looked(self, *, late: timedelta) -> None:
        # The store's clock may be ahead of this machine's.
        self._lateness.observe(max(late.total_seconds(), 0.0))

    def looked_up(self, failure: TaskReadError | None) -> None:
        self._lookups.count("watcher", failure)

    def settled(self, outcome: Settled) -> None:
        self._settled[outcome].inc()


class SlackMetrics:
    """The protocol SlackMeter."""

    def __init__(self, registry: CollectorRegistry, lookups: Lookups) -> None:
        self._lookups = lookups
        calls = Counter("rectask_slack_calls_total", "Calls of Slack.", ["method", "outcome"], registry=registry)
        self._calls: Mapping[tuple[str, CallOutcome], Counter] = {
            (method, outcome): calls.labels(method, outcome)
            for method in (*METHODS, OTHER)
            for outcome in get_args(CallOutcome)
        }
        seconds = Histogram(
            "rectask_ack_seconds",
            "From receiving what Slack sends to its acknowledgement.",
            ["kind"],
            buckets=ACK_BUCKETS,
            registry=registry,
        )
        self._acks = {kind: seconds.labels(kind) for kind in get_args(PayloadKind)}
        lost = Counter("rectask_socket_lost_total", "Losses of the socket to Slack.", ["reason"], registry=registry)
        self._losses = {reason: lost.labels(reason) for reason in get_args(LostReason)}
        self._regained = Counter("rectask_socket_regained_total", "Ends of such losses.", registry=registry)

    def called(self, method: str, outcome: CallOutcome) -> None:
        self._calls[method if method in METHODS else OTHER, outcome].inc()

    def acknowledged(self, kind: PayloadKind, seconds: float) -> None:
        self._acks[kind].observe(seconds)

    def looked_up(self, failure: TaskReadError | None) -> None:
        self._lookups.count("person", failure)

    def socket_lost(self, reason: LostReason) -> None:
        self._losses[reason].inc()

    def socket_regained(self) -> None:
        self._regained.inc()


class DoorMetrics:
    """The protocol DoorMeter."""

    def __init__(self, registry: CollectorRegistry) -> None:
        refused = Counter(
            "rectask_requests_refused_total", "Requests to the HTTP server not taken.", ["reason"], registry=registry
        )
        self._refused: Mapping[Reason, Counter] = {reason: refused.labels(reason) for reason in get_args(Reason)}

    def refused(self, reason: Reason) -> None:
        self._refused[reason].inc()


@dataclass(frozen=True, slots=True)
class Meters:
    """All of them, over one registry."""

    registry: CollectorRegistry
    lookup: LookupMetrics
    rtc: RtcMetrics
    watch: WatchMetrics
    slack: SlackMetrics
    door: DoorMetrics


def _count_tasks() -> int:
    """Of the loop that runs the scrape."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # no loop runs here
        return 0


class DroppedLines(Collector):
    """What the writers of lines have dropped, which count for themselves; none where there is no writer."""

    def __init__(self, pipes: Mapping[str, LineWriter | None]) -> None:
        self._pipes = pipes

    def collect(self) -> Iterator[Metric]:
        lines = CounterMetricFamily(
            "rectask_lines_dropped", "Lines that nobody read, and that were dropped.", labels=["stream"]
        )
        for stream, writer in self._pipes.items():
            lines.add_metric([stream], 0 if writer is None else writer.dropped)
        yield lines


def make_meters(
    *, version: str, clock: Callable[[], datetime], pipes: Mapping[str, LineWriter | None] = NO_PIPES
) -> Meters:
    """Meters that have counted nothing yet, with what the process itself uses beside them."""
    registry = CollectorRegistry()
    registry.register(DroppedLines(pipes))
    Info("rectask_build", "Which release this is.", registry=registry).info({"version": version})
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    running = Gauge("rectask_asyncio_tasks", "Tasks of the event loop that are not over.", registry=registry)
    running.set_function(_count_tasks)
    lookups = Lookups(registry)
    return Meters(
        registry,
        LookupMetrics(registry),
        RtcMetrics(registry),
        WatchMetrics(registry, lookups, clock=clock),
        SlackMetrics(registry, lookups),
        DoorMetrics(registry),
    )
