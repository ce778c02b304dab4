"""What `kubectl kustomize` makes of the kustomizations here: the features that they use, and an error for others."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

HEAD = {"apiVersion", "kind"}
APPLIED = {"namespace", "labels", "resources", "components", "configMapGenerator", "images", "patches"}


class KustomizationWrong(Exception):
    """Something in a kustomization is not there, or is none of the features that are read here."""


def build(folder: Path) -> list[Document]:
    """All documents of the kustomization in `folder`. A ConfigMap that it makes keeps its name, without the hash."""
    return _apply(_kustomization(folder), folder, [])


def _apply(kustomization: Document, folder: Path, before: list[Document]) -> list[Document]:
    """In kustomize's order: what is accumulated, then the components, then the transformers."""
    found = [*before, *_resources(kustomization, folder), *_config_maps(kustomization, folder)]
    for component in kustomization.get("components", []):
        found = _apply(_kustomization(folder / component), folder / component, found)
    for patch in kustomization.get("patches", []):
        _patch(found, patch, folder)
    for document in found:
        _label(document, kustomization.get("labels", []))
        _put_into(document, kustomization.get("namespace"))
        _pin(document, kustomization.get("images", []))
    return found


def _kustomization(folder: Path) -> Document:
    path = folder / "kustomization.yaml"
    if not path.is_file():
        raise KustomizationWrong(f"{path} is not there")
    (kustomization,) = documents(path)
    _known(kustomization, HEAD | APPLIED, path)
    return kustomization


def documents(path: Path) -> list[Document]:
    if not path.is_file():
        raise KustomizationWrong(f"{path} is not there")
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def _known(found: Mapping[str, object], known: set[str], path: Path) -> None:
    if unknown := found.keys() - known:
        raise KustomizationWrong(f"{path}: unknown {sorted(unknown)}")


def _resources(kustomization: Document, folder: Path) -> Iterator[Document]:
    for name in kustomization.get("resources", []):
        yield from build(folder / name) if (folder / name).is_dir() else documents(folder / name)


def _config_maps(kustomization: Document, folder: Path) -> Iterator[Document]:
    for generator in kustomization.get("configMapGenerator", []):
        _known(generator, {"name", "envs", "files"}, folder)
        data: dict[str, str] = {}
        for name in generator.get("envs", []):
            data |= env_file(folder / name)
        for entry in generator.get("files", []):
            key, _, name = entry.rpartition("=")
            data[key or name] = (folder / name).read_text()
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}


def env_file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _patch(found: list[Document], patch: Document, folder: Path) -> None:
    _known(patch, {"path", "target"}, folder)
    _known(patch["target"], {"kind", "name"}, folder)
    target = (patch["target"]["kind"], patch["target"]["name"])
    touched = [document for document in found if (document["kind"], document["metadata"]["name"]) == target]
    if not touched:
        raise KustomizationWrong(f"{folder}: a patch of {target}, which is not there")
    operations = [
        operation for listed in yaml.safe_load_all((folder / patch["path"]).read_text()) for operation in listed
    ]
    for document in touched:
        for operation in operations:
            _add(document, operation)


def _add(document: Document, operation: Document) -> None:
    """Apply one operation of RFC 6902; "add" is the only one that is used."""
    _known(operation, {"op", "path", "value"}, Path())
    if operation["op"] != "add":
        raise KustomizationWrong(f"{operation['op']} is not read here")
    *way, last = operation["path"].removeprefix("/").split("/")
    at: Any = document
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at.append(copy.deepcopy(operation["value"]))
    else:
        at[last] = copy.deepcopy(operation["value"])


def _label(document: Document, labels: list[Document]) -> None:
    for label in labels:
        _known(label, {"pairs", "includeTemplates"}, Path())
        document["metadata"].setdefault("labels", {}).update(label["pairs"])
        if label.get("includeTemplates") and "template" in document.get("spec", {}):
            document["spec"]["template"]["metadata"]["labels"].update(label["pairs"])


def _put_into(document: Document, namespace: str | None) -> None:
    if namespace is not None and document["kind"] != "Namespace":
        document["metadata"]["namespace"] = namespace


def _pin(document: Document, images: list[Document]) -> None:
    for image in images:
        _known(image, {"name", "newName", "newTag"}, Path())
        for container in containers(document):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"


def containers(document: Document) -> list[Document]:
    found: list[Document] = document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    return found
