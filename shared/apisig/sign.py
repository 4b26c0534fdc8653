"""Signing a call, on the caller's side."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from http_message_signatures import HTTPMessageSigner, HTTPSignatureAlgorithm

from shared.apisig.profile import ALG, LABEL, LIFE_S, TAG, content_digest, covered_components
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Signer


class _Ed25519(HTTPSignatureAlgorithm):
    """Its name: the library writes the base, and our own key signs it."""

    algorithm_id = ALG


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """The request as the signature library wants it; it writes its two fields into `headers`."""

    method: str
    url: str
    headers: dict[str, str]


def sign_request(
    method: str, url: str, body: bytes, content_type: str | None, signer: Signer, keyid: str, now: datetime
) -> dict[str, str]:
    """The headers to send: Signature-Input and Signature; with a body also Content-Type and Content-Digest.

    `url` is absolute and percent-encoded, with the exchange's origin exactly as the exchange publishes it. Each call
    gets a nonce of its own and is valid for 60 s from `now`. An empty body is no body. Raises ValueError for a body
    without content type, and the library's HTTPMessageSignaturesException for a malformed method or URL.
    """
    headers: dict[str, str] = {}
    if body:
        if not content_type:
            raise ValueError("a body has a content type")
        headers = {"Content-Type": content_type, "Content-Digest": content_digest(body)}
    request = _Outgoing(method, url, headers)
    library = HTTPMessageSigner(signature_algorithm=_Ed25519)
    prepared = library.prepare(
        request,
        key_id=keyid,
        created=now,
        expires=now + timedelta(seconds=LIFE_S),
        nonce=encode_b64u(secrets.token_bytes(16)),
        label=LABEL,
        tag=TAG,
        covered_component_ids=covered_components(bool(body)),
        use_existing_digest=bool(body),
    )
    library.apply(request, prepared, signer.sign(prepared.signature_base))
    return headers
