"""Renders the kustomizations of `deploy/kubernetes` without kustomize: as much of it as they use.

What it does is compared with the real program wherever that is installed.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
KNOWN = {"apiVersion", "kind", "namespace", "resources", "components", "labels", "images", "patches"}


def render(directory: Path) -> list[Document]:
    """All documents of this kustomization and of those below it, patched."""
    return _apply(directory, [])


def load_documents(file: Path) -> list[Document]:
    """Each map of its own: what an anchor stands for is otherwise one object in several places."""
    read = [document for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]
    return list(json.loads(json.dumps(read)))


def _apply(directory: Path, documents: list[Document]) -> list[Document]:
    kustomization = load_documents(directory / "kustomization.yaml")[0]
    assert set(kustomization) <= KNOWN, f"{directory}: teach tests/unit/deploy/kustomize.py the rest"
    for resource in kustomization.get("resources", []):
        path = directory / resource
        documents = documents + (render(path) if path.is_dir() else load_documents(path))
    for component in kustomization.get("components", []):
        documents = _apply((directory / component).resolve(), documents)
    for patch in kustomization.get("patches", []):
        text = patch["patch"] if "patch" in patch else (directory / patch["path"]).read_text(encoding="utf-8")
        documents = [
            patched
            for document in documents
            for patched in (
                [_patched(document, yaml.safe_load(text))] if _fits(document, patch["target"]) else [document]
            )
            if patched is not None
        ]
    for rule in kustomization.get("labels", []):
        for document in documents:
            _label(document, rule["pairs"])
    for image in kustomization.get("images", []):
        for document in documents:
            _name_image(document, image)
    if "namespace" in kustomization:
        for document in documents:
            if document["kind"] != "Namespace":
                document["metadata"]["namespace"] = kustomization["namespace"]
    return documents


def _fits(document: Document, target: dict[str, str]) -> bool:
    named = re.fullmatch(target.get("name", ".*"), document["metadata"]["name"])
    return document["kind"] == target["kind"] and named is not None


def _patched(document: Document, patch: Any) -> Document | None:
    if isinstance(patch, list):
        changed = copy.deepcopy(document)
        for step in patch:
            *way, last = step["path"].strip("/").split("/")
            place = changed
            for part in way:
                place = place[part]
            if step["op"] == "remove":
                del place[last]
            else:
                assert step["op"] == "replace"
                assert last in place
                place[last] = step["value"]
        return changed
    if patch.get("$patch") == "delete":
        return None
    merged = _merged(
        document, {key: value for key, value in patch.items() if key not in ("apiVersion", "kind", "metadata")}
    )
    assert isinstance(merged, dict)
    return merged


def _merged(under: Any, over: Any) -> Any:
    """Maps are merged, lists of things with a name by those names; anything else is replaced."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {
            **copy.deepcopy(under),
            **{
                key: _merged(under[key], value) if key in under else copy.deepcopy(value) for key, value in over.items()
            },
        }
    if isinstance(under, list) and isinstance(over, list) and all("name" in item for item in [*under, *over]):
        known = {item["name"]: item for item in under}
        return [
            *(_merged(known[item["name"]], item) if item["name"] in known else copy.deepcopy(item) for item in over),
            *(copy.deepcopy(item) for item in under if item["name"] not in {other["name"] for other in over}),
        ]
    return copy.deepcopy(over)


def _label(document: Document, pairs: dict[str, str]) -> None:
    document["metadata"].setdefault("labels", {}).update(pairs)
    template = document.get("spec", {}).get("template")
    if template is not None:
        template.setdefault("metadata", {}).setdefault("labels", {}).update(pairs)


def _name_image(document: Document, image: dict[str, str]) -> None:
    for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        if container.get("image", "").split(":")[0] == image["name"]:
            container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
