"""What the Kubernetes documents must say to be right for this bot; their form is tested elsewhere."""

import re
from typing import Any

import pytest

from bot import __version__
from bot.app.config.load import load_settings
from bot.app.config.toml_file import ConfigFile, read_config_file
from tests.deploy.kustomize import Document, build, containers, documents, env_file
from tests.deploy.names import NAMES, ROUTES
from tests.deploy.places import KUBERNETES, OVERLAYS, ROOT

ENDS_WITHIN = 10  # seconds after SIGTERM: docs/operations.md
EXAMPLE: dict[str, str] = documents(KUBERNETES / "secret.example.yaml")[0]["stringData"]

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def _built(overlay: str, kind: str, name: str = "rectask") -> Document:
    found = build(KUBERNETES / "overlays" / overlay)
    return next(d for d in found if d["kind"] == kind and d["metadata"]["name"] == name)


def _bot(overlay: str) -> Document:
    (container,) = containers(_built(overlay, "Deployment"))
    return container


def _settings(overlay: str) -> dict[str, str]:
    """The bot's environment, with what the example has for its secrets."""
    container = _bot(overlay)
    (config,) = [source["configMapRef"]["name"] for source in container["envFrom"]]
    data: dict[str, str] = _built(overlay, "ConfigMap", config)["data"]
    references = [(entry["name"], entry["valueFrom"]["secretKeyRef"]) for entry in container["env"]]
    assert {reference["name"] for _, reference in references} == {"rectask"}
    return data | {name: EXAMPLE[reference["key"]] for name, reference in references}


@overlays
def test_every_name_is_a_setting(overlay: str) -> None:
    assert _settings(overlay).keys() <= NAMES


@overlays
def test_the_bot_starts_with_these_settings(overlay: str) -> None:
    settings = load_settings(
        environ=_settings(overlay) | {"RECTASK_CONFIG": str(KUBERNETES / "base" / "configuration.toml")},
        env_file=KUBERNETES / "no.env",
        for_slack=True,
        for_store=True,
    )
    assert (settings.slack_app_token is not None) == (overlay == "socket")
    assert (settings.slack_signing_secret is not None) == (overlay == "http")


def test_no_secret_is_a_plain_setting() -> None:
    assert not env_file(KUBERNETES / "base" / "settings.env").keys() & EXAMPLE.keys()


def test_the_configuration_is_where_the_setting_says() -> None:
    container, config = _bot("socket"), _built("socket", "ConfigMap", "rectask-configuration")
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert [f"{mounted['configuration']}/{key}" for key in config["data"]] == [_settings("socket")["RECTASK_CONFIG"]]
    assert read_config_file(KUBERNETES / "base" / "configuration.toml", apps=None, variables={}) == ConfigFile()


@overlays
def test_probes_ask_what_the_bot_answers(overlay: str) -> None:
    container = _bot(overlay)
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {("GET", path) for path in paths.values()} <= ROUTES
    (port,) = container["ports"]
    assert {container[name]["httpGet"]["port"] for name in paths} == {port["name"]}
    assert str(port["containerPort"]) == _settings(overlay)["RECTASK_PORT"]


def test_readiness_waits_for_longer_than_the_store_may_take() -> None:
    assert _bot("http")["readinessProbe"]["timeoutSeconds"] > 2


@overlays
def test_it_has_the_time_to_end(overlay: str) -> None:
    spec = _built(overlay, "Deployment")["spec"]["template"]["spec"]
    pause = _bot(overlay).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] >= pause + ENDS_WITHIN + 5
    assert (pause > 0) == (overlay == "http")


def test_a_rollout_takes_nobody_away() -> None:
    spec = _built("http", "Deployment")["spec"]
    rolling = spec["strategy"]["rollingUpdate"]
    assert spec["replicas"] >= 2
    assert (rolling["maxUnavailable"], rolling["maxSurge"]) == (0, 1)
    # Without Redis, and without having seen one another, all of them together still keep to the limit.
    assert int(_settings("http")["RECTASK_REPLICAS"]) == spec["replicas"] + rolling["maxSurge"]


def test_there_is_no_autoscaler() -> None:
    kinds = {document["kind"] for overlay in OVERLAYS for document in build(KUBERNETES / "overlays" / overlay)}
    assert "HorizontalPodAutoscaler" not in kinds
    assert "Secret" not in kinds


