"""The Merkle tree hash as RFC 6962 §2.1 defines it, word for word: what every faster way is compared with."""

from collections.abc import Sequence

from shared.audit.tree import EMPTY_ROOT, hash_children


def path_of(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1: the inclusion path of a leaf, from its sibling up."""
    if len(hashes) < 2:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*path_of(index, hashes[:split]), root_of(hashes[split:])]
    return [*path_of(index - split, hashes[split:]), root_of(hashes[:split])]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hash_children(root_of(hashes[:split]), root_of(hashes[split:]))
