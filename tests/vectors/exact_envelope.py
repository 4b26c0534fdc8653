"""One envelope with every secret disclosed: made in the steps of `docs/spec/envelope.md`, the same bytes every time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from client.sealing import derive_key_commit, derive_part_key
from client.signing import SoftwareOpener
from shared.domain.header import encode_header
from shared.domain.ids import encode_time
from shared.envelope.body import AttachmentEntry, Body, encode_body
from shared.envelope.container import encode_submission
from shared.envelope.encoding import (
    commit_info,
    digest_of,
    header_context,
    part_context,
    part_info,
    part_name,
    wrap_info,
)
from shared.envelope.jws import JwsSignature, encode_jws, encode_protected
from shared.envelope.manifest import ManifestPart, ManifestRecipient, encode_manifest
from shared.envelope.padding import pad_part, padded_length
from shared.envelope.signed_text import signing_input
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer
from tests.unit.envelope.workshop import ATTACHMENTS, CONTENT, EXCHANGE, FIXED_SECRET, NOW, PARTIES, make_header, party
from tests.vectors.primitives import Chunked, Wrapped, cobblestone_seal, drawn, hpke_seal, sign_mldsa65

LENGTHS = (0, 1, 1016, 1017, 2000, 4096, 65528, 65529, 100_000, 1_000_000, 2**31, 2**40)
SENDER, RECIPIENTS = "MA.PGR", ("BE.PF", "FR.BEPI")


@dataclass(frozen=True, slots=True)
class _Sealed:
    """Everything from the header to the submission. `plaintexts`, `parts` by name, `wraps` by kid."""

    header: bytes
    context: bytes
    plaintexts: dict[str, bytes]
    parts: dict[str, Chunked]
    wraps: dict[str, Wrapped]
    manifest: bytes
    signatures: tuple[JwsSignature, JwsSignature]
    jws: bytes


def files() -> dict[str, object]:
    return {
        "envelope/parties.json": _parties(),
        "envelope/padding.json": [{"length": one, "padded_length": padded_length(one)} for one in LENGTHS],
        "envelope/complete.json": _complete(),
        "envelope/steps.json": _steps(),
    }


def sealed_jws() -> bytes:
    """The canonical signed manifest of the envelope."""
    return _seal().jws


def sealed_part(name: str) -> tuple[bytes, bytes]:
    """The envelope's context, and the sealed bytes of one of its parts."""
    return _seal().context, _seal().parts[name].ct


def _parties() -> list[dict[str, Any]]:
    listed = []
    for authority in PARTIES:
        keys = party(authority)
        assert isinstance(keys.ed25519, Ed25519Signer)
        assert isinstance(keys.mldsa65, MLDSA65Signer)
        assert isinstance(keys.sealing, SoftwareOpener)
        held = (("Ed25519", keys.ed25519), ("ML-DSA-65", keys.mldsa65), ("X-Wing", keys.sealing.key))
        listed.append(
            {
                "authority": authority,
                "keys": [
                    {
                        "alg": alg,
                        "kid": key.kid(authority),
                        "seed": encode_b64u(key.seed),
                        "public": encode_b64u(key.public),
                    }
                    for alg, key in held
                ],
            }
        )
    return listed


def _complete() -> dict[str, Any]:
    """One whole envelope: everything that a reader is given, and everything that it must come to."""
    sealed = _seal()
    submission = encode_submission(
        sealed.jws,
        {kid: one.wrap for kid, one in sealed.wraps.items()},
        {name: one.ct for name, one in sealed.parts.items()},
    )
    return {
        "exchange": EXCHANGE,
        "now": encode_time(NOW),
        "sender": SENDER,
        "recipients": list(RECIPIENTS),
        "secret": encode_b64u(FIXED_SECRET),
        "submission": submission.decode(),
        "digest": digest_of(sealed.jws),
        "content": CONTENT,
        "attachments": [
            {"name": one.name, "media_type": one.media_type, "data": encode_b64u(one.data)} for one in ATTACHMENTS
        ],
    }


