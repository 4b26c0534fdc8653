"""The profiles by name, and whether a header fits its kind.

`check_header` judges form alone, without any state: the gateway, intake and the sender's client call it. Its steps are
numbered as in docs/spec/domain.md. Whether the move is legal on a leg is `dossier.py`'s decision; whether it is
admissible under the instrument is `instruments.py`'s warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from shared.domain.catalogue import COVERT, COVERT_MEASURES, HEADER_MEASURES
from shared.domain.conditions import Addressed, is_met
from shared.domain.header import Header
from shared.domain.ids import is_authority_id, is_uuid7
from shared.domain.profile_data.mla_request import MLA_REQUEST
from shared.domain.profile_data.police_request import POLICE_REQUEST
from shared.domain.profile_data.preservation import PRESERVATION
from shared.domain.profile_data.spontaneous import SPONTANEOUS
from shared.domain.profile_format import LATE, ActField, BodyField, FieldType, Kind, Profile, Side
from shared.errors import (
    ActMalformed,
    ForeignSigner,
    GroundMissing,
    HeaderInconsistent,
    KindUnknown,
    ProfileUnknown,
)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (MLA_REQUEST, PRESERVATION, POLICE_REQUEST, SPONTANEOUS)}
)
MAX_PARTIES = 4
"""On one leg at most: both sides, the holder, and the one that it is handed to."""

_CODE = re.compile(r"[a-z0-9][a-z0-9.:()+-]{0,63}", re.ASCII)
_DATE = re.compile(r"2\d{3}-\d{2}-\d{2}", re.ASCII)
"""From 2000 to 2999: a slip such as 0206 is no deadline, and a pause must be able to move any date on."""


def profile_of(name: str) -> Profile:
    """The profile of this name. Raises ProfileUnknown."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ProfileUnknown(profile=name) from None


def kind_of(profile: str, kind: str) -> Kind:
    """The kind of this name in the profile. Raises ProfileUnknown, KindUnknown."""
    try:
        return profile_of(profile).kinds[kind]
    except KeyError:
        raise KindUnknown(profile=profile, kind=kind) from None


def may_cross(profile: str, kind: str, earlier: str) -> bool:
    """Whether a message of this kind is admitted, marked late, though its sender had not seen the one of kind
    `earlier`. False for what is unknown."""
    kinds = PROFILES[profile].kinds if profile in PROFILES else {}
    if kind not in kinds or earlier not in kinds or not kinds[earlier].may_be_crossed:
        return False
    return any(kinds[kind].moves.get(state) == LATE for state in kinds[earlier].moves.values())


def check_header(header: Header) -> Kind:
    """The kind of this header, if the header fits it.

    Raises ProfileUnknown, KindUnknown, HeaderInconsistent, ForeignSigner, ActMalformed, GroundMissing.
    """
    profile = profile_of(header.profile)  # (1) profile and kind are known
    kind = kind_of(header.profile, header.kind)
    if kind.opens_dossier:  # (2) leg, basis, recipients, seen and in_reply_to fit a first or a later message
        _check_opening(header, profile)
    else:
        _check_later(header, kind)
    _check_measures(header, profile)  # (3) the measures are named, known, and covert ones are not shown
    unknown = [code for code in header.handling if code not in profile.handling]
    if unknown:  # (4) the handling codes are the profile's
        raise HeaderInconsistent(why=f"{unknown[0]} is no handling code of {header.profile}")
    check_act(kind, header.act, header.measures)  # (5) the act holds what the kind requires and nothing else
    return kind


def _possible_sides(header: Header) -> set[Side]:
    """The sides that the sender may be on, as far as the message tells: with several recipients it may be a holder."""
    if header.sender == header.leg:
        return {Side.requested}
    return {Side.requesting} if len(header.recipients) == 1 else {Side.requesting, Side.requested}


def check_act(kind: Kind, act: Mapping[str, Any], measures: Mapping[str, str]) -> None:
    """That the act holds every required member of its kind, each of its type, and no other.

    Raises ActMalformed, and GroundMissing for a refusal without ground.
    """
    for name in act:
        if name not in kind.act:
            raise ActMalformed(kind=kind.name, why=f"it has no member {name[:64]}")
    for name, rule in kind.act.items():
        if name == "grounds" and not act.get(name):
            raise GroundMissing()
        if name in act:
            why = _why_not(rule, act[name], measures)
            if why is not None:
                raise ActMalformed(kind=kind.name, why=f"{name} {why}")
        elif rule.required:
            raise ActMalformed(kind=kind.name, why=f"{name} is missing")


def mandatory_body_fields(header: Addressed) -> tuple[BodyField, ...]:
    """The fields that the sealed body of this message must hold, with their labels and the rule that asks for each."""
    asked = (*kind_of(header.profile, header.kind).body, *profile_of(header.profile).body)
    return tuple(field for field in asked if is_met(field.when, header))


def _check_opening(header: Header, profile: Profile) -> None:
    if header.leg is not None:
        raise HeaderInconsistent(why="a message that opens a dossier names no leg")
    if header.basis is None or set(header.basis) != set(header.recipients):
        raise HeaderInconsistent(why="the legal basis is named for each recipient, and for nobody else")
    if header.seen is not None:
        raise HeaderInconsistent(why="a message that opens a dossier has seen nothing on it")
    if header.in_reply_to is not None:
        raise HeaderInconsistent(why="a message that opens a dossier replies to none")
    if len(header.recipients) > 1 and not profile.several_recipients:
        raise HeaderInconsistent(why=f"{profile.name} goes to one recipient")


def _check_later(header: Header, kind: Kind) -> None:
    if header.leg is None:
        raise HeaderInconsistent(why="a message on an open dossier names its leg")
    if header.basis is not None:
        raise HeaderInconsistent(why="the legal basis is fixed by the message that opened the dossier")
    if len(header.recipients) >= MAX_PARTIES:
        raise HeaderInconsistent(why="a message on a leg goes to the other parties of the leg, and to nobody else")
    if header.leg != header.sender and header.leg not in header.recipients:
        raise HeaderInconsistent(why="the leg is neither the sender's nor a recipient's")
    if not _possible_sides(header) & kind.senders:
        raise ForeignSigner(sender=header.sender, leg=header.leg, kind=kind.name)
    if kind.changes_state and header.seen is None:
        raise HeaderInconsistent(why="it names no envelope that its sender has seen")
    if kind.needs_in_reply_to and header.in_reply_to is None:
        raise HeaderInconsistent(why=f"{kind.name} names the message that it answers")


def _check_measures(header: Header, profile: Profile) -> None:
    if not header.measures:
        raise HeaderInconsistent(why="it names no measure")
    for measure, code in header.measures.items():
        if code in COVERT_MEASURES:
            raise HeaderInconsistent(why=f"measure {measure} shows what it is; a covert measure shows as {COVERT}")
        if code not in HEADER_MEASURES:
            known = ", ".join(sorted(profile.measures or HEADER_MEASURES))
            raise HeaderInconsistent(why=f"measure {measure} has the unknown type {code}; there are {known}")
        if profile.measures and code not in profile.measures:
            raise HeaderInconsistent(why=f"{profile.name} does not ask for {code} (measure {measure})")


def _why_not(rule: ActField, value: object, measures: Mapping[str, str]) -> str | None:
    """Why this value is not of the field's type; null if it is."""
    match rule.type:
        case FieldType.code:
            return _why_not_code(rule, value)
        case FieldType.codes:
            if not isinstance(value, list) or not 1 <= len(value) <= rule.at_most:
                return f"is not a list of 1 to {rule.at_most} codes"
            wrong = next((why for item in value if (why := _why_not_code(rule, item)) is not None), None)
            return wrong or (None if len(set(value)) == len(value) else "names a code twice")
        case FieldType.date:
            return None if _is_date(value) else "is not a date such as 2026-12-12"
        case FieldType.integer:
            fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= rule.at_most
            return None if fits else f"is not an integer from 0 to {rule.at_most}"
        case FieldType.authority:
            return None if isinstance(value, str) and is_authority_id(value) else "is not an authority's id"
        case FieldType.dossier | FieldType.message:
            return None if isinstance(value, str) and is_uuid7(value) else f"is not the id of a {rule.type}"
        case FieldType.outcomes | FieldType.measure_types:
            if not isinstance(value, dict) or set(value) != set(measures):
                return "does not name exactly the measures of the message"
            if rule.type is FieldType.measure_types and not set(map(str, value.values())) <= HEADER_MEASURES:
                return "names an unknown type of measure, or shows a covert one"
            return next((why for item in value.values() if (why := _why_not_code(rule, item)) is not None), None)
        case FieldType.duties:
            if not isinstance(value, dict) or not 1 <= len(value) <= rule.at_most:
                return f"is not an object of 1 to {rule.at_most} duties"
            if not all(_is_date(day) for day in value.values()):
                return "names a duty without a date such as 2026-12-12"
            return next((why for duty in value if (why := _why_not_code(rule, duty)) is not None), None)


def _why_not_code(rule: ActField, value: object) -> str | None:
    if not isinstance(value, str) or _CODE.fullmatch(value) is None:
        return "is not a code"
    return f"is none of {', '.join(sorted(rule.codes))}" if rule.codes and value not in rule.codes else None


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
