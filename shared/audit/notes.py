"""Signed notes: text, a blank line, signature lines (C2SP signed-note), with three of the signature types.

Rules:
1. A note has one reading: UTF-8, no control character but newline, text and signatures divided at the last blank
   line, base64 in its canonical form (signed-note, "Format").
2. Keys are known by name and key id together. A signature of an unknown key is ignored, since witnesses and future
   keys sign too; a signature of a known key that fails refuses the whole note (signed-note, "Signatures").
3. What is signed depends on the type:
   0x01 Ed25519: the text (signed-note, "Ed25519 signatures");
   0x04 Ed25519 cosignature, for witnesses: `cosignature/v1`, a time line, the text (tlog-cosignature,
   "Ed25519 signed message");
   0x06 ML-DSA-44, for the log and for witnesses: not the text but the `cosigned_message` structure made from the
   checkpoint in it, with start 0 and end = size, FIPS 204 with an empty context (tlog-cosignature, "ML-DSA-44 signed
   message").
   Types 0x04 and 0x06 carry a 64-bit timestamp before the signature and exist on checkpoints only.
4. A witness's timestamp is the second at which it knew no larger tree. The log's own is 0, "no statement"
   (tlog-cosignature, ibid.), so that a signature can be made again for the same root after a crash and say the same.

Private keys are behind `NoteSigner`: what is framed here, is signed there. This module asks no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature

from shared.audit.tree_head import encode_hash, parse_base64, parse_tree_head
from shared.errors import KeyRefused, LedgerInvalid
from shared.keys.public import Ed25519Public, MLDSA44Public, parse_ed25519, parse_mldsa44

MAX_NOTE_BYTES: Final = 512 * 1024
MAX_SIGNATURES: Final = 64
MAX_NAME_BYTES: Final = 255
MAX_TIMESTAMP_S: Final = 2**63 - 1
_KEY_ID_BYTES: Final = 4
_TIMESTAMP_BYTES: Final = 8
_SIGNATURE_PREFIX: Final = "— "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class SignatureType(IntEnum):
    """The assigned type byte of a note signature (signed-note, "Signature types")."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    MLDSA44 = 0x06

    @property
    def timestamped(self) -> bool:
        return self is not SignatureType.ED25519

    @property
    def signature_bytes(self) -> int:
        """Of the bare signature, without key id and timestamp."""
        return 2420 if self is SignatureType.MLDSA44 else 64


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name, for one signature type. `parse_vkey` and `vkey_of` make one and check it."""

    name: str
    type: SignatureType
    public_key: Ed25519Public | MLDSA44Public

    @cached_property
    def key_id(self) -> bytes:
        """4 bytes: SHA-256(name || newline || type || public key)[:4] (signed-note, "Signatures")."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key.raw).digest()[:_KEY_ID_BYTES]


class NoteSigner(Protocol):
    """A private key under a name. `sign` signs exactly these bytes: Ed25519, or ML-DSA-44 with an empty context."""

    @property
    def vkey(self) -> VerifierKey: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class NoteSignature:
    """One signature line, not verified. `blob` follows the key id: a timestamp if the type has one, the signature."""

    name: str
    key_id: bytes
    blob: bytes


@dataclass(frozen=True)
class SignedNote:
    """A note as received: nothing in it is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True)
class VerifiedSignature:
    """A key that did sign the text. `timestamp_s` is POSIX seconds, 0 for none stated."""

    key: VerifierKey
    timestamp_s: int


@dataclass(frozen=True)
class VerifiedNote:
    """A text and the known keys that signed it, in the order of their lines."""

    text: str
    signatures: tuple[VerifiedSignature, ...]


# --- keys ------------------------------------------------------------------------------------------------------------


def vkey_of(name: str, type_: SignatureType, public_key: bytes) -> VerifierKey:
    """A verifier key from its parts. Raises KeyRefused for a name that cannot be one, or an unacceptable key."""
    if not _is_key_name(name):
        raise KeyRefused(alg=type_.name, why="its name is empty, too long, or has a space or a plus sign")
    parse = parse_mldsa44 if type_ is SignatureType.MLDSA44 else parse_ed25519
    return VerifierKey(name, type_, parse(public_key))


def parse_vkey(text: str) -> VerifierKey:
    """`<name>+<key id, hex>+<base64 of type and public key>` (signed-note, "Verifier keys").

    Raises KeyRefused for another form, another type, or a key id that is not that of the key.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        material = parse_base64(encoded, "the key")
        type_ = SignatureType(material[0])
    except (LedgerInvalid, IndexError, ValueError):
        raise KeyRefused(alg="note", why="it is not the text of a verifier key of a known type") from None
    key = vkey_of(name, type_, material[1:])
    if encode_vkey(key) != text:
        raise KeyRefused(alg=type_.name, why=f"its key id is {key.key_id.hex()}, the text says {key_id[:8]}")
    return key


def encode_vkey(key: VerifierKey) -> str:
    """The text that `parse_vkey` reads."""
    return f"{key.name}+{key.key_id.hex()}+{encode_hash(bytes([key.type]) + key.public_key.raw)}"


def _is_key_name(name: str) -> bool:
    forbidden = any(character.isspace() or character < " " or character == "+" for character in name)
    return not forbidden and 1 <= len(name.encode()) <= MAX_NAME_BYTES


# --- form ------------------------------------------------------------------------------------------------------------


def encode_note(note: SignedNote) -> bytes:
    """The note's bytes. Raises LedgerInvalid for a text or signatures that would be read as another note."""
    raw = f"{note.text}\n".encode() + encode_signature_lines(note.signatures)
    if parse_note(raw) != note:
        raise LedgerInvalid(why="this text cannot be the text of a note")
    return raw


