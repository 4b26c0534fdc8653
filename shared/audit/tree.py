"""The Merkle tree of RFC 6962: hashing, inclusion and consistency proofs, and their verification.

Rules:
1. Hashing is RFC 6962 §2.1 with SHA-256; a root is exactly 32 bytes, and anything else is refused.
2. No tree is held in memory. What a proof needs is read from a `HashReader`, by default from tiles
   (`tiles.TileHashReader`); a proof costs O(log n) reads.
3. Proofs are made as RFC 6962 §2.1.1–2.1.2 define them and verified by the algorithms of RFC 9162 §2.1.3.2 and
   §2.1.4.2, so that maker and verifier share no code but the hash.

This module does not store, fetch or sign anything, and knows nothing of what the leaves say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from shared.errors import LedgerInvalid

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
EMPTY_ROOT: Final = sha256(b"").digest()

HashReader = Callable[[int, int], bytes]
"""(level, number) → Merkle tree hash of the complete subtree over the 2**level leaves from number * 2**level on."""


class Subtree(NamedTuple):
    """A complete subtree: the leaves from `number * 2**level` to before `(number + 1) * 2**level`."""

    level: int
    number: int


class Range(NamedTuple):
    """The leaves from `first` to before `end`, as one of the subtrees that RFC 6962 splits a tree into."""

    first: int
    end: int


def hash_leaf(entry: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def check_hash(value: bytes, what: str) -> bytes:
    """The value itself. Raises LedgerInvalid unless it has 32 bytes: other verifiers forget to look."""
    if len(value) != HASH_BYTES:
        raise LedgerInvalid(why=f"{what} has {len(value)} bytes, not {HASH_BYTES}")
    return value


def check_size(size: int) -> int:
    """The size itself. Raises LedgerInvalid unless 0 <= size < 2**63."""
    if not 0 <= size <= MAX_SIZE:
        raise LedgerInvalid(why=f"a tree of {size} entries cannot exist")
    return size


# --- which hashes a root or a proof is made of -----------------------------------------------------------------------


def complete_subtrees(leaves: Range) -> list[Subtree]:
    """The fewest complete subtrees that make up these leaves, from left to right."""
    first, end = leaves
    found = []
    while first < end:
        level = (end - first).bit_length() - 1
        if first:
            level = min(level, (first & -first).bit_length() - 1)
        found.append(Subtree(level, first >> level))
        first += 1 << level
    return found


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What an inclusion proof is made of (RFC 6962 §2.1.1), from the leaf's sibling up to the root's child.

    Raises LedgerInvalid when the tree has no such leaf.
    """
    if not 0 <= index < check_size(size):
        raise LedgerInvalid(why=f"a tree of {size} entries has no entry {index}")
    first, end = 0, size
    siblings = []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            siblings.append(Range(middle, end))
            end = middle
        else:
            siblings.append(Range(first, middle))
            first = middle
    return siblings[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """What a consistency proof is made of (RFC 6962 §2.1.2); nothing when the old tree is empty or the same.

    Raises LedgerInvalid when the tree would shrink.
    """
    if not 0 <= old_size <= check_size(new_size):
        raise LedgerInvalid(why=f"a tree of {old_size} entries is no beginning of one of {new_size}")
    if old_size == 0:
        return []
    first, end = 0, new_size
    parts = []
    while old_size != end:
        middle = first + _split(end - first)
        if old_size <= middle:
            parts.append(Range(middle, end))
            end = middle
        else:
            parts.append(Range(first, middle))
            first = middle
    if first:  # the old root itself is known to the verifier and not sent
        parts.append(Range(first, end))
    return parts[::-1]


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (RFC 6962 §2.1, k)."""
    return 1 << ((width - 1).bit_length() - 1)


# --- making ----------------------------------------------------------------------------------------------------------


def root_at(size: int, read_hash: HashReader) -> bytes:
    """The root of the tree's first `size` entries, 32 bytes; SHA-256 of nothing when there are none."""
    if check_size(size) == 0:
        return EMPTY_ROOT
    return _hash_of(Range(0, size), read_hash)


def prove_inclusion(index: int, size: int, read_hash: HashReader) -> list[bytes]:
    """The inclusion proof of entry `index` in the tree of `size` entries. Raises LedgerInvalid if there is none."""
    return [_hash_of(part, read_hash) for part in inclusion_ranges(index, size)]


def prove_consistency(old_size: int, new_size: int, read_hash: HashReader) -> list[bytes]:
    """The proof that the tree of `old_size` is a beginning of that of `new_size`. Raises LedgerInvalid."""
    return [_hash_of(part, read_hash) for part in consistency_ranges(old_size, new_size)]


def _hash_of(leaves: Range, read_hash: HashReader) -> bytes:
    hashes = [check_hash(read_hash(*subtree), "a stored hash") for subtree in complete_subtrees(leaves)]
    total = hashes.pop()
    while hashes:
        total = hash_children(hashes.pop(), total)
    return total


# --- verifying -------------------------------------------------------------------------------------------------------


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2: the leaf stands at `index` in the tree with this root. Raises LedgerInvalid otherwise."""
    check_hash(root, "the root")
    if not 0 <= index < check_size(size):
        raise LedgerInvalid(why=f"a tree of {size} entries has no entry {index}")
    total = check_hash(leaf_hash, "the leaf hash")
    node, last = index, size - 1
    for sibling in proof:
        if last == 0:
            raise LedgerInvalid(why="the inclusion proof is too long")
        check_hash(sibling, "a hash of the inclusion proof")
        if node & 1 or node == last:
            total = hash_children(sibling, total)
            node, last = _up_to_right_child(node, last)
        else:
            total = hash_children(total, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise LedgerInvalid(why="the inclusion proof is too short")
    if total != root:
        raise LedgerInvalid(why=f"entry {index} is not in the tree of {size} entries with the given root")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 §2.1.4.2: the old tree is a beginning of the new one. Raises LedgerInvalid otherwise.

    An empty old tree is the beginning of every tree, with an empty proof; equal sizes need equal roots and an empty
    proof.
    """
    check_hash(old_root, "the old root")
    check_hash(new_root, "the new root")
    if not 0 <= old_size <= check_size(new_size):
        raise LedgerInvalid(why=f"the tree shrank from {old_size} to {new_size} entries")
    if old_size in (0, new_size):
        _verify_trivial_consistency(old_size, old_root, new_size, new_root, proof)
        return
    path = [check_hash(part, "a hash of the consistency proof") for part in proof]
    if old_size & (old_size - 1) == 0:  # a complete subtree: its root is known and was not sent
        path.insert(0, old_root)
    if not path:
        raise LedgerInvalid(why="the consistency proof is too short")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_total = new_total = path[0]
    for part in path[1:]:
        if last == 0:
            raise LedgerInvalid(why="the consistency proof is too long")
        if node & 1 or node == last:
            old_total = hash_children(part, old_total)
            new_total = hash_children(part, new_total)
            node, last = _up_to_right_child(node, last)
        else:
            new_total = hash_children(new_total, part)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise LedgerInvalid(why="the consistency proof is too short")
    if (old_total, new_total) != (old_root, new_root):
        raise LedgerInvalid(why=f"the tree of {old_size} entries is not a beginning of the tree of {new_size} entries")


def _verify_trivial_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise LedgerInvalid(why="the consistency proof is too long")
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise LedgerInvalid(why="the root of an empty tree is not the hash of nothing")
    if old_size == new_size and old_root != new_root:
        raise LedgerInvalid(why=f"two trees of {new_size} entries have different roots")


def _up_to_right_child(node: int, last: int) -> tuple[int, int]:
    """Skip the levels at which the node at the right edge has no sibling."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last
