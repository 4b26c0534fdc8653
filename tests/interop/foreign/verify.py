"""aics-tlog and pymerkle, told line by line what to verify (bench/orders.py). Nothing of Comity is in here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import aics_tlog
from pymerkle import InmemoryTree

from bench.orders import obey


class Refused(Exception):
    """What a stranger did not believe."""


def verify(ledger: str, vkeys: str, earlier: list[str], proofs: list[dict[str, Any]]) -> dict[str, Any]:
    """The checkpoint, every tile and entry, inclusion and consistency; `refused` says why not.

    `earlier` are checkpoints that the ledger must continue, `proofs` inclusion proofs that somebody else made.
    """
    try:
        return _verified(Path(ledger), Path(vkeys), earlier, proofs)
    except (Refused, ValueError, OSError) as refused:
        return {"refused": f"{type(refused).__name__}: {refused}"}


def _verified(ledger: Path, vkeys: Path, earlier: list[str], proofs: list[dict[str, Any]]) -> dict[str, Any]:
    keys = [aics_tlog.parse_vkey(line) for line in vkeys.read_text().split() if _is_known(line)]
    if len(keys) != 1:
        raise Refused("there is not one key of a known type")
    head = _checkpoint((ledger / "checkpoint").read_bytes(), keys[0])
    reader = aics_tlog.VerifiedTileReader(aics_tlog.FileSystemTileReader(ledger), head.size, head.root)
    audited = aics_tlog.audit_tiles(aics_tlog.FileSystemTileReader(ledger), head.size, head.root)
    for index in range(head.size):
        entry = aics_tlog.read_entry(reader, index, head.size)
        path = aics_tlog.inclusion_proof_from_tiles(reader, index, head.size)
        _demand(aics_tlog.verify_leaf_inclusion(entry, index, head.size, path, head.root), f"entry {index}")
    for note in earlier:
        old = _checkpoint(note.encode(), keys[0])
        path = aics_tlog.consistency_proof_from_tiles(reader, old.size, head.size)
        _demand(aics_tlog.verify_consistency(old.size, head.size, old.root, head.root, path), f"tree of {old.size}")
    for proof in proofs:
        path = [bytes.fromhex(one) for one in proof["hashes"]]
        entry, index = bytes.fromhex(proof["entry"]), proof["index"]
        _demand(aics_tlog.verify_leaf_inclusion(entry, index, head.size, path, head.root), f"proof of {index}")
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "entries": head.size,
        "tiles": audited.tiles,
        "earlier": len(earlier),
    }


def _is_known(vkey: str) -> bool:
    try:
        return bool(aics_tlog.parse_vkey(vkey).key_type == 1)
    except ValueError:
        return False


def _checkpoint(raw: bytes, key: Any) -> Any:
    found = aics_tlog.verify_checkpoint(aics_tlog.parse_note(raw), key, expected_origin=key.name)
    _demand(found.ok, f"the checkpoint ({found.error})")
    return found


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Refused(what)


def roots(entries: list[str]) -> dict[str, Any]:
    """The root of every tree of the first so many entries, from none to all, by both libraries."""
    leaves = [bytes.fromhex(one) for one in entries]
    tree, other = aics_tlog.MerkleTree(leaves), InmemoryTree()
    by_pymerkle = [other.get_root()]
    for leaf in leaves:
        other.append_entry(leaf)
        by_pymerkle.append(other.get_root())
    return {
        "aics-tlog": [tree.root(size).hex() for size in range(len(leaves) + 1)],
        "pymerkle": [root.hex() for root in by_pymerkle],
    }


if __name__ == "__main__":
    obey({"verify": verify, "roots": roots})
