"""Checkpoints of a Comity log: signed by both of the log's keys, cosigned by witnesses (C2SP tlog-checkpoint).

Rules:
1. The text is that of `tree_head`: origin, size, root, and nothing else.
2. The log signs with Ed25519 (0x01), which every existing verifier understands, and with ML-DSA-44 (0x06), which
   survives a quantum computer. Both must be there and verify; one alone is no checkpoint. Both keys bear the origin
   as their name.
3. Cosignatures of known witnesses are verified and reported with their time; whether they are enough is the policy's
   decision, taken elsewhere.
4. A log's keys may be changed. What those of before signed counts for trees of at most as many entries as the log had
   then: whoever has them later signs no tree that is news.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.audit.notes import (
    NoteSignature,
    NoteSigner,
    SignatureType,
    SignedNote,
    VerifiedSignature,
    VerifierKey,
    encode_note,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from shared.audit.tree_head import TreeHead, encode_tree_head, parse_tree_head
from shared.errors import KeyRefused, LedgerInvalid


@dataclass(frozen=True)
class LogKeys:
    """The two keys of one log. `origin` is the name that both bear, and the first line of every checkpoint.

    `former` are the pairs of before, each with the most entries that a tree may have that they signed.
    """

    ed25519: VerifierKey
    mldsa44: VerifierKey
    former: tuple[tuple[LogKeys, int], ...] = ()

    def __post_init__(self) -> None:
        if (self.ed25519.type, self.mldsa44.type) != (SignatureType.ED25519, SignatureType.MLDSA44):
            raise KeyRefused(alg="log", why="a log has one Ed25519 key (0x01) and one ML-DSA-44 key (0x06)")
        if self.ed25519.name != self.mldsa44.name:
            raise KeyRefused(alg="log", why="the two keys of a log bear different names")
        if any(keys.origin != self.origin for keys, _ in self.former):
            raise KeyRefused(alg="log", why="keys of before bear another name")

    def signed(self, note: SignedNote) -> bool:
        """Whether the note has lines of both keys, which are not verified."""
        lines = {(one.name, one.key_id) for one in note.signatures}
        return {(one.name, one.key_id) for one in (self.ed25519, self.mldsa44)} <= lines

    @property
    def origin(self) -> str:
        return self.ed25519.name


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """A tree head that both of the log's keys signed, the witnesses that cosigned it, and the note as received."""

    head: TreeHead
    cosignatures: tuple[VerifiedSignature, ...]
    note: bytes


def parse_log_keys(vkeys: Iterable[str]) -> LogKeys:
    """A log's keys from two vkeys, in any order. Raises KeyRefused unless one is Ed25519, the other ML-DSA-44."""
    keys = sorted((parse_vkey(text) for text in vkeys), key=lambda key: key.type)
    if len(keys) != 2:
        raise KeyRefused(alg="log", why=f"a log has two keys, here are {len(keys)}")
    return LogKeys(keys[0], keys[1])


def encode_checkpoint(head: TreeHead, ed25519: NoteSigner, mldsa44: NoteSigner) -> bytes:
    """The checkpoint of this tree head, signed by both keys. Raises KeyRefused or LedgerInvalid if they do not fit."""
    keys = LogKeys(ed25519.vkey, mldsa44.vkey)
    if keys.origin != head.origin:
        raise LedgerInvalid(why=f"the keys of {keys.origin} cannot sign for {head.origin}")
    return sign_note(encode_tree_head(head), (ed25519, mldsa44))


def parse_checkpoint(note: bytes) -> TreeHead:
    """What a checkpoint claims, with no signature verified: for finding out what to ask for. Raises LedgerInvalid."""
    return parse_tree_head(parse_note(note).text)


def verify_checkpoint(note: bytes, log: LogKeys, witnesses: Iterable[VerifierKey] = ()) -> VerifiedCheckpoint:
    """The checkpoint, if both keys of this log signed it and it is of this log. Raises LedgerInvalid.

    `witnesses` are the keys whose cosignatures the caller knows; a known one that does not verify refuses the
    checkpoint.
    """
    log = _keys_of_then(note, log)
    verified = verify_note(note, keys=witnesses, require=(log.ed25519, log.mldsa44))
    head = parse_tree_head(verified.text)
    if head.origin != log.origin:
        raise LedgerInvalid(why=f"the checkpoint is of the log {head.origin}, not of {log.origin}")
    own = (log.ed25519, log.mldsa44)
    return VerifiedCheckpoint(head, tuple(each for each in verified.signatures if each.key not in own), note)


def _keys_of_then(note: bytes, log: LogKeys) -> LogKeys:
    """Rule 4. Raises LedgerInvalid."""
    if log.former:
        signed = parse_note(note)
        for former, most in log.former:
            if former.signed(signed) and not log.signed(signed):
                size = parse_tree_head(signed.text).size
                if size > most:
                    raise LedgerInvalid(why=f"keys signed it that signed trees of up to {most} entries, it has {size}")
                return former
    return log


def add_cosignatures(note: bytes, cosignatures: Iterable[NoteSignature]) -> bytes:
    """The same checkpoint with these lines after its own, repeats left out. Verifies nothing. Raises LedgerInvalid."""
    signed = parse_note(note)
    signatures = dict.fromkeys((*signed.signatures, *cosignatures))
    return encode_note(replace(signed, signatures=tuple(signatures)))
