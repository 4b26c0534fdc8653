"""Receipts that verify offline: `tlog-proof` files (C2SP tlog-proof, "Format").

Rules: first line, optional `extra`, `index`, one base64 hash per line from the leaf's sibling up, an empty line, the
checkpoint verbatim. A proof convinces only with the entry's own bytes at hand. `extra` is nobody's word: it is not
signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.audit.checkpoint import LogKeys, VerifiedCheckpoint, verify_checkpoint
from shared.audit.notes import MAX_NOTE_BYTES, VerifierKey
from shared.audit.tree import hash_leaf, verify_inclusion
from shared.audit.tree_head import encode_hash, parse_base64, parse_hash
from shared.errors import LedgerInvalid

MAX_PROOF_HASHES: Final = 63
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 128 * 1024  # an entry in base64 and 63 hashes
_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class TlogProof:
    """A proof as received: nothing in it is verified. `hashes` go from the leaf's sibling to the root's child."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""


@dataclass(frozen=True)
class VerifiedProof:
    """`entry` stands at `index` in the tree of the checkpoint."""

    index: int
    entry: bytes
    checkpoint: VerifiedCheckpoint


def encode_proof(proof: TlogProof) -> bytes:
    """The text of a proof. Raises LedgerInvalid if it would not be read back the same."""
    lines = [_FIRST_LINE]
    if proof.extra:
        lines.append(f"extra {encode_hash(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(encode_hash(part) for part in proof.hashes)
    raw = "\n".join([*lines, "", ""]).encode() + proof.checkpoint
    if parse_proof(raw) != proof:
        raise LedgerInvalid(why="these parts cannot be written as a proof")
    return raw


def parse_proof(raw: bytes) -> TlogProof:
    """The proof in this text, unverified. Raises LedgerInvalid."""
    preamble, blank, checkpoint = raw.partition(b"\n\n")
    if not blank or len(raw) > MAX_PROOF_BYTES:
        raise LedgerInvalid(why="a proof has a checkpoint after an empty line, and is no larger than it needs to be")
    try:
        first, *lines = preamble.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise LedgerInvalid(why="the lines before the checkpoint are not ASCII") from None
    if first != _FIRST_LINE:
        raise LedgerInvalid(why=f"a proof begins with {_FIRST_LINE}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "), "the extra data of the proof")
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if index is None or len(lines) > MAX_PROOF_HASHES:
        raise LedgerInvalid(why="a proof has an index line and then at most 63 hashes")
    hashes = tuple(parse_hash(line, "a hash of the proof") for line in lines)
    return TlogProof(int(index[1]), hashes, checkpoint, extra)


def verify_proof(raw: bytes, entry: bytes, log: LogKeys, witnesses: Iterable[VerifierKey] = ()) -> VerifiedProof:
    """What the proof proves about `entry`, the exact bytes in the log. Raises LedgerInvalid.

    1. the text is a proof; 2. both keys of the log signed its checkpoint, known witnesses' cosignatures verify;
    3. the entry stands at the index. Whether the witnesses are enough is for the caller's policy.
    """
    return verify_parsed_proof(parse_proof(raw), entry, log, witnesses)


def verify_parsed_proof(
    proof: TlogProof, entry: bytes, log: LogKeys, witnesses: Iterable[VerifierKey] = ()
) -> VerifiedProof:
    """The same of a proof that was parsed already: steps 2 and 3. Raises LedgerInvalid."""
    checkpoint = verify_checkpoint(proof.checkpoint, log, witnesses)
    verify_inclusion(hash_leaf(entry), proof.index, checkpoint.head.size, proof.hashes, checkpoint.head.root)
    return VerifiedProof(proof.index, entry, checkpoint)
