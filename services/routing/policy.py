"""Who gets an envelope: whoever it is sealed to, and nobody else. And since when nobody needs its sealed parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from shared.domain.closure import is_closed
from shared.domain.dossier import parse_leg
from shared.errors import Rejection
from shared.keys.public import parse_kid


def readers_of(kids: Iterable[str]) -> dict[str, str]:
    """Reader → the sealing key of theirs that a wrap is for, in the order of the wraps."""
    return {parse_kid(kid).owner: kid for kid in kids}


def closed_since(states: Sequence[Any], changed_at: Sequence[datetime]) -> datetime | None:
    """Since when a dossier with these legs is closed; None while one is open, owes something, or cannot be read.

    `states` are the legs as stored, `changed_at` their last changes. A dossier without legs is not closed.
    """
    try:
        return max(changed_at) if is_closed([parse_leg(state) for state in states]) else None
    except (ValueError, LookupError, Rejection):
        return None  # made by a newer program: nothing is pruned that is not understood
