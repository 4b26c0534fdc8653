"""The manifest: the one document that both signatures cover.

Rules:
1. `{"header", "key_commit", "parts": [{"name", "ct_sha256", "ct_len"}], "recipients": [{"kid", "wrap_sha256"}]}`,
   closed.
2. The header travels inside as exact bytes; so do the manifest's own bytes: what was signed is kept, never rebuilt.
3. Parts are named by place, `body`, `p1`, `p2` …: a name cannot be chosen, so that it can tell nothing.

Whether the recipients are the right ones, and whether parts and wraps match, is decided in `verify.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from shared.envelope.encoding import MAX_PARTS, MAX_WRAPS, part_name
from shared.envelope.fields import read_bytes, read_digest, read_document, read_list, read_object, read_size, read_text
from shared.errors import EnvelopeMalformed
from shared.keys.base64url import encode_b64u


@dataclass(frozen=True, slots=True)
class ManifestPart:
    """One sealed part: its ciphertext's SHA-256 (b64u) and length in bytes."""

    name: str
    ct_sha256: str
    ct_len: int


@dataclass(frozen=True, slots=True)
class ManifestRecipient:
    """One sealing key that the secret is sealed to, and the SHA-256 (b64u) of that wrap."""

    kid: str
    wrap_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`header` is the exact header bytes, `key_commit` 32 bytes, `encoded` the exact manifest bytes."""

    header: bytes
    key_commit: bytes
    parts: tuple[ManifestPart, ...]
    recipients: tuple[ManifestRecipient, ...]
    encoded: bytes


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest in these exact bytes. Raises EnvelopeMalformed, EnvelopeTooLarge."""
    document = read_object(
        read_document(raw, "the manifest"), ("header", "key_commit", "parts", "recipients"), "the manifest"
    )
    key_commit = read_bytes(document["key_commit"], "key_commit")
    if len(key_commit) != 32:
        raise EnvelopeMalformed(why="key_commit is not 32 bytes")
    return Manifest(
        header=read_bytes(document["header"], "the header"),
        key_commit=key_commit,
        parts=_read_parts(document["parts"]),
        recipients=_read_recipients(document["recipients"]),
        encoded=raw,
    )


def encode_manifest(
    header: bytes, key_commit: bytes, parts: Sequence[ManifestPart], recipients: Sequence[ManifestRecipient]
) -> bytes:
    """The bytes to sign: JSON, no white space, members in the order of rule 1."""
    document = {
        "header": encode_b64u(header),
        "key_commit": encode_b64u(key_commit),
        "parts": [{"name": part.name, "ct_sha256": part.ct_sha256, "ct_len": part.ct_len} for part in parts],
        "recipients": [{"kid": one.kid, "wrap_sha256": one.wrap_sha256} for one in recipients],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _read_parts(node: object) -> tuple[ManifestPart, ...]:
    items = read_list(node, MAX_PARTS, "parts")
    if not items:
        raise EnvelopeMalformed(why="it has no body")
    parts = []
    for index, item in enumerate(items):
        members = read_object(item, ("name", "ct_sha256", "ct_len"), "a part")
        if members["name"] != part_name(index):
            raise EnvelopeMalformed(why=f"part {index} is not named {part_name(index)}")
        parts.append(
            ManifestPart(
                name=members["name"],
                ct_sha256=read_digest(members["ct_sha256"], "ct_sha256"),
                ct_len=read_size(members["ct_len"], "ct_len"),
            )
        )
    return tuple(parts)


def _read_recipients(node: object) -> tuple[ManifestRecipient, ...]:
    recipients = []
    for item in read_list(node, MAX_WRAPS, "recipients"):
        members = read_object(item, ("kid", "wrap_sha256"), "a recipient")
        recipients.append(
            ManifestRecipient(
                kid=read_text(members["kid"], "kid"),
                wrap_sha256=read_digest(members["wrap_sha256"], "wrap_sha256"),
            )
        )
    if len({one.kid for one in recipients}) != len(recipients):
        raise EnvelopeMalformed(why="a recipient's key is named twice")
    return tuple(recipients)
