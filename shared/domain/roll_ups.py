"""What a leg and a dossier show, given their measures: roll-ups of states and of outcomes.

Status and outcome live on the measure. A leg and a dossier show the least advanced state, since that is what still
keeps them open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.domain.evidences import TransportState
from shared.domain.leg import Leg
from shared.domain.profiles import profile_of

MIXED: Final = "mixed"
"""The outcome of measures that ended differently."""
_TRANSPORT_ORDER: Final = ("undelivered", "submitted", "transmitted", "delivered")


def leg_status(leg: Leg) -> str:
    """The roll-up of a leg: the least advanced state among its measures, in the order of the profile's table."""
    order = list(profile_of(leg.profile).states)
    return min((measure.state for measure in leg.measures), key=order.index)


def dossier_status(legs: Iterable[Leg]) -> str:
    """The roll-up of a dossier: the least advanced status among its legs, of those that the viewer may see.

    Raises ValueError for no leg at all.
    """
    legs = list(legs)
    if not legs:
        raise ValueError("a dossier has at least one leg")
    order = list(profile_of(legs[0].profile).states)
    return min((leg_status(leg) for leg in legs), key=order.index)


def shown_dossier_status(legs: Iterable[tuple[Leg, str | None]]) -> str:
    """The roll-up to show, of legs with how far the transport of each has come: the least advanced by law first, and by
    transport where the law is equal. Raises ValueError for no leg at all."""
    legs = list(legs)
    if not legs:
        raise ValueError("a dossier has at least one leg")
    order = list(profile_of(legs[0][0].profile).states)

    def advance(one: tuple[str, str]) -> tuple[int, int]:
        legal, shown = one
        return order.index(legal), _TRANSPORT_ORDER.index(shown) if shown in _TRANSPORT_ORDER else 0

    statuses = [(leg_status(leg), shown_state(leg_status(leg), transport)) for leg, transport in legs]
    return min(statuses, key=advance)[1]


def outcome_of(legs: Iterable[Leg]) -> str | None:
    """How these legs ended: null until every measure has an outcome; the one that all have; else `mixed`."""
    outcomes = {measure.outcome for leg in legs for measure in leg.measures}
    if None in outcomes or not outcomes:
        return None
    return outcomes.pop() if len(outcomes) == 1 else MIXED


def shown_state(legal_state: str, transport_state: str | None) -> str:
    """The state to show: the legal one, except that `submitted` shows how far the transport has come.

    `transport_state` is a value of TransportState or null where nothing is known. Raises ValueError for any other.
    """
    if legal_state != "submitted" or transport_state is None:
        return legal_state
    match TransportState(transport_state):
        case TransportState.delivered | TransportState.retrieved | TransportState.not_retrieved:
            return "delivered"
        case TransportState.relayed:
            return "transmitted"
        case TransportState.not_relayed | TransportState.not_delivered:
            return "undelivered"
        case TransportState.submitted:
            return "submitted"
