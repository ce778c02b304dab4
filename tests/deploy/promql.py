"""What a PromQL expression reads, and what of that the bot does not tell."""

import re
from collections.abc import Iterator

import promql_parser

from tests.deploy.metric_names import LABELS

# Of Prometheus itself, which adds the labels to all that it scrapes.
OTHERS = {"up", "ALERTS"}
OTHER_LABELS = {"job", "instance"}


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
    read = selectors(expression)
    labels = OTHER_LABELS.union(*(LABELS.get(selector.name or "", {}) for selector in read))
    return {flaw for selector in read for flaw in _unknown_of(selector)} | (_grouped_by(expression) - labels)


def _grouped_by(expression: str) -> set[str]:
    groups = re.findall(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)", expression)
    return {label.strip() for group in groups for label in group.split(",")}


def _unknown_of(selector: promql_parser.VectorSelector) -> Iterator[str]:
    name = selector.name or ""
    if name in OTHERS:
        return
    if name not in LABELS:
        yield name
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in OTHER_LABELS:
            there = LABELS[name].get(matcher.name, set())
            yield from (f"{name}: {matcher.name}={value}" for value in matcher.value.split("|") if value not in there)
