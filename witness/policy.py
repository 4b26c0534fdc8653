"""Which checkpoints a witness cosigns: those that continue the tree that it cosigned before (C2SP tlog-witness).

The steps, in the order of the specification:
1. the request and the checkpoint in it can be read
2. the origin is one that this witness was told of
3. every key that it was told of for that log signed the checkpoint
4. the old size is not larger than the new one
5. the old size is that of the checkpoint that it cosigned last, or 0 before the first
6. the proof shows that the tree which it cosigned last is a beginning of the new one; at equal sizes both have one root

A checkpoint that came as far as step 5 or 6, and whose tree cannot be a continuation, is evidence: the log's own keys
signed it. It is kept, whatever the answer is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from shared.audit.checkpoint import parse_checkpoint
from shared.audit.notes import NoteSignature, VerifierKey, encode_note, parse_note, verify_note
from shared.audit.tree import EMPTY_ROOT, verify_consistency
from shared.audit.tree_head import TreeHead
from shared.audit.witness_protocol import AddCheckpoint, parse_add_checkpoint
from shared.errors import LedgerInvalid


class Refusal(Enum):
    """Why nothing is cosigned; the edge has a number for each."""

    malformed = "malformed"
    unknown_log = "unknown-log"
    unsigned = "unsigned"
    old_size_too_large = "old-size-too-large"
    other_size = "other-size"
    inconsistent = "inconsistent"


@dataclass(frozen=True)
class WatchedLog:
    """A log with what this witness cosigned of it last; `note` is that checkpoint, None before the first."""

    origin: str
    keys: tuple[VerifierKey, ...]
    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes | None = None


@dataclass(frozen=True)
class Refused:
    """`size` is that of the tree cosigned last, where the log is known. `evidence` is signed by the log itself."""

    refusal: Refusal
    why: str
    size: int = 0
    evidence: bytes | None = None


@dataclass(frozen=True)
class Continued:
    """To be cosigned. `note` is the checkpoint with its log's signatures alone; `is_new` unless it is the last one."""

    log: WatchedLog
    head: TreeHead
    note: bytes
    is_new: bool


def decide_checkpoint(raw: bytes, find: Callable[[str], WatchedLog | None]) -> Continued | Refused:
    """`find` knows the logs by their origins."""
    try:
        request = parse_add_checkpoint(raw)
        head = parse_checkpoint(request.checkpoint)
    except LedgerInvalid as broken:
        return Refused(Refusal.malformed, broken.sentence())
    log = find(head.origin)
    if log is None:
        return Refused(Refusal.unknown_log, f"this witness was not told of a log {head.origin}")
    try:
        verify_note(request.checkpoint, keys=(), require=log.keys)
    except LedgerInvalid as unsigned:
        return Refused(Refusal.unsigned, unsigned.sentence())
    return _decide_signed(request, head, log)


def _decide_signed(request: AddCheckpoint, head: TreeHead, log: WatchedLog) -> Continued | Refused:
    note = _stripped(request.checkpoint, log)
    is_fork = head.size == log.size and head.root != log.root
    evidence = note if is_fork else None
    if request.old_size > head.size:
        return Refused(
            Refusal.old_size_too_large, f"old {request.old_size} is larger than {head.size}", log.size, evidence
        )
    if request.old_size != log.size:
        return Refused(Refusal.other_size, f"this witness cosigned {log.size} entries last", log.size, evidence)
    try:
        verify_consistency(log.size, log.root, head.size, head.root, request.proof)
    except LedgerInvalid as broken:
        return Refused(Refusal.inconsistent, broken.sentence(), log.size, note)
    return Continued(log, head, note, is_new=log.note is None or head.size != log.size)


def _stripped(checkpoint: bytes, log: WatchedLog) -> bytes:
    """With the log's own signatures, once each: whatever else came with it is nobody's business here."""
    note = parse_note(checkpoint)
    own: dict[tuple[str, bytes], NoteSignature] = {}
    known = {(key.name, key.key_id) for key in log.keys}
    for signature in note.signatures:
        if (signature.name, signature.key_id) in known:
            own.setdefault((signature.name, signature.key_id), signature)
    return encode_note(type(note)(note.text, tuple(own.values())))