def _steps() -> dict[str, Any]:
    """What lies between: each derived value of the same envelope with its inputs, and all that was drawn at random."""
    sealed, context = _seal(), _seal().context
    return {
        "header": sealed.header.decode(),
        "context": encode_b64u(context),
        "secret": encode_b64u(FIXED_SECRET),
        "commit_info": encode_b64u(commit_info(context)),
        "key_commit": encode_b64u(derive_key_commit(FIXED_SECRET, context)),
        "parts": [_part(sealed, name) for name in sealed.parts],
        "wraps": [_wrap(context, kid, one) for kid, one in sealed.wraps.items()],
        "manifest": sealed.manifest.decode(),
        "signatures": [
            {"alg": one.alg, "kid": one.kid, "protected": one.protected, "signature": one.text}
            for one in sealed.signatures
        ],
        "jws": sealed.jws.decode(),
        "digest": digest_of(sealed.jws),
    }


@cache
def _seal() -> _Sealed:
    header = encode_header(make_header())
    context = header_context(header)
    entries = tuple(
        AttachmentEntry(part_name(index), one.name, one.media_type, len(one.data), digest_of(one.data))
        for index, one in enumerate(ATTACHMENTS, start=1)
    )
    stated = make_header()
    plaintexts = {"body": encode_body(Body(stated.kind, stated.act, CONTENT, entries))}
    plaintexts |= {entry.part: one.data for entry, one in zip(entries, ATTACHMENTS, strict=True)}
    parts = {
        name: cobblestone_seal(
            derive_part_key(FIXED_SECRET, context, name), _salt(name), part_context(context, name), pad_part(data)
        )
        for name, data in plaintexts.items()
    }
    wraps = {}
    for authority in (*RECIPIENTS, SENDER):
        kid, public = party(authority).sealing_kid, party(authority).sealing.public
        wraps[kid] = hpke_seal(public, wrap_info(context, kid), FIXED_SECRET, _encapsulation(kid))
    manifest = encode_manifest(
        header,
        derive_key_commit(FIXED_SECRET, context),
        [ManifestPart(name, digest_of(one.ct), len(one.ct)) for name, one in parts.items()],
        [ManifestRecipient(kid, digest_of(one.wrap)) for kid, one in wraps.items()],
    )
    signatures = _sign(encode_b64u(manifest))
    jws = encode_jws(encode_b64u(manifest), signatures)
    return _Sealed(header, context, plaintexts, parts, wraps, manifest, signatures, jws)


def _sign(payload: str) -> tuple[JwsSignature, JwsSignature]:
    keys = party(SENDER)
    assert isinstance(keys.ed25519, Ed25519Signer)
    assert isinstance(keys.mldsa65, MLDSA65Signer)
    first, second = keys.signing_kids
    classical, lattice = encode_protected("Ed25519", first), encode_protected("ML-DSA-65", second)
    return (
        JwsSignature("Ed25519", first, classical, encode_b64u(keys.ed25519.sign(signing_input(classical, payload)))),
        JwsSignature(
            "ML-DSA-65", second, lattice, encode_b64u(sign_mldsa65(keys.mldsa65.seed, signing_input(lattice, payload)))
        ),
    )


def _salt(name: str) -> bytes:
    return drawn(f"salt of {name}", 24)


def _encapsulation(kid: str) -> bytes:
    return drawn(f"encapsulation to {kid}", 64)


def _part(sealed: _Sealed, name: str) -> dict[str, str]:
    one = sealed.parts[name]
    return {
        "name": name,
        "plaintext": encode_b64u(sealed.plaintexts[name]),
        "padded": encode_b64u(pad_part(sealed.plaintexts[name])),
        "info": encode_b64u(part_info(sealed.context, name)),
        "key": encode_b64u(derive_part_key(FIXED_SECRET, sealed.context, name)),
        "context": encode_b64u(part_context(sealed.context, name)),
        "salt": encode_b64u(_salt(name)),
        "chunk_key": encode_b64u(one.key),
        "chunk_nonce": encode_b64u(one.nonce),
        "commitment": encode_b64u(one.commitment),
        "ct": encode_b64u(one.ct),
    }


def _wrap(context: bytes, kid: str, one: Wrapped) -> dict[str, str]:
    return {
        "kid": kid,
        "info": encode_b64u(wrap_info(context, kid)),
        "encapsulation": encode_b64u(_encapsulation(kid)),
        "shared_secret": encode_b64u(one.shared_secret),
        "aead_key": encode_b64u(one.key),
        "aead_nonce": encode_b64u(one.nonce),
        "wrap": encode_b64u(one.wrap),
    }
