"""Open a message: verify, unwrap, compare, decrypt, and hand out everything or nothing.

Rules:
1. An envelope is verified before its wrap is touched (`shared.envelope.verify`, steps 1 to 11); the type shows it.
2. `key_commit` is checked first: without it a sender could wrap one secret to France and another to Belgium and have
   each open a different part.
3. Nothing is returned until every part has decrypted to its last chunk, unpadded, and matched the body's list. Whatever
   fails on the way is `cannot-open`, the code that the recipient answers with.
4. A body whose copy of `kind` or `act` differs from the header's is refused: the exchange was told something else.

It works in memory and writes no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag

from client.desk.approvals import approvals_contradiction
from client.sealing import derive_part_key, is_committed
from shared.domain.header import Header
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.body import AttachmentEntry, Body, parse_body
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.encoding import BODY_PART, MAX_SKEW_S, digest_of, part_context, wrap_info
from shared.envelope.padding import unpad_part
from shared.envelope.signed_text import SigningKey
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import EnvelopeActContradicted, EnvelopeCannotOpen, EnvelopePartMismatch, Rejection
from shared.keys.custody import Opener


@dataclass(frozen=True, slots=True)
class OpenedAttachment:
    """One document as its sender sealed it; `part` is its name in the manifest."""

    part: str
    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """All of it, verified and opened. `content` is the body's content, in the form of the kind's schema."""

    verified: VerifiedEnvelope
    content: Mapping[str, Any] = field(repr=False)
    attachments: tuple[OpenedAttachment, ...]
    secret: bytes = field(repr=False)
    part_keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Instead of the secret, where only some parts were handed on."""

    @property
    def header(self) -> Header:
        return self.verified.header


def open_message(
    received: ReceivedEnvelope,
    *,
    opener: Opener,
    own_kid: str,
    exchange: str,
    now: datetime,
    signing_keys: Mapping[str, SigningKey],
    sealing_kids: Mapping[str, str],
    max_skew_s: int = MAX_SKEW_S,
) -> OpenedMessage:
    """Open what was sealed to `own_kid`; `received` holds that wrap and every part.

    The other arguments are those of `verify_envelope`: `now`, the keys and the kids are of the time at which the
    exchange logged the envelope, so that a message stays readable after it expired and after keys were rotated.
    Raises the refusals of `verify_envelope`, EnvelopePartMismatch for a part not fetched, EnvelopeCannotOpen and
    EnvelopeActContradicted.
    """
    verified = verify_envelope(
        received,
        exchange=exchange,
        now=now,
        signing_keys=signing_keys,
        sealing_kids=sealing_kids,
        max_skew_s=max_skew_s,
        wraps_for=(own_kid,),
    )
    return open_with_secret(verified, opener.open_wrap(verified.wraps[own_kid], wrap_info(verified.context, own_kid)))


def open_with_secret(verified: VerifiedEnvelope, secret: bytes) -> OpenedMessage:
    """Open with the message's secret, as unwrapped or as a `forward` handed it on.

    Raises EnvelopePartMismatch for a part that is not here, EnvelopeCannotOpen, EnvelopeActContradicted.
    """
    if not is_committed(secret, verified.manifest):
        raise EnvelopeCannotOpen(why="the secret is not the one that the sender committed to for every recipient")
    for part in verified.absent_parts:
        raise EnvelopePartMismatch(part=part.name)
    plaintexts = {
        name: open_part(verified, name, derive_part_key(secret, verified.context, name)) for name in verified.parts
    }
    body = _read_body(plaintexts.pop(BODY_PART))
    contradicted = body_contradiction(verified.header, body)
    if contradicted is not None:
        raise EnvelopeActContradicted(field=contradicted)
    return OpenedMessage(verified, body.content, _attachments(body, plaintexts), secret)


