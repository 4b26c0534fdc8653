"""Writes docs/spec/openapi.json from the gateway's routes, so that document and code cannot differ.

Run it as `python docs/make_openapi.py`.
`openapi_document` is pure; a test compares its answer with the committed file, so that a change of the API is a diff
that somebody reviews.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parent / "spec" / "openapi.json"
sys.path.insert(0, str(DOCUMENT.parent.parent.parent))

from gateway.app import routed_app  # noqa: E402 - the checkout must be on the path first
from gateway.description import describe  # noqa: E402


def openapi_document() -> str:
    """The whole document, as JSON with two spaces of indentation."""
    return json.dumps(describe(routed_app()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(openapi_document(), encoding="utf-8")
