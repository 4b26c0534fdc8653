"""From what an official wants to say to a header and a content that every reader will accept.

Rules:
1. What would be rejected is refused here, before anything is sealed: the header by the profile's table, the content by
   its form, every fault named by label and path, a refusal without ground or reasons.
2. What is legally doubtful is shown: `flags` are the registry's warnings. Who sends all the same says why, in the
   sealed content (`override_reason`); the exchange admits it either way.
3. The header takes codes, dates and ids from the act; everything else is content and is sealed.

Pure but for fresh ids: time, keys and the registry come from the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import to_jsonable_python

from client.appointments import completed
from client.flag_words import Warnings
from client.forms.faults import UnknownMember, check_content, unknown_members
from client.languages import language_flags
from client.request_file import OVERRIDE, RequestFile
from shared.domain.admissibility import Flag, admissibility
from shared.domain.dossier import decide_move, is_current, lapsed, open_legs, possible_kinds, recipients_of
from shared.domain.header import RECIPROCITY, REQUIRED_SIGNATURES, SUITE, Basis, Header, Urgency, parse_header
from shared.domain.ids import encode_time, new_uuid7
from shared.domain.instruments import Registry
from shared.domain.leg import Leg
from shared.domain.profile_format import FieldType, Kind
from shared.domain.profiles import check_header, kind_of, profile_of
from shared.domain.routes import addressee
from shared.errors import AddresseeUnknown, BasisMissing, GroundMissing, HeaderInconsistent, IllegalMove, ReasonMissing

LIFETIME: Final = timedelta(days=7)
"""For how long the exchange may still accept an envelope; it stays readable for ever. `MAX_LIFETIME` bounds it."""

_NO_DIGEST: Final = "A" * 43


@dataclass(frozen=True, slots=True)
class Composed:
    """A checked header, the content to seal under it, and what the registry has to say."""

    header: Header
    content: Mapping[str, Any]
    flags: tuple[Flag, ...]

    @property
    def unknown(self) -> tuple[UnknownMember, ...]:
        """What the content says beyond its form: sealed and sent, and perhaps a slip of the pen."""
        return unknown_members(self.header, self.content)


@dataclass(frozen=True, slots=True)
class ReplyWish:
    """What the sender of a reply decides. `measures` empty means all for which the kind is possible. Of a `forward`,
    `takes_part` says that the holder is enrolled and gets it as well, and `hand_over` which parts it may open: none
    named means all; `leave_out` is the holder so far, where it can no longer be written to."""

    kind: str
    act: Mapping[str, Any]
    content: Mapping[str, Any]
    measures: tuple[str, ...] = ()
    urgency: str = "routine"
    handling: tuple[str, ...] = ()
    takes_part: bool = False
    hand_over: tuple[str, ...] = ()
    leave_out: str | None = None


def compose_request(
    request: RequestFile,
    *,
    exchange: str,
    sender: str,
    recipients: Sequence[str],
    instrument: str | None,
    registry: Registry | None,
    now: datetime,
) -> Composed:
    """The message that opens a dossier. A country as recipient stands for the authority that the instrument names.

    Raises BasisMissing, AddresseeUnknown, BodyIncomplete, ReasonMissing, and what `check_header` raises.
    """
    named = instrument or request.instrument
    recipients = [
        _addressee(request, one, sender=sender, instrument=named, registry=registry, now=now) for one in recipients
    ]
    header = _checked(
        v=1,
        suite=SUITE,
        exchange=exchange,
        id=new_uuid7(now),
        dossier=new_uuid7(now),
        profile=request.profile,
        kind=request.kind or profile_of(request.profile).opening.name,
        sender=sender,
        recipients=tuple(recipients),
        leg=None,
        measures={name: one.shown_type for name, one in request.measures.items()},
        basis={one: _basis(request, one, sender=sender, instrument=named, registry=registry) for one in recipients},
        urgency=request.urgency,
        handling=request.handling,
        in_reply_to=None,
        seen=None,
        sent_at=encode_time(now),
        expires_at=encode_time(now + LIFETIME),
        required_sigs=REQUIRED_SIGNATURES,
        act=request.act,
    )
    content = request.sealed_content()
    check_content(header, content)
    return Composed(header, content, _flags(header, content, None, registry, now))


def compose_reply(
    wish: ReplyWish,
    leg: Leg,
    *,
    exchange: str,
    sender: str,
    seen: str,
    in_reply_to: str | None,
    registry: Registry | None,
    now: datetime,
    undelivered: str | None = None,
) -> Composed:
    """A message on an open leg; `undelivered` is the message that is said not to have reached its requested party.
    Raises GroundMissing, BodyIncomplete, ReasonMissing, and what `decide_move` raises."""
    kind = kind_of(leg.profile, wish.kind)
    if kind.opens_dossier:
        raise HeaderInconsistent(why=f"{wish.kind} opens a new dossier; send it as a request")
    leg = lapsed(leg, now)
    act = {"original": leg.original, **wish.act} if kind.forwards else wish.act
    if "grounds" in kind.act and not (wish.act.get("grounds") and str(wish.content.get("reasons", "")).strip()):
        raise GroundMissing()
    measures = _measures(wish, leg, sender, undelivered)
    header = _checked(
        v=1,
        suite=SUITE,
        exchange=exchange,
        id=new_uuid7(now),
        dossier=leg.dossier,
        profile=leg.profile,
        kind=wish.kind,
        sender=sender,
        recipients=tuple(
            party
            for party in recipients_of(leg, sender, wish.act.get("holder") if wish.takes_part else None)
            if party != wish.leave_out
        ),
        leg=leg.requested,
        measures=measures,
        basis=None,
        urgency=wish.urgency,
        handling=wish.handling,
        in_reply_to=in_reply_to,
        seen=seen,
        sent_at=encode_time(now),
        expires_at=encode_time(now + LIFETIME),
        required_sigs=REQUIRED_SIGNATURES,
        act=_act_for_all(act, kind, measures),
    )
    content = completed(wish.kind, header.act, wish.content)
    check_content(header, content)
    if is_current(leg, seen):  # else something is under way, and the exchange says what it thinks of this one after it
        decide_move(leg, header, _NO_DIGEST, now, undelivered)
    return Composed(header, content, _flags(header, content, [leg], registry, now))


def _checked(**members: Any) -> Header:
    """The header as every reader will read it. Raises EnvelopeMalformed and what `check_header` raises."""
    header = parse_header(json.dumps(to_jsonable_python(members), ensure_ascii=False).encode())
    check_header(header)
    return header


def _flags(
    header: Header, content: Mapping[str, Any], legs: Iterable[Leg] | None, registry: Registry | None, now: datetime
) -> tuple[Flag, ...]:
    """What the registry warns of. Raises ReasonMissing where the content does not say why it goes."""
    flags = warnings_of(header, content, legs, registry, now)
    doubts = [flag for flag in flags if flag.needs_reason]
    if doubts and not str(content.get(OVERRIDE, "")).strip():
        raise ReasonMissing(warnings=Warnings(tuple(doubts)))
    return flags


def warnings_of(
    header: Header, content: Mapping[str, Any], legs: Iterable[Leg] | None, registry: Registry | None, now: datetime
) -> tuple[Flag, ...]:
    """What the registry warns of, each once. Of a message that opens a dossier, `legs` are those that it would open."""
    flags: dict[Flag, None] = {}
    if registry is None:
        return ()
    for leg in open_legs(header, _NO_DIGEST, now) if legs is None else legs:
        flags |= dict.fromkeys(admissibility(header, leg, registry, now))
        if header.leg is None:
            flags |= dict.fromkeys(language_flags(content, leg, registry, now.astimezone(UTC).date()))
    return tuple(flags)


def _measures(wish: ReplyWish, leg: Leg, sender: str, undelivered: str | None) -> dict[str, str]:
    """The measures of the reply with their types: those that were named, else all for which the kind is possible."""
    possible = possible_kinds(leg, sender, undelivered).get(wish.kind, ())
    named = wish.measures or possible
    if not named:
        kind, first = kind_of(leg.profile, wish.kind), leg.measures[0]
        is_answer = bool(kind.settles | kind.needs_owed) and leg.side_of(sender) in kind.senders
        if is_answer and any(one.state in kind.moves for one in leg.measures):
            raise HeaderInconsistent(why=f"nothing is owed on this leg that {wish.kind} would answer")
        raise IllegalMove(measure=first.id, state=first.state, kind=wish.kind)
    types = {measure.id: measure.type for measure in leg.measures}
    for name in named:
        if name not in types:
            raise HeaderInconsistent(why=f"the leg {leg.requested} has no measure {name}; it has {', '.join(types)}")
        if name not in possible:
            state = next(measure.state for measure in leg.measures if measure.id == name)
            raise IllegalMove(measure=name, state=state, kind=wish.kind)
    return {name: types[name] for name in named}


def _act_for_all(act: Mapping[str, Any], kind: Kind, measures: Mapping[str, str]) -> dict[str, Any]:
    """One code, where a code is asked for each measure, stands for every measure of the message."""
    each = {name for name, rule in kind.act.items() if rule.type in (FieldType.outcomes, FieldType.measure_types)}
    return {
        name: dict.fromkeys(measures, value) if name in each and isinstance(value, str) else value
        for name, value in act.items()
    }


def _addressee(
    request: RequestFile, to: str, *, sender: str, instrument: str | None, registry: Registry | None, now: datetime
) -> str:
    """The authority itself, or the one of this country that the instrument sends requests to."""
    if len(to) > len("MA"):
        return to
    basis = _basis(request, to, sender=sender, instrument=instrument, registry=registry)
    entry = None if registry is None else registry.instrument(basis.primary, now.astimezone(UTC).date())
    found = None if entry is None else addressee(entry, to, desk_first=_is_for_the_desk(request))
    if found is None:
        raise AddresseeUnknown(country=to, sender=sender, instrument=basis.primary)
    return found


def _is_for_the_desk(request: RequestFile) -> bool:
    return request.profile == "preservation" or request.urgency is Urgency.emergency


def _basis(
    request: RequestFile, recipient: str, *, sender: str, instrument: str | None, registry: Registry | None
) -> Basis:
    if recipient in request.basis:
        return request.basis[recipient]
    if instrument == RECIPROCITY:
        return Basis(primary=RECIPROCITY, cited=(), group=None)
    basis = registry.basis(instrument, sender, recipient) if registry and instrument else None
    if basis is None:
        raise BasisMissing(sender=sender, recipient=recipient, instrument=instrument or "no instrument")
    return basis
