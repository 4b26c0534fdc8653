"""The legs of a dossier and what a message does to them.

Rules:
1. State is the fold of admitted messages: nothing changes a measure but a message signed by the party entitled to it.
2. A message that changes something must have seen the last one that did (`Leg.head`), or a later one that changed
   nothing. Reminders, status queries and their answers are exempt: they can cross anything.
3. Every measure of a message must be able to make the move, or none makes it.
4. Only form, a foreign signer, a stale or an illegal move reject. The law warns (`instruments.py`), it never blocks
   here.
Pure: `at`, the time of admission, comes from the caller. Digests are SHA-256 of the envelope in base64url.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from shared.domain.clocks import NO_LIMIT
from shared.domain.evidences import TransportState
from shared.domain.header import Header
from shared.domain.leg import (
    SEEN_AFTER_HEAD,
    DueBasis,
    Leg,
    Measure,
    Obligation,
    encode_leg,
    measure_order,
    parse_leg,
)
from shared.domain.obligations import apply_obligations
from shared.domain.profile_format import BEFORE, STAY, Kind
from shared.domain.profiles import check_header, profile_of
from shared.errors import DossierStale, ForeignSigner, HeaderInconsistent, IllegalMove, MeasureUnknown

__all__ = [
    "DueBasis",
    "Leg",
    "Measure",
    "Obligation",
    "decide_move",
    "dossier_status",
    "encode_leg",
    "is_current",
    "leg_status",
    "open_legs",
    "parse_leg",
    "possible_kinds",
    "shown_dossier_status",
    "shown_state",
]

_TRANSPORT_ORDER: Final = ("undelivered", "submitted", "transmitted", "delivered")
NO_CLOCKS: Mapping[str, str] = MappingProxyType({})


def open_legs(header: Header, digest: str, at: datetime, clocks: Mapping[str, str] = NO_CLOCKS) -> list[Leg]:
    """One leg per recipient of a message that opens a dossier, in the order of the recipients.

    `digest` is the envelope's, `clocks` names the law's clock of each instrument that has one (`Registry.clocks`).
    Raises what check_header raises, and HeaderInconsistent for a kind that opens no dossier.
    """
    kind = check_header(header)
    if not kind.opens_dossier or header.basis is None:
        raise HeaderInconsistent(why=f"{header.kind} does not open a dossier")
    first = profile_of(header.profile).first_state
    measures = tuple(
        Measure(measure, header.measures[measure], first, at, None)
        for measure in sorted(header.measures, key=measure_order)
    )
    deadline = header.act.get("deadline")
    legs = []
    for requested in header.recipients:
        basis = header.basis[requested]
        leg = Leg(
            dossier=header.dossier,
            requesting=header.sender,
            requested=requested,
            profile=header.profile,
            basis=basis,
            clock=clocks.get(basis.primary, NO_LIMIT),
            request=header.id,
            opened_at=at,
            deadline=None if deadline is None else date.fromisoformat(deadline),
            measures=measures,
            obligations=(),
            head=digest,
            since_head=(),
            holder=None,
            version=1,
        )
        legs.append(replace(leg, obligations=apply_obligations(leg, kind, header, at)))
    return legs


def decide_move(leg: Leg, header: Header, digest: str, at: datetime) -> Leg:
    """The leg after this message was admitted at `at`; `digest` is the envelope's.

    Raises what check_header raises, and, in this order: HeaderInconsistent, ForeignSigner, MeasureUnknown,
    DossierStale, IllegalMove. The leg passed in never changes.
    """
    kind = check_header(header)  # (1) to (5)
    _check_parties(leg, header, kind)  # (6) dossier, leg, profile, signer and recipient are the leg's
    measures = _measures_named(leg, header)  # (7) every measure was asked for, under this type
    if kind.changes_state and not is_current(leg, header.seen):  # (8) the sender has seen what changed last
        raise DossierStale(leg=leg.requested)
    moved = {measure.id: _moved(measure, kind, at) for measure in measures}  # (9) each may move, or none does
    return replace(
        leg.with_measures(moved),
        obligations=apply_obligations(leg, kind, header, at),
        head=digest if kind.changes_state else leg.head,
        since_head=() if kind.changes_state else (*leg.since_head, digest)[-SEEN_AFTER_HEAD:],
        holder=header.act.get("holder", leg.holder),
        version=leg.version + 1,
    )


def is_current(leg: Leg, seen: str | None) -> bool:
    """Whether somebody who last processed the envelope `seen` knows everything that changed this leg."""
    return seen == leg.head or seen in leg.since_head


def possible_kinds(leg: Leg, authority: str) -> dict[str, tuple[str, ...]]:
    """What this authority may send on the leg now: kind → the measures for which it is possible. Empty for a
    stranger."""
    side = leg.side_of(authority)
    possible = {}
    for kind in profile_of(leg.profile).kinds.values():
        measures = tuple(measure.id for measure in leg.measures if measure.state in kind.moves)
        if side in kind.senders and measures:
            possible[kind.name] = measures
    return possible


def leg_status(leg: Leg) -> str:
    """The roll-up of a leg: the least advanced state among its measures, since that is what still keeps it open."""
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


def _check_parties(leg: Leg, header: Header, kind: Kind) -> None:
    if (header.dossier, header.leg, header.profile) != (leg.dossier, leg.requested, leg.profile):
        raise HeaderInconsistent(why=f"dossier, leg or profile is not that of the leg {leg.requested}")
    if leg.side_of(header.sender) not in kind.senders:
        raise ForeignSigner(sender=header.sender, leg=leg.requested, kind=kind.name)
    other = leg.requested if header.sender == leg.requesting else leg.requesting
    if header.recipients != (other,):
        raise HeaderInconsistent(why=f"a message on this leg goes to {other}, and to nobody else")


def _measures_named(leg: Leg, header: Header) -> list[Measure]:
    """The leg's measures that the header names. Raises MeasureUnknown."""
    named = []
    for measure_id, type_ in header.measures.items():
        measure = leg.measure(measure_id)
        if measure is None or measure.type != type_:
            raise MeasureUnknown(leg=leg.requested, measure=measure_id)
        named.append(measure)
    return named


def _moved(measure: Measure, kind: Kind, at: datetime) -> Measure:
    """The measure after a message of this kind. Raises IllegalMove."""
    target = kind.moves.get(measure.state)
    if target == BEFORE:
        target = measure.before
    if target is None:
        raise IllegalMove(measure=measure.id, state=measure.state, kind=kind.name)
    if target == STAY:
        return measure
    return replace(measure, state=target, since=at, before=measure.state if kind.remembers else None)
