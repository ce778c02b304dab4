"""The alert rules: what promtool says of them, what they read, and where they send whoever is woken."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from bot.volcengine.api.error_codes import ERROR_CODES, Kind
from tests.deploy.metric_names import OF_THE_DATABASE
from tests.deploy.places import DEPLOY, ROOT
from tests.deploy.promql import selectors, unknown_in

PROMETHEUS = DEPLOY / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((PROMETHEUS / "rules.yaml").read_text())["groups"] for rule in group["rules"]
]
CASES: list[dict[str, Any]] = [
    case
    for test in yaml.safe_load((PROMETHEUS / "rules_test.yaml").read_text())["tests"]
    for case in test.get("promql_expr_test", [])
]

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed; Debian's package prometheus has it"
)
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])


@promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "rules.yaml"),
        pytest.param(("test", "rules", "rules_test.yaml"), marks=pytest.mark.slow),
        ("check", "config", "scrape-compose.yaml"),
    ],
    ids=" ".join,
)
def test_promtool_takes_it(words: tuple[str, ...]) -> None:
    ran = subprocess.run(["promtool", *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert ran.returncode == 0, ran.stdout + ran.stderr


@each_rule
def test_it_reads_what_the_bot_tells(rule: dict[str, Any]) -> None:
    assert unknown_in(rule["expr"]) == set()
    assert all('job="rectask"' in str(selector.matchers) for selector in selectors(rule["expr"]))


@each_rule
def test_it_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert annotations["description"].count(".") >= 2
    # An alert without `for` looks at a long time by itself.
    assert "for" in rule or "[1h]" in rule["expr"]


@each_rule
def test_its_runbook_is_there(rule: dict[str, Any]) -> None:
    path, anchor = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), flags=re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    assert anchor == rule["alert"].lower()


@each_rule
def test_a_case_fires_and_one_does_not(rule: dict[str, Any]) -> None:
    of_it = [case for case in CASES if f'alertname="{rule["alert"]}"' in case["expr"]]
    assert any(case["exp_samples"] for case in of_it)
    assert any(not case["exp_samples"] for case in of_it)


@each_rule
def test_what_every_replica_tells_alike_is_not_added_up(rule: dict[str, Any]) -> None:
    for name in OF_THE_DATABASE:
        assert not re.search(rf"sum[^)]*\b{name}\b", rule["expr"])


def test_no_two_alerts_have_one_name() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)


def test_all_that_rtc_calls_too_often_counts() -> None:
    (rule,) = [rule for rule in RULES if rule["alert"] == "RectaskAskedTooOften"]
    too_many = {name for row in ERROR_CODES if row.kind is Kind.TOO_MANY for name in row.names}
    codes = {m.value for s in selectors(rule["expr"]) for m in s.matchers.matchers if m.name == "code"}
    assert {name for value in codes for name in value.split("|")} == {"429", *too_many}


@pytest.mark.parametrize(
    "broken",
    [
        "sum(rectask_lookup_total)",
        'max(rectask_notices{state="waiting"})',
        'max(rectask_notices{status="pending"})',
        "rate(rectask_ack_seconds[5m])",
        "max by (status) (rectask_notices)",
    ],
)
def test_what_the_bot_does_not_tell_is_found(broken: str) -> None:
    assert unknown_in(broken)


def test_prometheus_looks_where_the_bot_serves() -> None:
    config = yaml.safe_load((PROMETHEUS / "scrape-compose.yaml").read_text())
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    (job,) = config["scrape_configs"]
    bots = {name: service for name, service in compose["services"].items() if name.startswith("bot")}
    targets = {f"{name}:{service['environment']['RECTASK_PORT']}" for name, service in bots.items()}
    assert job["job_name"] == "rectask"
    assert set(job["static_configs"][0]["targets"]) == targets


def test_prometheus_finds_the_pods() -> None:
    """Debian's promtool is built without the cluster's part, so that this is not looked at by it."""
    (job,) = yaml.safe_load((PROMETHEUS / "scrape-kubernetes.yaml").read_text())["scrape_configs"]
    (discovery,) = job["kubernetes_sd_configs"]
    (pods,) = yaml.safe_load_all((DEPLOY / "kubernetes" / "base" / "deployment.yaml").read_text())
    assert job["job_name"] == "rectask"
    label, _, value = discovery["selectors"][0]["label"].partition("=")
    assert pods["spec"]["template"]["metadata"]["labels"][label] == value
    (port,) = pods["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert job["relabel_configs"][0]["regex"] == port["name"]
