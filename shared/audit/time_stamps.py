"""RFC 3161 time-stamps over checkpoints: somebody outside says that this tree was there at this time.

Rules:
1. What is stamped is the text of a checkpoint, its three lines, by SHA-256: the root stands for every entry.
2. A stamp is the authority's whole response (TimeStampResp, DER). It counts only under a root certificate that the
   reader brings: nothing that comes with the stamp makes it believed.
3. Certificates are judged at the time of the stamp, so that it verifies when they have ended.

The library is optional (`comity[stamps]`) and is loaded when a stamp is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

from shared.audit.tree_head import TreeHead, encode_tree_head
from shared.errors import SettingsRefused, StampInvalid

REQUEST_TYPE = "application/timestamp-query"
RESPONSE_TYPE = "application/timestamp-reply"
MAX_RESPONSE_BYTES = 64 * 1024
_SHA256 = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True, slots=True)
class StampRequest:
    """What to post to the authority, and the nonce that its answer repeats."""

    der: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a verified stamp says. `by` is the subject of the certificate that signed it."""

    at: datetime
    by: str
    serial: int


class StampRoots:
    """Root certificates that time-stamps are believed by: of PEM files, in DER, and those `beside` them. Raises
    SettingsRefused."""

    def __init__(
        self, pems: Sequence[bytes] = (), ders: Sequence[bytes] = (), beside: StampRoots | None = None
    ) -> None:
        try:
            self.certificates = [one for pem in pems for one in load_pem_x509_certificates(pem)]
            self.certificates += [load_der_x509_certificate(der) for der in ders]
        except ValueError:
            raise SettingsRefused(why="a root certificate for time-stamps is no certificate in PEM") from None
        if beside is not None:
            self.certificates += beside.certificates
        if not self.certificates:
            raise SettingsRefused(why="there is no root certificate for time-stamps")

    def ders(self) -> tuple[bytes, ...]:
        return tuple(one.public_bytes(Encoding.DER) for one in self.certificates)

    def names(self) -> list[str]:
        """The subject and the SHA-256 of each, for people who compare them."""
        return [
            f"{one.subject.rfc4514_string()}, SHA-256 {one.fingerprint(SHA256()).hex()}" for one in self.certificates
        ]


def require_library() -> None:
    """Raises SettingsRefused where it is not installed."""
    _library()


def is_installed() -> bool:
    """Whether stamps can be judged here."""
    return find_spec("rfc3161_client") is not None


def build_stamp_request(head: TreeHead) -> StampRequest:
    """Asks for a stamp on this tree head, with the authority's certificate in it. Raises SettingsRefused."""
    library = _library()
    built = (
        library.TimestampRequestBuilder()
        .data(encode_tree_head(head).encode())
        .hash_algorithm(library.base.HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .build()
    )
    return StampRequest(built.as_bytes(), built.nonce)


def verify_stamp(response: bytes, head: TreeHead, roots: StampRoots, nonce: int | None = None) -> Stamped:
    """The stamp, if a certificate under one of the roots made it for time-stamping, over exactly this tree head.

    Raises StampInvalid, SettingsRefused where the library is not installed.
    """
    library = _library()
    if len(response) > MAX_RESPONSE_BYTES:
        raise StampInvalid(why=f"it has more than {MAX_RESPONSE_BYTES} bytes")
    try:
        decoded = library.decode_timestamp_response(response)
        if decoded.as_bytes() != response:
            raise StampInvalid(why="it is not in its one form")
        verifier = library.VerifierBuilder(roots=list(roots.certificates), nonce=nonce).build()
        if decoded.tst_info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            raise StampInvalid(why="it is not over a SHA-256")
        verifier.verify(decoded, sha256(encode_tree_head(head).encode()).digest())
        information = decoded.tst_info
        return Stamped(information.gen_time, _signer_of(decoded), information.serial_number)
    except (library.VerificationError, ValueError) as bad:
        raise StampInvalid(why=str(bad).rstrip(".")) from None


def _signer_of(decoded: Any) -> str:
    [signer] = decoded.signed_data.signer_infos
    for raw in decoded.signed_data.certificates:
        certificate = load_der_x509_certificate(raw)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return str(certificate.subject.rfc4514_string())
    raise ValueError("it names no certificate of its signer")


def _library() -> Any:
    try:
        import rfc3161_client
        import rfc3161_client.base
    except ImportError:
        raise SettingsRefused(why="time-stamps need a library: pip install 'comity[stamps]'") from None
    return rfc3161_client
