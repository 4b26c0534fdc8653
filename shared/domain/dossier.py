"""The legs of a dossier and what a message does to them.

Rules:
1. State is the fold of admitted messages: nothing changes a measure but a message signed by the party entitled to it.
2. A message that changes something must have seen the last one that did (`Leg.head`), or a later one that changed
   nothing. Reminders, status queries and their answers are exempt: they can cross anything. So is a result for what
   was withdrawn, if its sender had seen all up to the withdrawal: it is admitted, marked late, and changes no more.
3. Every measure of a message must be able to make the move, or none makes it.
4. Only form, a foreign signer, a stale or an illegal move reject. The law warns (`instruments.py`), it never blocks
   here.
5. A leg that was handed to an enrolled holder has three parties, and each message on it goes to the two others.
6. What silence has closed by then is closed before the message is judged.
7. What evidences of transport say comes from the caller: `undelivered` is the message of which they say that it did not
   reach the requested party. Where that is the leg's original, its measures may move from the state that stands instead
   of theirs as well.
Pure: `at`, the time of admission, comes from the caller. Digests are SHA-256 of the envelope in base64url.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from types import MappingProxyType

from shared.domain.clocks import NO_LIMIT
from shared.domain.header import Header
from shared.domain.leg import (
    CROSSED_AT_MOST,
    PERMISSIONS_AT_MOST,
    SEEN_AFTER_HEAD,
    DueBasis,
    Leg,
    Measure,
    Obligation,
    Permission,
    encode_leg,
    measure_order,
    parse_leg,
)
from shared.domain.obligations import apply_obligations, hard_copy_owed, is_anything_owed, owes, settled_by
from shared.domain.profile_format import BEFORE, LATE, STAY, Kind, Side
from shared.domain.profiles import PROFILES, check_header, profile_of
from shared.domain.roll_ups import dossier_status, leg_status, outcome_of, shown_dossier_status, shown_state
from shared.domain.silence import lapsed
from shared.errors import DossierStale, ForeignSigner, HeaderInconsistent, IllegalMove, MeasureUnknown

__all__ = [
    "DueBasis",
    "Leg",
    "Measure",
    "Obligation",
    "by_transport",
    "decide_move",
    "dossier_status",
    "encode_leg",
    "is_current",
    "lapsed",
    "leg_status",
    "open_legs",
    "outcome_of",
    "parse_leg",
    "possible_kinds",
    "recipients_of",
    "shown_dossier_status",
    "shown_state",
]

NO_CLOCKS: Mapping[str, str] = MappingProxyType({})


def open_legs(
    header: Header,
    digest: str,
    at: datetime,
    clocks: Mapping[str, str] = NO_CLOCKS,
    asking_for_paper: Collection[str] = (),
) -> list[Leg]:
    """One leg per recipient of a message that opens a dossier, in the order of the recipients.

    `digest` is the envelope's, `clocks` names the law's clock of each instrument that has one (`Registry.clocks`),
    `asking_for_paper` the recipients to whom a hard copy is owed (`routes.terms_of`).
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
        opened = partial(
            Leg,
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
            head=digest,
            since_head=(),
            holder=None,
            version=1,
            urgency=header.urgency,
        )
        leg = opened(obligations=())
        owed = apply_obligations(leg, kind, header, at)
        if requested in asking_for_paper:
            owed = (*owed, *hard_copy_owed(leg, header, at))
        legs.append(opened(obligations=owed))
    return legs


