"""A key id as people read it to each other."""

from __future__ import annotations


def fingerprint(kid: str) -> str:
    """The kid in groups of four, to be read aloud."""
    owner, _, digest = kid.partition("#")
    return f"{owner} # " + " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))
