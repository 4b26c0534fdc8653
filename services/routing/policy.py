"""Who gets an envelope: whoever it is sealed to, and nobody else."""

from __future__ import annotations

from collections.abc import Iterable

from shared.keys.public import parse_kid


def readers_of(kids: Iterable[str]) -> dict[str, str]:
    """Reader → the sealing key of theirs that a wrap is for, in the order of the wraps."""
    return {parse_kid(kid).owner: kid for kid in kids}
