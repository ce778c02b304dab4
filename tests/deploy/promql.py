"""What a PromQL expression reads, and what of that the bot does not tell."""

import re
from collections.abc import Iterator

import promql_parser

from tests.deploy.metric_names import HISTOGRAMS, LABELS

# Of Prometheus itself, and of prometheus-client's collector for the process.
OTHERS = {"up", "ALERTS", "process_cpu_seconds_total", "process_resident_memory_bytes"}
# Prometheus adds the first two, alerts have the others; `le` is a bucket's.
OTHER_LABELS = {"job", "instance", "alertname", "alertstate", "severity"}


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every series that it selects; raises ValueError where it is not PromQL."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)

    promql_parser.walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")), visit)
    return found


def unknown_in(expression: str) -> set[str]:
    """The names, labels and values in it that nothing has."""
    return {flaw for selector in selectors(expression) for flaw in _unknown_of(selector)}


def _unknown_of(selector: promql_parser.VectorSelector) -> Iterator[str]:
    name = selector.name or ""
    if name in OTHERS:
        return
    metric = metric_of(name)
    if metric is None:
        yield name
        return
    for matcher in selector.matchers.matchers:
        if matcher.name in OTHER_LABELS:
            continue
        values = LABELS[metric].get(matcher.name)
        if values is None:
            yield f"{name}: {matcher.name}"
        else:
            yield from (
                f"{name}: {matcher.name}={value}" for value in matcher.value.split("|") if value not in {*values, ""}
            )


def metric_of(series: str) -> str | None:
    """The metric that a series belongs to: a histogram has several, and never one of its own name."""
    stem = re.sub(r"_(bucket|sum|count)$", "", series)
    if stem in HISTOGRAMS:
        return stem if stem != series else None
    return series if series in LABELS else None
