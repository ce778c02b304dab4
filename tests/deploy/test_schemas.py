"""The Kubernetes documents against the schemas of Kubernetes, strictly: a field that it does not know is an error."""

import copy
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, latest_version, validate  # type: ignore[import-untyped]

from tests.deploy.kustomize import Document, KustomizationWrong, build, documents
from tests.deploy.places import KUBERNETES, OVERLAYS

# The oldest with preStop's `sleep` switched on, which docs/deploy.md names, and the newest that the package has.
VERSIONS = ("1.30", latest_version())


def _name(document: Document) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


BUILT = [(overlay, document) for overlay in OVERLAYS for document in build(KUBERNETES / "overlays" / overlay)]
EXAMPLE = [("example", document) for document in documents(KUBERNETES / "secret.example.yaml")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "document", [document for _, document in BUILT + EXAMPLE], ids=[f"{o}-{_name(d)}" for o, d in BUILT + EXAMPLE]
)
def test_kubernetes_knows_every_field(document: Document, version: str) -> None:
    validate(document, version, strict=True)


@pytest.mark.parametrize(
    ("kind", "way", "misspelt"),
    [
        ("Deployment", ["spec", "template", "spec", "containers", 0], "readynessProbe"),
        ("Deployment", ["spec", "template", "spec", "containers", 0, "securityContext"], "readOnlyRootFileSystem"),
        ("Deployment", ["spec", "strategy", "rollingUpdate"], "maxUnavailible"),
        ("NetworkPolicy", ["spec"], "egres"),
        ("PodDisruptionBudget", ["spec"], "minAvailible"),
        ("Ingress", ["spec", "rules", 0, "http", "paths", 0], "pathtype"),
    ],
)
def test_a_misspelt_field_is_found(kind: str, way: list[str | int], misspelt: str) -> None:
    broken = copy.deepcopy(next(d for overlay, d in BUILT if overlay == "http" and d["kind"] == kind))
    at: Any = broken
    for step in way:
        at = at[step]
    at[misspelt] = 1
    with pytest.raises(ValidationError, match=misspelt):
        validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- network.yaml", "- netwrok.yaml"),
        ("namespace: rectask", "namespaces: rectask"),
        ("- settings.env", "- setings.env"),
    ],
)
def test_a_broken_kustomization_is_found(tmp_path: Path, old: str, new: str) -> None:
    shutil.copytree(KUBERNETES, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "base" / "kustomization.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises((KustomizationWrong, FileNotFoundError)):
        build(tmp_path / "overlays" / "http")


def test_a_patch_of_what_is_not_there_is_found(tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "overlays" / "http" / "kustomization.yaml"
    path.write_text(path.read_text().replace("kind: NetworkPolicy", "kind: NetworkPolicies"))
    with pytest.raises(KustomizationWrong, match="not there"):
        build(tmp_path / "overlays" / "http")


def test_every_file_is_used() -> None:
    """But for the example of the secret, which must be in no kustomization."""
    used = {path for kustomization in KUBERNETES.rglob("kustomization.yaml") for path in _named_in(kustomization)}
    there = {path for path in KUBERNETES.rglob("*") if path.is_file() and path.name != "kustomization.yaml"}
    assert there - used == {KUBERNETES / "secret.example.yaml"}


def _named_in(kustomization: Path) -> set[Path]:
    names = re.findall(r"[\w./-]+\.(?:yaml|env|toml)", kustomization.read_text())
    return {kustomization.parent / name for name in names}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl, which has kustomize in it, is not installed")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_makes_the_same_of_it(overlay: str) -> None:
    ran = subprocess.run(  # noqa: S603
        ["kubectl", "kustomize", str(KUBERNETES / "overlays" / overlay)],  # noqa: S607  # wherever it is installed
        capture_output=True,
        text=True,
        check=True,
    )
    without_hashes = re.sub(r"(rectask-(?:settings|configuration))-[a-z0-9]{10}\b", r"\1", ran.stdout)
    theirs = {(_name(document)): document for document in yaml.safe_load_all(without_hashes)}
    ours = {_name(document): document for document in build(KUBERNETES / "overlays" / overlay)}
    assert ours == theirs