@overlays
def test_every_pod_keeps_to_the_restricted_standard(overlay: str) -> None:
    """The namespace enforces it, so a pod that does not would never start."""
    for document in build(KUBERNETES / "overlays" / overlay):
        if document["kind"] != "Deployment":
            continue
        spec = document["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        # A Service called rectask would set RECTASK_PORT.
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"].keys() == {"memory"}


def test_it_runs_as_the_user_of_the_image() -> None:
    context = _built("http", "Deployment")["spec"]["template"]["spec"]["securityContext"]
    (uid,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert context["runAsUser"] == context["runAsGroup"] == int(uid)


@overlays
def test_every_selector_finds_its_pods(overlay: str) -> None:
    found = build(KUBERNETES / "overlays" / overlay)
    pods = [d["spec"]["template"]["metadata"]["labels"] for d in found if d["kind"] == "Deployment"]
    selectors = [selector for document in found for selector in _selectors(document)]
    assert len(selectors) >= 6
    for selector in selectors:
        assert any(selector.items() <= labels.items() for labels in pods), selector


def _selectors(document: Document) -> list[dict[str, str]]:
    """All label selectors of pods of this namespace; an empty one, of all pods, fits anyway."""
    spec = document.get("spec", {})
    if document["kind"] == "Service":
        return [spec["selector"]]
    selectors = [spec.get("selector"), spec.get("podSelector")]
    selectors += [s["labelSelector"] for s in _pod(document).get("topologySpreadConstraints", [])]
    for rule in (*spec.get("ingress", []), *spec.get("egress", [])):
        peers = (*rule.get("from", []), *rule.get("to", []))
        selectors += [peer.get("podSelector") for peer in peers if "namespaceSelector" not in peer]
    return [selector["matchLabels"] for selector in selectors if selector]


def _pod(document: Document) -> Document:
    spec: Document = document.get("spec", {}).get("template", {}).get("spec", {})
    return spec


def test_nothing_goes_in_or_out_but_what_is_named() -> None:
    deny = _built("socket", "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _ports(_built("socket", "NetworkPolicy")["spec"]["egress"]) == {53, 443, 5432, 6379}
    assert _let_in("socket") == {"monitoring"}
    assert _let_in("http") == {"monitoring", "ingress-nginx"}


def _ports(rules: list[Any]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def _let_in(overlay: str) -> set[str]:
    rules = _built(overlay, "NetworkPolicy")["spec"]["ingress"]
    assert {str(port) for port in _ports(rules)} == {_settings(overlay)["RECTASK_PORT"]}
    peers = [peer for rule in rules for peer in rule["from"]]
    return {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers}


def test_the_metadata_service_is_out_of_reach() -> None:
    rules = _built("socket", "NetworkPolicy")["spec"]["egress"]
    worlds = [peer["ipBlock"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    assert [world["cidr"] for world in worlds] == ["0.0.0.0/0", "::/0"]
    assert "169.254.0.0/16" in worlds[0]["except"]


def test_the_world_reaches_slacks_door_alone() -> None:
    (rule,) = _built("http", "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/slack/events", "Exact")
    assert ("POST", path["path"]) in ROUTES
    service = _built("http", "Service", path["backend"]["service"]["name"])
    assert [port["name"] for port in service["spec"]["ports"]] == [path["backend"]["service"]["port"]["name"]]
    assert service["spec"]["ports"][0]["targetPort"] == _bot("http")["ports"][0]["name"]


def test_redis_is_where_the_example_looks_for_it() -> None:
    service = _built("socket", "Service", "redis")
    at = f"redis:{service['spec']['ports'][0]['port']}/0"
    assert EXAMPLE["RECTASK_REDIS_URL"] == f"redis://:{EXAMPLE['REDIS_PASSWORD']}@{at}"


def test_the_image_is_of_this_release() -> None:
    """A new release: `app.kubernetes.io/version` and `newTag` in base/kustomization.yaml, IMAGE_TAG in compose."""
    deployment = _built("http", "Deployment")
    assert _bot("http")["image"].endswith(f":{__version__}")
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == __version__
