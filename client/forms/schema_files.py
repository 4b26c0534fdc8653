"""The files under `schemas/`: one JSON Schema (draft 2020-12) for the content of each kind, by version of the form.

Rules:
1. `schemas/VERSION/PROFILE/KIND.json`; else `schemas/VERSION/alike/KIND.json`, where several profiles have the kind
   letter by letter.
2. A published file is never changed so that it refuses more: a new version goes into a new folder, and the content that
   is written by it says so in its member `form`. Content that says nothing is of version 1.
3. `$id` is `urn:comity:form:VERSION:PROFILE:KIND`; a `$ref` leads to another file here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDERS: tuple[Path, ...] = (Path(__file__).parent / "schemas",)
"""Where schemas lie. A second folder may add kinds to it."""

FIRST_VERSION: Final = 1
ALIKE: Final = "alike"
PREFIX: Final = "urn:comity:form"


@dataclass(frozen=True, slots=True)
class Schemas:
    """All schemas by their `$id`. A reference that leads elsewhere finds nothing: no file and no network is asked."""

    documents: Mapping[str, Mapping[str, Any]]
    registry: Registry[Any]

    def find(self, profile: str, kind: str, version: int = FIRST_VERSION) -> Mapping[str, Any] | None:
        """The schema of a kind's content; None where there is none in this version."""
        for folder in (profile, ALIKE):
            found = self.documents.get(f"{PREFIX}:{version}:{folder}:{kind}")
            if found is not None:
                return found
        return None

    def at(self, reference: str) -> Mapping[str, Any]:
        """The schema that a `$ref` means."""
        document, _, pointer = reference.partition("#")
        node: Any = self.documents[document]
        for step in pointer.split("/")[1:]:
            node = node[step]
        found: Mapping[str, Any] = node
        return found

    def validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator(schema, registry=self.registry)


def schemas() -> Schemas:
    return _load(FOLDERS)


@cache
def _load(folders: tuple[Path, ...]) -> Schemas:
    read = (json.loads(file.read_bytes()) for folder in folders for file in sorted(folder.rglob("*.json")))
    documents = {str(document["$id"]): document for document in read}
    resources = ((name, Resource.from_contents(document)) for name, document in documents.items())
    return Schemas(documents, Registry().with_resources(resources))
