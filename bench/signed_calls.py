"""Requests of the exchange's API as bytes, signed when they are sent: a signature lives a minute.

The signing text is written by hand from `docs/spec/api-signatures.md`: the general library takes three times as long
as the signature itself, and what the generator takes, the exchange does not get. A test holds it against the verifier.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import time

from shared.apisig.profile import LIFE_S
from shared.contracts.api import MESSAGE_CONTENT_TYPE
from shared.keys.private import Ed25519Signer

_COMPONENTS = '("@method" "@authority" "@target-uri")'
_COMPONENTS_WITH_BODY = '("@method" "@authority" "@target-uri" "content-type" "content-digest")'
_nonces = itertools.count(time.time_ns() << 20)
"""Unique and unguessed by nobody: whoever can read them could read the calls too."""


class SignedCalls:
    """Renders the calls of one party. `origin` is scheme, host and port as the exchange publishes them."""

    def __init__(self, origin: str, party: str, seed: bytes) -> None:
        self._origin = origin
        self._authority = origin.partition("://")[2]
        self._signer = Ed25519Signer(seed)
        self._keyid = self._signer.kid(party)

    def get(self, target: str) -> bytes:
        """A call without a body, as it goes over the wire."""
        base, parameters = self._base("GET", target, "", _COMPONENTS)
        return self._render("GET", target, "", parameters, base, b"")

    def post_message(self, body: bytes) -> bytes:
        """A submission, as it goes over the wire."""
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        lines = f'"content-type": {MESSAGE_CONTENT_TYPE}\n"content-digest": {digest}\n'
        fields = f"content-type: {MESSAGE_CONTENT_TYPE}\r\ncontent-digest: {digest}\r\ncontent-length: {len(body)}\r\n"
        base, parameters = self._base("POST", "/v1/messages", lines, _COMPONENTS_WITH_BODY)
        return self._render("POST", "/v1/messages", fields, parameters, base, body)

    def _base(self, method: str, target: str, lines: str, components: str) -> tuple[str, str]:
        created = int(time.time())
        parameters = (
            f'{components};created={created};keyid="{self._keyid}";alg="ed25519";expires={created + LIFE_S}'
            f';nonce="{next(_nonces):032x}";tag="comity-v1"'
        )
        head = f'"@method": {method}\n"@authority": {self._authority}\n"@target-uri": {self._origin}{target}\n'
        return f'{head}{lines}"@signature-params": {parameters}', parameters

    def _render(self, method: str, target: str, fields: str, parameters: str, base: str, body: bytes) -> bytes:
        signature = base64.b64encode(self._signer.sign(base.encode())).decode()
        head = (
            f"{method} {target} HTTP/1.1\r\nhost: {self._authority}\r\n{fields}"
            f"signature-input: comity={parameters}\r\nsignature: comity=:{signature}:\r\n\r\n"
        )
        return head.encode() + body