def open_handed_parts(verified: VerifiedEnvelope, part_keys: Mapping[str, bytes]) -> OpenedMessage:
    """Open the parts whose keys a `forward` handed on: all of these or nothing. Without the body, documents go by the
    names of their parts.

    Raises EnvelopePartMismatch for a part that is not here, EnvelopeCannotOpen, EnvelopeActContradicted.
    """
    plaintexts = {name: open_part(verified, name, key) for name, key in part_keys.items()}
    if BODY_PART not in plaintexts:
        unnamed = (OpenedAttachment(name, name, "application/octet-stream", data) for name, data in plaintexts.items())
        return OpenedMessage(verified, {}, tuple(unnamed), b"", part_keys)
    body = _read_body(plaintexts.pop(BODY_PART))
    contradicted = body_contradiction(verified.header, body)
    if contradicted is not None:
        raise EnvelopeActContradicted(field=contradicted)
    listed = {entry.part: entry for entry in body.attachments}
    if not plaintexts.keys() <= listed.keys():
        raise EnvelopeCannotOpen(why="its body does not list the attachments that it has")
    attachments = tuple(_attachment(listed[name], data) for name, data in plaintexts.items())
    return OpenedMessage(verified, body.content, attachments, b"", part_keys)


def part_key(opened: OpenedMessage, part: str) -> bytes:
    """The key of one part, to disclose: with the signed manifest and that part's ciphertext it proves one document, and
    it opens no other. Raises EnvelopePartMismatch when the message has no such part."""
    if part in opened.part_keys:
        return opened.part_keys[part]
    if part not in opened.verified.parts or not opened.secret:
        raise EnvelopePartMismatch(part=part)
    return derive_part_key(opened.secret, opened.verified.context, part)


def open_part(verified: VerifiedEnvelope, part: str, key: bytes) -> bytes:
    """One part under its disclosed key: what the sender sealed in it, bound to its signatures by the manifest.

    Cobblestone commits to its key: nobody finds a second key under which the same signed ciphertext reads differently.
    Raises EnvelopePartMismatch when the part is not here, EnvelopeCannotOpen.
    """
    if part not in verified.parts:
        raise EnvelopePartMismatch(part=part)
    try:
        decryptor = Cobblestone256Decryptor(key, part_context(verified.context, part))
        padded = decryptor.update(verified.parts[part]) + decryptor.finalize()
        return unpad_part(padded)
    except (InvalidTag, ValueError) as broken:
        raise EnvelopeCannotOpen(why=f"the part {part} does not decrypt{_because(broken)}") from None


def _because(broken: Exception) -> str:
    return f": {broken}" if str(broken) else ""


def _read_body(plaintext: bytes) -> Body:
    try:
        return parse_body(plaintext)
    except Rejection as refused:
        raise EnvelopeCannotOpen(why=f"its body is malformed: {refused.facts.get('why', refused.code)}") from None


def body_contradiction(header: Header, body: Body) -> str | None:
    """The member in which a body's copy of the header differs, None when the two agree."""
    if body.kind != header.kind:
        return "kind"
    for name in sorted({*body.act, *header.act}):
        if name not in body.act or name not in header.act or not _same(body.act[name], header.act[name]):
            return f"act.{name}"
    return approvals_contradiction(header, body.content, body.attachments)


def _same(left: object, right: object) -> bool:
    """Equality of JSON texts: Python's own would take `true` for 1."""
    return encode_canonical_json(left) == encode_canonical_json(right)


def _attachments(body: Body, plaintexts: Mapping[str, bytes]) -> tuple[OpenedAttachment, ...]:
    if {entry.part for entry in body.attachments} != set(plaintexts):
        raise EnvelopeCannotOpen(why="its body does not list the attachments that it has")
    return tuple(_attachment(entry, plaintexts[entry.part]) for entry in body.attachments)


def _attachment(entry: AttachmentEntry, data: bytes) -> OpenedAttachment:
    if len(data) != entry.size or digest_of(data) != entry.sha256:
        raise EnvelopeCannotOpen(why=f"the part {entry.part} is not what its body says")
    return OpenedAttachment(entry.part, entry.name, entry.media_type, data)
