"""Proofs that anybody computes from a ledger's tiles: that an entry stands in it, and that it continues an older one.

A static log answers no questions: whoever reads the tiles needs nobody to make a proof. What is made here is verified
before it is given away; the tiles are believed in nothing, the checkpoint for its signatures and its quorum alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from client.ledger_source import CHECKPOINT, LedgerSource
from shared.audit.proofs import TlogProof, VerifiedProof, encode_proof
from shared.audit.quorum import rule_of
from shared.audit.tiles import TILE_WIDTH, TileHashReader, bundle_at, parse_bundle
from shared.audit.tree import prove_consistency, prove_inclusion, root_at, verify_consistency
from shared.audit.tree_head import TreeHead
from shared.errors import LedgerInvalid, NotInLedger
from shared.keys.trust import Trust


@dataclass(frozen=True, slots=True)
class Continued:
    """The tree of `old` is a beginning of that of `new`, by these hashes (RFC 6962 §2.1.2)."""

    old: TreeHead
    new: TreeHead
    hashes: tuple[bytes, ...]


def prove_entry(source: LedgerSource, trust: Trust, index: int) -> bytes:
    """A tlog-proof file of the entry, which is in it as extra data. Raises NotInLedger for a number that the
    ledger does not have, LedgerInvalid, NotThere."""
    checkpoint = rule_of(trust).verify(source.read(CHECKPOINT))
    size = checkpoint.head.size
    if not 0 <= index < size:
        raise NotInLedger(size=size, what=f"entry {index}; the first is entry 0")
    bundle = bundle_at(index // TILE_WIDTH, size)
    entry = parse_bundle(source.read(bundle.path), bundle.width)[index % TILE_WIDTH]
    hashes = prove_inclusion(index, size, _reader(source, size))
    proof = TlogProof(index, tuple(hashes), checkpoint.note, entry)
    check_entry_proof(proof, trust)
    return encode_proof(proof)


def check_entry_proof(proof: TlogProof, trust: Trust) -> VerifiedProof:
    """What a tlog-proof with its entry in it proves, offline. Raises LedgerInvalid, QuorumMissing."""
    if not proof.extra:
        raise LedgerInvalid(why="the file does not hold the entry that it is to prove")
    return rule_of(trust).verify_carried(proof)


def prove_continued(source: LedgerSource, trust: Trust, older: bytes) -> Continued:
    """That the source continues the tree of a checkpoint that was kept. Raises LedgerInvalid, NotThere.

    The kept one needs the log's signatures; whose witnesses cosigned it is the business of the day it was kept.
    """
    rule = rule_of(trust)
    old, new = rule.read(older).head, rule.verify(source.read(CHECKPOINT)).head
    return Continued(old, new, prove_heads(source, old, new))


def prove_heads(source: LedgerSource, old: TreeHead, new: TreeHead) -> tuple[bytes, ...]:
    """The proof that the tree of `old` is a beginning of that of `new`, the source's. Raises LedgerInvalid."""
    hashes = prove_beginning(source, old.size, new) if old.size <= new.size else ()
    verify_consistency(old.size, old.root, new.size, new.root, hashes)
    return hashes


def prove_beginning(source: LedgerSource, size: int, new: TreeHead) -> tuple[bytes, ...]:
    """The consistency proof from the first `size` entries, whatever their root is, by tiles that make the root of
    `new`: what it does not agree with contradicts `new` itself, and not a file that was damaged.

    Raises LedgerInvalid where the tiles do not, NotThere.
    """
    if size in (0, new.size):
        return ()
    read = _reader(source, new.size)
    root, hashes = root_at(size, read), prove_consistency(size, new.size, read)
    try:
        verify_consistency(size, root, new.size, new.root, hashes)
    except LedgerInvalid:
        raise LedgerInvalid(
            why=f"its tiles do not make the root of its own checkpoint of {new.size} entries: files are damaged, or of"
            " another ledger"
        ) from None
    return tuple(hashes)


def _reader(source: LedgerSource, size: int) -> TileHashReader:
    return TileHashReader(size, lambda tile: source.read(tile.path))
