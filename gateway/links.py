"""Where an answer leads: which of its values is a parameter of which other call (OpenAPI links)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class _Link:
    """From one answer of an operation to a call: method, address, and each parameter as a runtime expression."""

    method: str
    path: str
    status: int
    to: str
    parameters: Mapping[str, str]


_SENT: Final = {"message": "$response.body#/message"}
_FIRST: Final = {"message": "$response.body#/items/0/message"}
_LETTER: Final = {"letter": "$response.body#/items/0/id"}
_MESSAGE: Final = "/v1/messages/{message}"
_LINKS: Final = (
    *(_Link("post", "/v1/messages", 202, _MESSAGE + to, _SENT) for to in ("", "/decision", "/evidences")),
    *(_Link("post", "/v1/messages", 200, _MESSAGE + to, _SENT) for to in ("", "/decision", "/evidences")),
    *(_Link("get", "/v1/feed", 200, _MESSAGE + to, _FIRST) for to in ("", "/evidences")),
    _Link("get", "/v1/feed", 200, "/v1/feed", {"after": "$response.body#/next"}),
    _Link("get", "/v1/feed", 200, "/v1/dossiers/{dossier}", {"dossier": "$response.body#/items/0/dossier"}),
    _Link("get", "/v1/dossiers", 200, "/v1/dossiers/{dossier}", {"dossier": "$response.body#/items/0/dossier"}),
    _Link(
        *("get", _MESSAGE, 200, _MESSAGE + "/parts/{name}"),
        {"message": "$request.path.message", "name": "$response.body#/parts/0/name"},
    ),
    _Link("get", "/v1/operator/dead-letters", 200, "/v1/operator/dead-letters/{letter}", _LETTER),
)


def add_links(paths: Mapping[str, Any]) -> None:
    """Write them into the paths of an OpenAPI document. All lead to operations that are read with GET."""
    for link in _LINKS:
        target = paths[link.to]["get"]["operationId"]
        links = paths[link.path][link.method]["responses"][str(link.status)].setdefault("links", {})
        links[target] = {"operationId": target, "parameters": dict(link.parameters)}
