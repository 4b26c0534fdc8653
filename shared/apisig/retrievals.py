"""That a recipient asked for a message: its own signed call, as the evidence of the retrieval holds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.apisig.request_text import verify_signed_request_text
from shared.errors import EvidenceInvalid, Rejection
from shared.keys.directory import DirectoryKey
from shared.keys.public import Ed25519Public

KeyOf = Callable[[str], DirectoryKey | None]
"""The key with this id, whatever became of it since."""


def verify_retrieval(request: str, message: str, recipient: str, key_of: KeyOf) -> datetime:
    """When the recipient signed that it asks for this message. Raises EvidenceInvalid."""

    def api_key(kid: str) -> Ed25519Public | None:
        key = key_of(kid)
        fits = key is not None and key.party == recipient and key.use == "api-ed25519"
        return key.public if fits and key is not None and isinstance(key.public, Ed25519Public) else None

    try:
        asked = verify_signed_request_text(request, api_key)
    except Rejection as refused:
        raise EvidenceInvalid(what=f"the retrieval by {recipient}", why=refused.sentence()) from None
    if asked.method != "GET" or not asked.target_uri.endswith(f"/v1/messages/{message}"):
        raise EvidenceInvalid(what=f"the retrieval by {recipient}", why="Its call did not ask for this message.")
    return asked.created