def decide_move(leg: Leg, header: Header, digest: str, at: datetime, undelivered: str | None = None) -> Leg:
    """The leg after this message was admitted at `at`; `digest` is the envelope's.

    Raises what check_header raises, and, in this order: HeaderInconsistent, ForeignSigner, MeasureUnknown,
    DossierStale, IllegalMove. The leg passed in never changes.
    """
    kind = check_header(header)  # (1) to (5)
    leg = lapsed(leg, at)
    _check_parties(leg, header, kind)  # (6) dossier, leg, profile, signer and recipients are the leg's
    measures = _measures_named(leg, header)  # (7) every measure was asked for, under this type
    on_time = [one.id for one in measures if kind.moves.get(one.state) != LATE]
    is_late = not on_time
    changes = kind.changes_state and not is_late
    if kind.changes_state and not (is_current(leg, header.seen) or (is_late and header.seen in leg.crossed)):
        raise DossierStale(leg=leg.requested)  # (8) the sender has seen what changed last
    failed = undelivered == leg.original
    moved = {one.id: _moved(leg, one, kind, header, at, failed) for one in measures}  # (9) each may move, or none does
    handed = _handed_on(leg, header) if kind.forwards else leg
    return replace(
        handed.with_measures(moved),
        obligations=apply_obligations(handed, kind, header, at, on_time),
        head=digest if changes else leg.head,
        since_head=() if changes else (*leg.since_head, digest)[-SEEN_AFTER_HEAD:],
        holder=handed.holder if kind.forwards else header.act.get("holder", leg.holder),
        renewed_by=header.id if kind.renews else leg.renewed_by,
        version=leg.version + 1,
        crossed=_crossed(leg) if kind.may_be_crossed else leg.crossed,
        permissions=_permitted(leg, header, at) if kind.permits else leg.permissions,
    )


def is_current(leg: Leg, seen: str | None) -> bool:
    """Whether somebody who last processed the envelope `seen` knows everything that changed this leg."""
    return seen == leg.head or seen in leg.since_head


def possible_kinds(leg: Leg, authority: str, undelivered: str | None = None) -> dict[str, tuple[str, ...]]:
    """What this authority may send on the leg now: kind → the measures for which it is possible. Empty for a
    stranger."""
    side, failed = leg.side_of(authority), undelivered == leg.original
    possible = {}
    for kind in profile_of(leg.profile).kinds.values():
        measures = tuple(measure.id for measure in leg.measures if _may_move(leg, measure, kind, side, failed))
        if side in kind.senders and measures:
            possible[kind.name] = measures
    return possible


def recipients_of(leg: Leg, sender: str, to: str | None = None) -> tuple[str, ...]:
    """To whom a message on the leg goes: the other parties, and the enrolled holder `to` that it is handed to."""
    others = tuple(party for party in leg.parties if party != sender)
    return others if to is None or to in leg.parties else (*others, to)


def sending_side(leg: Leg, header: Header) -> Side:
    """The side that the sender is on. Raises ForeignSigner for a stranger."""
    side = leg.side_of(header.sender)
    if side is None:
        raise ForeignSigner(sender=header.sender, leg=leg.requested, kind=header.kind)
    return side


def _check_parties(leg: Leg, header: Header, kind: Kind) -> None:
    if (header.dossier, header.leg, header.profile) != (leg.dossier, leg.requested, leg.profile):
        raise HeaderInconsistent(why=f"dossier, leg or profile is not that of the leg {leg.requested}")
    if sending_side(leg, header) not in kind.senders:
        raise ForeignSigner(sender=header.sender, leg=leg.requested, kind=kind.name)
    others = recipients_of(leg, header.sender)
    handed_to = {header.act["holder"]} if kind.forwards else set()
    dispensable = {leg.holder} if kind.forwards else set()  # it may be suspended, and must be replaceable all the same
    if not set(others) - dispensable <= set(header.recipients) <= {*others, *handed_to}:
        raise HeaderInconsistent(why=f"a message on this leg goes to {' and '.join(others)}, and to nobody else")
    if kind.forwards:
        _check_holder(leg, header)
    elif leg.takes_part and header.act.get("holder", leg.holder) != leg.holder:
        raise HeaderInconsistent(why=f"{leg.holder} holds the leg; it is handed to another by forward")


def _check_holder(leg: Leg, header: Header) -> None:
    holder = header.act["holder"]
    if holder[:2] != leg.requested[:2]:
        raise HeaderInconsistent(why=f"{holder} is no authority of the requested party {leg.requested}")
    has_it = leg.holder is None if holder == leg.requested else leg.takes_part and holder == leg.holder
    if has_it or holder == leg.requesting:
        raise HeaderInconsistent(why=f"{holder} has the leg already")
    if header.act["original"] != leg.original:
        raise HeaderInconsistent(why=f"what is handed on is the message {leg.original}")


