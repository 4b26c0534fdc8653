"""Seal a message: header, content and attachments in; the bytes to submit out. `docs/spec/envelope.md` is the format.

Rules:
1. One random secret per message. Part keys and `key_commit` derive from it under the header's digest; it is sealed once
   for each recipient and once for the sender, who can so reopen what it sent.
2. Nothing is sealed for part of the recipients: a missing key refuses the whole message.
3. What a reader would refuse is refused here, before it is signed.
4. The body and small attachments travel inside the submission, in order, while they fit; the others are uploads that
   must be stored before the submission names them.

It works in memory: a part is held whole, as plaintext and as ciphertext.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.cobblestone import Cobblestone256Encryptor
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from client.signing import WRAP_SUITE, AuthorityKeys
from shared.domain.header import Header, encode_header, parse_header
from shared.envelope.body import AttachmentEntry, Body, encode_body
from shared.envelope.container import encode_submission, parse_envelope
from shared.envelope.encoding import (
    BODY_PART,
    MAX_INLINE_BYTES,
    MAX_INLINE_PART_BYTES,
    MAX_PARTS,
    MAX_SUBMISSION_BYTES,
    SECRET_BYTES,
    commit_info,
    digest_of,
    header_context,
    part_context,
    part_info,
    part_name,
    wrap_info,
)
from shared.envelope.manifest import Manifest, ManifestPart, ManifestRecipient, encode_manifest
from shared.envelope.padding import pad_part
from shared.errors import EnvelopeKeyForeign, EnvelopeRecipientsMismatch, EnvelopeTooLarge
from shared.keys.base64url import parse_b64u
from shared.keys.public import XWingPublic, parse_xwing

Randomness = Callable[[int], bytes]
"""So many unpredictable bytes. `secrets.token_bytes` in use; fixed bytes for vectors."""

_PART_MEMBERS_BYTES = 40  # {"name":"p63","ct":""}, and a comma: what a part costs in the submission beyond its text


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document to send. `name` is a plain file name; it and the true size are sealed."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """A sealed part too large for the submission. `sha256` is of `ct`, b64u, as in the manifest."""

    name: str
    sha256: str
    ct: bytes = field(repr=False)

    @property
    def sha256_hex(self) -> str:
        """The same digest as the URL of the part names it."""
        return parse_b64u(self.sha256).hex()


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """`submission` is the body of the POST, `digest` the envelope's (b64u); `uploads` go before the submission."""

    submission: bytes = field(repr=False)
    digest: str
    uploads: tuple[Upload, ...]


def seal_message(
    header: Header,
    body: Mapping[str, Any],
    attachments: Sequence[Attachment],
    signer: AuthorityKeys,
    sealing_keys: Mapping[str, XWingPublic],
    *,
    randomness: Randomness = secrets.token_bytes,
) -> SealedMessage:
    """Seal `body` (the content that the kind's schema asks for) and the attachments to header.recipients, and sign.

    `sealing_keys` maps authorities to their sealing keys, which the caller found in the directory and trusts; the
    sender's own comes from `signer`.
    Raises EnvelopeRecipientsMismatch for a recipient without a key, EnvelopeKeyForeign when the header names another
    sender, EnvelopeTooLarge, and what `parse_header` and `parse_body` raise for bad form.
    """
    if header.sender != signer.authority:
        raise EnvelopeKeyForeign(kid=signer.signing_kids[0], sender=header.sender)
    if len(attachments) >= MAX_PARTS:
        raise EnvelopeTooLarge(what="number of attachments", limit=MAX_PARTS - 1)
    keys = _keys_to_seal_to(header, signer, sealing_keys)
    header_bytes = encode_header(header)
    parse_header(header_bytes)
    plaintexts = {BODY_PART: encode_body(_body_of(header, body, attachments))}
    plaintexts |= {part_name(index): one.data for index, one in enumerate(attachments, start=1)}

    context, secret = header_context(header_bytes), randomness(SECRET_BYTES)
    sealed = {name: _seal_part(secret, context, name, data) for name, data in plaintexts.items()}
    wraps = {kid: WRAP_SUITE.encrypt(secret, key.hpke_key, wrap_info(context, kid)) for kid, key in keys.items()}
    manifest = encode_manifest(
        header_bytes,
        derive_key_commit(secret, context),
        [ManifestPart(name, digest_of(ct), len(ct)) for name, ct in sealed.items()],
        [ManifestRecipient(kid, digest_of(wrap)) for kid, wrap in wraps.items()],
    )
    jws = signer.sign_manifest(manifest)
    received = parse_envelope(jws)
    inline = _parts_that_fit(sealed, MAX_SUBMISSION_BYTES - len(encode_submission(jws, wraps, {})))
    return SealedMessage(
        submission=encode_submission(jws, wraps, inline),
        digest=received.digest,
        uploads=tuple(Upload(name, digest_of(ct), ct) for name, ct in sealed.items() if name not in inline),
    )


def derive_part_key(secret: bytes, context: bytes, name: str) -> bytes:
    """32 bytes that open one part. Disclosed to a court they prove that one document, and open no other."""
    return _hkdf(secret, part_info(context, name))


def is_committed(secret: bytes, manifest: Manifest) -> bool:
    """Whether this is the secret that the sender committed to, for every recipient alike."""
    if len(secret) != SECRET_BYTES:
        return False
    return hmac.compare_digest(derive_key_commit(secret, header_context(manifest.header)), manifest.key_commit)


def derive_key_commit(secret: bytes, context: bytes) -> bytes:
    """32 bytes in the signed manifest: every recipient checks that it holds the same secret as every other."""
    return _hkdf(secret, commit_info(context))


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(secret)


def _keys_to_seal_to(
    header: Header, signer: AuthorityKeys, sealing_keys: Mapping[str, XWingPublic]
) -> dict[str, XWingPublic]:
    keys = {}
    for authority in header.recipients:
        if authority not in sealing_keys:
            raise EnvelopeRecipientsMismatch(why=f"no sealing key of {authority} is at hand")
        key = sealing_keys[authority]
        keys[key.kid(authority)] = key
    keys[signer.sealing_kid] = parse_xwing(signer.sealing.public)
    return keys


def entries_of(attachments: Sequence[Attachment]) -> tuple[AttachmentEntry, ...]:
    """What the body says of its attachments."""
    return tuple(
        AttachmentEntry(part_name(index), one.name, one.media_type, len(one.data), digest_of(one.data))
        for index, one in enumerate(attachments, start=1)
    )


def _body_of(header: Header, content: Mapping[str, Any], attachments: Sequence[Attachment]) -> Body:
    return Body(header.kind, header.act, content, entries_of(attachments))


def _seal_part(secret: bytes, context: bytes, name: str, data: bytes) -> bytes:
    encryptor = Cobblestone256Encryptor(derive_part_key(secret, context, name), part_context(context, name))
    return encryptor.update(pad_part(data)) + encryptor.finalize()


def _parts_that_fit(sealed: Mapping[str, bytes], room: int) -> dict[str, bytes]:
    inline: dict[str, bytes] = {}
    total = 0
    for name, ct in sealed.items():
        cost = (len(ct) * 4 + 2) // 3 + _PART_MEMBERS_BYTES
        if len(ct) <= MAX_INLINE_PART_BYTES and total + len(ct) <= MAX_INLINE_BYTES and cost <= room:
            inline[name] = ct
            total, room = total + len(ct), room - cost
    return inline
