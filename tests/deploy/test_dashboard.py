"""The dashboard: that it reads what the bot tells, fits on one screen, and says what is bad and what to do."""

import itertools
import json
import re
from typing import Any

import pytest

from tests.deploy.metric_names import METRIC_OF, OF_THE_DATABASE
from tests.deploy.places import DEPLOY
from tests.deploy.promql import selectors, unknown_in

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "rectask.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ONE_SCREEN = 24  # units of 38 pixels, below Grafana's own lines, on a screen of 1080

each_panel = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


@each_panel
def test_it_reads_what_the_bot_tells(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert unknown_in(target["expr"]) == set()
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@each_panel
def test_it_says_what_is_bad_and_what_to_do(panel: dict[str, Any]) -> None:
    assert re.match(r"Bad: .+ Do: .+\.$", panel["description"])
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]


@each_panel
def test_what_a_legend_names_is_there(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert label == "instance" or re.search(rf"by \([^)]*\b{label}\b[^)]*\)", target["expr"])


@each_panel
def test_what_every_replica_tells_alike_is_not_added_up(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for name in OF_THE_DATABASE:
            assert not re.search(rf"sum[^)]*\b{name}\b", target["expr"])


def test_no_panel_lies_on_another_and_all_are_on_one_screen() -> None:
    taken: list[tuple[int, int]] = []
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        taken += itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
    assert len(taken) == len(set(taken)) == 24 * ONE_SCREEN
    assert {x for x, _ in taken} == set(range(24))
    assert {y for _, y in taken} == set(range(ONE_SCREEN))


def test_the_rows_ask_what_one_asks_at_night() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Are people served?", "Is RTC fine?", "Do notices come?", "The store and Slack"]


def test_no_two_panels_have_one_id() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_the_data_source_is_chosen_in_grafana() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")


def test_nearly_all_that_the_bot_tells_is_shown() -> None:
    """The queue's length is what its wait tells better; what the loop has under way is for whoever looks for a leak."""
    read = [selector for panel in PANELS for target in panel["targets"] for selector in selectors(target["expr"])]
    shown = {METRIC_OF.get(selector.name or "") for selector in read}
    ours = {metric for metric in METRIC_OF.values() if metric.startswith("rectask_")}
    assert ours - shown == {"rectask_pacer_waiting", "rectask_asyncio_tasks"}
