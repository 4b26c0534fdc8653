"""Whether a dossier is over, as far as the law goes: what the exchange's policy on retention counts from."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.leg import Leg
from shared.domain.profiles import profile_of


def is_closed(legs: Iterable[Leg]) -> bool:
    """Every measure of every leg is in a final state, and nobody owes anything. A dossier without legs is not closed.

    Raises ProfileUnknown, and LookupError for a state that this program does not know.
    """
    known = list(legs)
    return bool(known) and all(
        not leg.obligations
        and all(profile_of(leg.profile).states[measure.state].turn is None for measure in leg.measures)
        for leg in known
    )
