"""What schemathesis is told of this API: every request is signed by a party of the exchange under test, or by nobody.

Loaded by schemathesis itself (`SCHEMATHESIS_HOOKS`). Who signs is chosen by the address, and by chance sometimes
somebody else. A part of the bodies are real documents, whole or damaged: what is generated from the schema alone never
gets past the reader.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import strategies
from typing_extensions import override

from gateway.cursors import encode_dossier_cursor, encode_feed_cursor, encode_letter_cursor
from shared.apisig.sign import sign_request
from shared.contracts.api import (
    FEED_WAIT_MOST_S,
    INSTRUMENTS_CONTENT_TYPE,
    KEY_EVENT_CONTENT_TYPE,
    MESSAGE_CONTENT_TYPE,
)
from shared.keys.private import Ed25519Signer
from tests.hostile.callers import CALLERS_FILE, Callers

SOMEBODY_ELSE: Final = 0.1
LONGEST_WAIT_S: Final = 0.2
OPEN: Final = ("/livez", "/readyz", "/metrics", "/problems", "/.well-known")
_callers: Final = Callers.load(Path(os.environ[CALLERS_FILE]))
_chance: Final = random.Random(_callers.seed)


class Signed(requests.auth.AuthBase):
    """Signs the request as it goes over the wire."""

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        caller = _choose(urlsplit(request.url or "").path)
        if caller is None:
            return request
        body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
        signer = Ed25519Signer(bytes.fromhex(_callers.seeds[caller]))
        content_type = request.headers.get("Content-Type")
        content_type = content_type.decode() if isinstance(content_type, bytes) else content_type
        signed = sign_request(
            request.method or "GET",
            request.url or "",
            body if content_type else b"",
            content_type,
            signer,
            signer.kid(caller),
            datetime.now(UTC),
        )
        request.headers.update(signed)
        return request


schemathesis.openapi.format("feed-cursor", strategies.integers(0, 50).map(encode_feed_cursor))
schemathesis.openapi.format(
    "dossier-cursor", strategies.sampled_from(_callers.parameters["dossier"]).map(encode_dossier_cursor)
)
schemathesis.openapi.format(
    "letter-cursor", strategies.integers(1, 50).map(lambda number: encode_letter_cursor("intake", number))
)
schemathesis.auth.set_from_requests(Signed())


def _choose(path: str) -> str | None:
    if _chance.random() < SOMEBODY_ELSE:
        return _chance.choice([None, *_callers.seeds])
    if path.startswith("/v1/operator"):
        return _callers.operator
    if path.startswith(("/log/tile/entries", "/v1/audit")):
        return _callers.auditor
    return _callers.authority


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: dict[str, Any]) -> dict[str, Any]:
    """Nobody waits long for news: a run would be mostly waiting."""
    wait = (query or {}).get("wait")
    return {**query, "wait": LONGEST_WAIT_S} if _is_long(wait) else query


def _is_long(wait: object) -> bool:
    return isinstance(wait, int | float) and LONGEST_WAIT_S < wait <= FEED_WAIT_MOST_S


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Half of them lead somewhere: else nearly every answer would be that there is no such thing."""
    if not path_parameters or _chance.random() < 0.5:
        return path_parameters
    known = {name: _chance.choice(_callers.parameters[name]) for name in path_parameters}
    return {**path_parameters, **known}


@schemathesis.serializer(MESSAGE_CONTENT_TYPE, KEY_EVENT_CONTENT_TYPE, INSTRUMENTS_CONTENT_TYPE)
def document(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    """As JSON; in half of the cases one of the real documents of this kind, and half of those damaged."""
    real = _callers.documents.get(ctx.case.operation.path, [])
    if not real or _chance.random() < 0.5:
        return json.dumps(value).encode()
    chosen = _chance.choice(real).encode()
    if _chance.random() < 0.5:
        at = _chance.randrange(len(chosen))
        chosen = chosen[:at] + bytes([_chance.randrange(256)]) + chosen[at + _chance.randrange(3) :]
    return chosen
