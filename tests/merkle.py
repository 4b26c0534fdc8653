"""The Merkle tree hash as RFC 6962 §2.1 defines it, word for word: what every faster way is compared with."""

from collections.abc import Sequence

from shared.audit.tree import EMPTY_ROOT, hash_children


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hash_children(root_of(hashes[:split]), root_of(hashes[split:]))
