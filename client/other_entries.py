"""The entries that are neither decisions nor evidences, each in one line: keys, law, services, clocks, readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from client.entry_words import clock_word, error_word, key_event_words
from client.registry_words import change_words
from shared.domain.ids import parse_time
from shared.domain.profiles import PROFILES
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.keys.event_document import parse_event_document
from shared.keys.signed_document import parse_signed_document
from shared.texts.catalogue import listed, translate, translate_plural
from shared.texts.catalogue import mark as _

Fields = Mapping[str, Any]
IN_ONE_LINE: Final = 3
"""Changes of a registry, or kinds of refused calls."""
_NO_EVENT: Final = _("something that is no key event, as number {seq}")
_KEY_EVENT: Final = _("key event {seq}: {what}")
_REGISTRY: Final = _("the registry of instruments, publication {version}, is in force")
_REGISTRY_NEWS: Final = _("the registry of instruments, publication {version}, is in force; new in it: {changes}")
_ROSTER: Final = _("the services of the exchange work under the roster {roster}, signed by its operators")
_LOG_ROSTER: Final = _("the operators signed the roster {roster}, which names keys of the log")
_READING: Final = _("the auditor {auditor} read the ledger or the dossiers on {day}")
_STARTED: Final = _("the service {service} began to work, version {version}")
_STARTED_UNDER: Final = _("the service {service} began to work, version {version}, under the roster {roster}")
_STOPPED: Final = _("the service {service} ended in order at {at}")
_CLOCK: Final = _("the clock said to {debtor}: {said}; {measures} on the leg of {leg}, at {falls} by {calendar}")
_CLOCK_OWED: Final = _(
    "the clock said to {debtor}: {said}; owed is “{owed}” ({basis}), due {due}; {measures} on the leg of {leg}, at"
    " {falls} by {calendar}"
)
_LATE: Final = _("{message} was not yet followed by its {awaited} for {recipient} at {falls}")
_RETRIED: Final = _("an operator had letter {letter} of {service} tried again, which had been set aside as {reason}")


def _key_event(fields: Fields, language: str) -> str:
    seq = fields["seq"]
    try:
        written = parse_event_document(parse_signed_document(encode_canonical_json(fields["event"])).document)
    except ValueError:
        return translate(_NO_EVENT, language, seq=seq)
    return translate(_KEY_EVENT, language, seq=seq, what=key_event_words(written.type, written.party, language))


def _instruments(fields: Fields, language: str) -> str:
    changes = listed(_first(registry_changes(fields, language), language), language)
    return translate(_REGISTRY_NEWS if changes else _REGISTRY, language, version=fields["version"], changes=changes)


def registry_changes(fields: Fields, language: str) -> list[str]:
    """Each in words."""
    return [change_words(one, language) for one in fields.get("changes") or ()]


def _first(each: list[str], language: str) -> list[str]:
    """As many as fit a line, and how many more there are."""

    def _n(one: str, many: str) -> str:
        return translate_plural(one, many, len(each) - IN_ONE_LINE, language)

    return each if len(each) <= IN_ONE_LINE else [*each[:IN_ONE_LINE], _n("and {count} more", "and {count} more")]


def _roster(fields: Fields, language: str) -> str:
    try:
        written = parse_signed_document(encode_canonical_json(fields["document"])).document
        names_log = "log_vkeys" in parse_strict_json(written)
    except ValueError:
        names_log = False
    return translate(_LOG_ROSTER if names_log else _ROSTER, language, roster=fields["roster_sha256"])


def _refused(fields: Fields, language: str) -> str:
    def _n(one: str, many: str) -> str:
        count = sum(kind["count"] for kind in fields["refused"])
        since, until = (f"{parse_time(fields[name]):%Y-%m-%d %H:%M:%S} UTC" for name in ("since", "until"))
        return translate_plural(one, many, count, language, since=since, until=until)

    told = _n(
        "a gateway refused {count} call from {since} to {until}",
        "a gateway refused {count} calls from {since} to {until}",
    )
    each = _first(refused_calls(fields, language), language)
    return f"{told}: {listed(each, language)}" if each else told


def refused_calls(fields: Fields, language: str) -> list[str]:
    """How often, why, and whose calls they were, each kind of them."""
    return [
        f"{one['count']} × {error_word(one['code'], language)}" + (f" ({one['party']})" if "party" in one else "")
        for one in fields["refused"]
    ]


def _started(fields: Fields, language: str) -> str:
    named = {"service": fields["service"], "version": fields["version"]}
    roster = fields.get("roster_sha256")
    return (
        translate(_STARTED, language, **named)
        if roster is None
        else translate(_STARTED_UNDER, language, **named, roster=roster)
    )


def _clock_event(fields: Fields, language: str) -> str:
    told = {name: fields[name] for name in ("debtor", "leg", "falls", "calendar")}
    told |= {"said": clock_word(fields["event"], language), "measures": ", ".join(fields["measures"])}
    if "owed" not in fields:
        return translate(_CLOCK, language, **told)
    owed, basis = translate(_owed(fields["owed"]), language), translate(fields["basis"], language)
    return translate(_CLOCK_OWED, language, **told, owed=owed, basis=basis, due=fields["due"])


def _owed(act: str) -> str:
    """Its word in any profile; the code where none knows it."""
    return next((profile.owed[act] for profile in PROFILES.values() if act in profile.owed), act)


def _late(fields: Fields, language: str) -> str:
    named = {name: fields[name] for name in ("message", "recipient", "falls")}
    return translate(_LATE, language, **named, awaited=translate(fields["awaited"], language))


def _pruned(fields: Fields, language: str) -> str:
    def _n(one: str, many: str) -> str:
        return translate_plural(one, many, fields["kept_days"], language, message=fields["message"])

    return _n(
        "the sealed parts of {message} were deleted, {count} day after its dossier was closed; this entry and the"
        " signed manifest stay",
        "the sealed parts of {message} were deleted, {count} days after its dossier was closed; this entry and the"
        " signed manifest stay",
    )


DETAILS: Final[Mapping[str, Callable[[Fields, str], list[str]]]] = {
    "directory.instruments": registry_changes,
    "exchange.calls-refused": refused_calls,
}
"""What may be more than fits the line, whole."""
OTHER_ENTRIES: Final[Mapping[str, Callable[[Fields, str], str]]] = {
    "directory.key-event": _key_event,
    "directory.instruments": _instruments,
    "directory.roster": _roster,
    "audit.reading": lambda said, language: translate(_READING, language, auditor=said["auditor"], day=said["day"]),
    "exchange.calls-refused": _refused,
    "exchange.started": _started,
    "exchange.stopped": lambda said, language: translate(
        _STOPPED, language, service=said["service"], at=said["stopped_at"]
    ),
    "clock.event": _clock_event,
    "clock.transport-late": _late,
    "exchange.parts-pruned": _pruned,
    "exchange.letter-retried": lambda said, language: translate(
        _RETRIED, language, letter=said["letter"], service=said["service"], reason=said["reason"]
    ),
}
"""By the type of the entry: its fields and the reader's language → one line, without its end."""