def parse_note(raw: bytes) -> SignedNote:
    """The note in these bytes, unverified. Raises LedgerInvalid; also beyond 512 KiB or 64 signatures."""
    if len(raw) > MAX_NOTE_BYTES:
        raise LedgerInvalid(why=f"the note has more than {MAX_NOTE_BYTES} bytes")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise LedgerInvalid(why="the note is not UTF-8") from None
    if _CONTROL.search(whole):
        raise LedgerInvalid(why="the note has a control character")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank:
        raise LedgerInvalid(why="the note has no blank line between text and signatures")
    return SignedNote(f"{text}\n", _parse_lines(lines))


def parse_signature_lines(raw: bytes) -> tuple[NoteSignature, ...]:
    """Bare signature lines, as a witness answers them (C2SP tlog-witness). Raises LedgerInvalid."""
    note = parse_note(b"\n\n" + raw)
    if note.text != "\n":
        raise LedgerInvalid(why="there is more than signature lines")
    return note.signatures


def encode_signature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """One line for each: em dash, name, base64 of key id and signature."""
    return "".join(
        f"{_SIGNATURE_PREFIX}{each.name} {encode_hash(each.key_id + each.blob)}\n" for each in signatures
    ).encode()


def _parse_lines(lines: str) -> tuple[NoteSignature, ...]:
    signatures = [_parse_line(line) for line in lines.split("\n")[:-1]]
    if not lines.endswith("\n") or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise LedgerInvalid(why=f"the note does not end in 1 to {MAX_SIGNATURES} signature lines")
    return tuple(signatures)


def _parse_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(_SIGNATURE_PREFIX) or not _is_key_name(name):
        raise LedgerInvalid(why="a signature line of the note has no name")
    value = parse_base64(encoded, f"the signature of {name}")
    if len(value) <= _KEY_ID_BYTES:
        raise LedgerInvalid(why=f"the signature of {name} is empty")
    return NoteSignature(name, value[:_KEY_ID_BYTES], value[_KEY_ID_BYTES:])


# --- signing and verifying -------------------------------------------------------------------------------------------


def sign_text(text: str, signer: NoteSigner, timestamp_s: int = 0) -> NoteSignature:
    """This key's signature on a note's text. `timestamp_s` (POSIX seconds) is for cosignatures; 0 makes no statement.

    Raises LedgerInvalid when the type of the key can sign checkpoints only and the text is none.
    """
    key = signer.vkey
    signature = signer.sign(_signed_message(key, timestamp_s, text))
    stamp = timestamp_s.to_bytes(_TIMESTAMP_BYTES, "big") if key.type.timestamped else b""
    return NoteSignature(key.name, key.key_id, stamp + signature)


def sign_note(text: str, signers: Sequence[NoteSigner]) -> bytes:
    """A note with one signature of each signer, in this order, without timestamps. Raises LedgerInvalid."""
    return encode_note(SignedNote(text, tuple(sign_text(text, signer) for signer in signers)))


def verify_note(raw: bytes, keys: Iterable[VerifierKey], require: Iterable[VerifierKey] = ()) -> VerifiedNote:
    """The note's text, signed by all of `require`, and by at least one of `keys` and `require`.

    Raises LedgerInvalid: malformed, nobody known signed, a required key did not, or a known key's signature fails.
    """
    note = parse_note(raw)
    required = tuple(require)
    known = {(key.name, key.key_id): key for key in (*keys, *required)}
    verified: dict[VerifierKey, VerifiedSignature] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:  # a repeat by the same key is verified too, and the first one counts
            verified.setdefault(key, _verify_signature(note.text, key, signature.blob))
    for key in required:
        if key not in verified:
            raise LedgerInvalid(why=f"the note lacks the {key.type.name} signature of {key.name}")
    if not verified:
        raise LedgerInvalid(why="no known key signed the note")
    return VerifiedNote(note.text, tuple(verified.values()))


def stated_time(signature: NoteSignature) -> int:
    """POSIX seconds that a line of a timestamped type states, unverified."""
    return int.from_bytes(signature.blob[:_TIMESTAMP_BYTES], "big")


def _verify_signature(text: str, key: VerifierKey, blob: bytes) -> VerifiedSignature:
    stamp = blob[:_TIMESTAMP_BYTES] if key.type.timestamped else b""
    signature = blob[len(stamp) :]
    timestamp_s = int.from_bytes(stamp, "big")
    wrong = LedgerInvalid(why=f"the {key.type.name} signature of {key.name} does not verify")
    if len(signature) != key.type.signature_bytes:
        raise wrong
    message = _signed_message(key, timestamp_s, text)
    try:
        key.public_key.verify(signature, message)
    except InvalidSignature:
        raise wrong from None
    return VerifiedSignature(key, timestamp_s)


def _signed_message(key: VerifierKey, timestamp_s: int, text: str) -> bytes:
    """The bytes that a key of this type signs for this text (module rule 3)."""
    if key.type is SignatureType.ED25519:
        return text.encode()
    if not 0 <= timestamp_s <= MAX_TIMESTAMP_S:
        raise LedgerInvalid(why="a cosignature's timestamp is not a time")
    head = parse_tree_head(text)
    if key.type is SignatureType.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {timestamp_s}\n{text}".encode()
    name, origin = key.name.encode(), head.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes([len(name)]) + name,
            timestamp_s.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            (0).to_bytes(8, "big"),  # start: a checkpoint is the subtree from 0 to its size
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )
