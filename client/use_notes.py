"""What whoever reads a message must know before using it: for what it may be used, what is permitted besides, and who
in it is protected. The same lines stand on the terminal and on paper.

Permissions are taken from the messages that were read here, each signed by the party that gave it, and never from what
the exchange shows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from client.forms.code_words import CODE_WORDS
from client.leg_replay import replay_leg, replay_legs
from client.register_rows import Kept
from shared.domain.header import Basis, Header
from shared.domain.instruments import Registry
from shared.domain.leg import Permission
from shared.texts.catalogue import SOURCE, translate
from shared.texts.catalogue import mark as _

SPECIALITY: Final = _(
    "Used for what it was given for, and not passed on, unless it is permitted (UNTOC 18(19), UNCAC 46(19))"
)
NO_RULES: Final[Mapping[str, str]] = MappingProxyType({})
_PERMITTED: Final = _("Permitted besides: {purposes} ({by}, {day})")
_PASSED_ON: Final = _("Permitted besides, and to be passed on to {to}: {purposes} ({by}, {day})")
_PROTECTED: Final = _("Protected persons: {why}. Their names go to nobody who does not need them.")


def permissions_in(dossier: str, legs: Iterable[str], messages: Iterable[Kept]) -> tuple[Permission, ...]:
    """What was permitted on these legs, as far as it was read here."""
    return tuple(one for leg in replay_legs(dossier, legs, messages) for one in leg.permissions)


def permissions_for(header: Header, messages: Iterable[Kept]) -> tuple[Permission, ...]:
    """What the sender of this message permitted besides, for its measures."""
    legs = header.recipients if header.leg is None else (header.leg,)
    given = permissions_in(header.dossier, legs, messages)
    return tuple(one for one in given if one.by == header.sender and set(one.measures) & set(header.measures))


def bases_of(header: Header, messages: Iterable[Kept]) -> dict[str, Basis]:
    """Under which instrument each leg of this message stands, as far as it was read here."""
    if header.basis is not None:
        return dict(header.basis)
    leg = None if header.leg is None else replay_leg(header.dossier, header.leg, messages)
    return {} if leg is None else {leg.requested: leg.basis}


def specialities(bases: Iterable[Basis], registry: Registry | None, on: date, language: str) -> dict[str, str]:
    """What the registry says that each instrument says of the use, by its code; of a registry that has it in other
    languages only, in the first of these."""
    found = {}
    for code in dict.fromkeys(one.primary for one in bases):
        entry = None if registry is None else registry.instrument(code, on)
        if entry is not None and entry.speciality:
            said = entry.speciality
            found[code] = said.get(language) or said.get(SOURCE) or next(iter(said.values()))
    return found


def use_notes(
    header: Header,
    content: Mapping[str, Any],
    permissions: Iterable[Permission],
    language: str,
    rules: Mapping[str, str] = NO_RULES,
) -> Iterator[str]:
    """The lines, in the reader's language; what its writer said of the use stands as he wrote it. `rules` are what the
    instruments say, by their codes."""
    limit = content.get("use_limitation")
    said = limit.strip() if isinstance(limit, str) else ""
    if said:
        yield said
    yield from speciality_notes(rules, language, has_limit=bool(said))
    yield from handling_notes(header.handling, language)
    yield from permission_notes(permissions, language)
    yield from protection_notes(content, language)


def speciality_notes(rules: Mapping[str, str], language: str, *, has_limit: bool = False) -> Iterator[str]:
    """Each instrument's rule with its code; where none is known and nobody named a limitation, the rule of practice."""
    for code, rule in rules.items():
        yield f"{code}: {rule}"
    if not rules and not has_limit:
        yield translate(SPECIALITY, language)


def handling_notes(codes: Iterable[str], language: str) -> Iterator[str]:
    for code in codes:
        yield f"{code}: {_word(code, language)}"


def permission_notes(permissions: Iterable[Permission], language: str) -> Iterator[str]:
    for one in permissions:
        purposes = "; ".join(_word(code, language) for code in one.purposes)
        gaps = {"purposes": purposes, "by": one.by, "day": one.at.date().isoformat()}
        if one.to is None:
            yield translate(_PERMITTED, language, **gaps)
        else:
            yield translate(_PASSED_ON, language, to=one.to, **gaps)


def protection_notes(content: Mapping[str, Any], language: str) -> Iterator[str]:
    """How many are protected, and why; never their names."""
    listed = content.get("protected_persons")
    if not isinstance(listed, list) or not listed:
        return
    why: dict[str, int] = {}
    for person in listed:
        code = person.get("category") if isinstance(person, Mapping) else None
        word = code if isinstance(code, str) and code in CODE_WORDS else "other"
        why[word] = why.get(word, 0) + 1
    counted = ", ".join(f"{_word(code, language)} ({number})" for code, number in why.items())
    yield translate(_PROTECTED, language, why=counted)


def _word(code: str, language: str) -> str:
    return translate(CODE_WORDS[code], language) if code in CODE_WORDS else code