def _measures_named(leg: Leg, header: Header) -> list[Measure]:
    """The leg's measures that the header names. Raises MeasureUnknown."""
    named = []
    for measure_id, type_ in header.measures.items():
        measure = leg.measure(measure_id)
        if measure is None or measure.type != type_:
            raise MeasureUnknown(leg=leg.requested, measure=measure_id)
        named.append(measure)
    return named


def by_transport(profile: str, kind: str) -> bool:
    """Whether it depends on evidences of transport where a message of this kind may be sent. False for what is
    unknown."""
    known = PROFILES.get(profile)
    if known is None or kind not in known.kinds:
        return False
    moves = known.kinds[kind].moves
    return any(state.instead_of not in (None, *moves) and state.name in moves for state in known.states.values())


def _target(leg: Leg, measure: Measure, kind: Kind, failed: bool) -> str | None:
    """Where the kind moves this measure; None where it does not."""
    moves = kind.moves
    if measure.state in moves or not failed:
        return moves.get(measure.state)
    states = profile_of(leg.profile).states.values()
    return next((moves[one.name] for one in states if one.instead_of == measure.state and one.name in moves), None)


def _may_move(leg: Leg, measure: Measure, kind: Kind, side: Side | None, failed: bool) -> bool:
    """Whether the kind moves this measure from where it is; nothing does for a stranger."""
    if side is None or _target(leg, measure, kind, failed) is None:
        return False
    own = profile_of(leg.profile).duties.keys() if kind.discharges else kind.settles
    if own:
        return any(owes(leg, side, act, measure.id) for act in own)
    if kind.needs_owed:
        return any(one.act in kind.needs_owed and measure.id in one.measures for one in leg.obligations)
    is_open = profile_of(leg.profile).states[measure.state].turn is not None
    return is_open or kind.after_closure or is_anything_owed(leg, measure.id)


def _moved(leg: Leg, measure: Measure, kind: Kind, header: Header, at: datetime, failed: bool) -> Measure:
    """The measure after a message of this kind. Raises IllegalMove."""
    side = sending_side(leg, header)
    target = _target(leg, measure, kind, failed)
    if target == BEFORE:
        target = measure.before
    owed = not kind.discharges or all(owes(leg, side, duty, measure.id) for duty in header.act["duties"])
    if kind.settles:
        owed = any(settled_by(leg, kind, header, one) and measure.id in one.measures for one in leg.obligations)
    if target is None or not owed or not _may_move(leg, measure, kind, side, failed):
        raise IllegalMove(measure=measure.id, state=measure.state, kind=kind.name)
    outcome = None if kind.reopens else header.act.get("outcomes", {}).get(measure.id, kind.outcome) or measure.outcome
    if target == LATE:
        return replace(measure, late=True)
    if target == STAY:
        return measure
    before = measure.state if kind.remembers else None
    return replace(measure, state=target, since=at, before=before, outcome=outcome)


def _handed_on(leg: Leg, header: Header) -> Leg:
    """The leg with its new holder, who takes part if the message went to it as well."""
    holder = header.act["holder"]
    if holder == leg.requested:
        return replace(leg, holder=None, takes_part=False)
    return replace(leg, holder=holder, takes_part=holder in header.recipients)


def _permitted(leg: Leg, header: Header, at: datetime) -> tuple[Permission, ...]:
    purposes, measures = tuple(header.act.get("granted", ())), tuple(sorted(header.measures, key=measure_order))
    if not purposes:
        return leg.permissions
    given = Permission(header.id, header.sender, purposes, header.act.get("to"), measures, at)
    return (*leg.permissions, given)[-PERMISSIONS_AT_MOST:]


def _crossed(leg: Leg) -> tuple[str, ...]:
    return (*leg.crossed, leg.head, *leg.since_head)[-CROSSED_AT_MOST:]
