"""One entry of the ledger in words: a headline, and the sentences that explain it to somebody who has to judge.

What a sentence says follows from the leaf, from the signed envelope in it, and from what the audit remembers of other
entries. Names are ids: the ledger holds no others. A type that has no words of its own yet is told field by field.

In English kinds, evidences, states and codes are told as they stand in the entry; in other languages by their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from client.audit_browse import ShownEntry
from client.audit_memory import AuditMemory
from client.forms.code_words import CODE_WORDS
from client.forms.kind_words import kind_label
from client.printing.act_labels import ACT_LABELS
from shared.audit.log_verification import LoggedLeaf
from shared.domain.profiles import profile_of
from shared.domain.reference import encode_number
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.envelope.container import ReceivedEnvelope
from shared.keys.event_document import parse_event_document
from shared.keys.signed_document import parse_signed_document
from shared.texts.catalogue import SOURCE, mark, translate
from shared.texts.retelling import retell

_EVIDENCES: Final[Mapping[str, str]] = {
    "submission-acceptance": "the exchange took {message} in",
    "submission-rejection": "the exchange did not take {message} in: {code}",
    "relay-acceptance": "{message} was taken over for {recipient}",
    "relay-rejection": "{message} was refused on its way to {recipient}: {code}",
    "relay-failure": "{message} could not be handed over for {recipient}: {code}",
    "delivery": "{message} lies in the mailbox of {recipient}",
    "non-delivery": "{message} did not come into the mailbox of {recipient} in time: {code}",
    "retrieval": "{recipient} asked for {message}",
    "non-retrieval": "{recipient} did not ask for {message} in time",
}
_MEANINGS: Final[Mapping[str, str]] = {
    "delivery": "This is the legal receipt. No acknowledgement follows from it.",
    "retrieval": "The entry holds the recipient's own signed request. It proves that it asked, and not that it read.",
    "non-delivery": "Whatever clock ran from the delivery did not begin.",
}
_ROUTES: Final[Mapping[str, str]] = {
    "central-authority": "the central authority that the instrument names",
    "24-7-desk": "the point of contact around the clock that the instrument names",
    "direct": "a competent authority: the instrument admits direct contact",
    "diplomatic": "an authority reached under an instrument with the diplomatic channel alone",
    "outside-channel": "an authority outside the channels of the instrument, at the sender's choice",
    "unregistered": "an authority of which the registry of instruments does not say how it is reached",
    "reciprocity": "an authority reached without an instrument, on an assurance of reciprocity",
    "holder": "the holder that the leg was handed to",
    "party": "a party to the leg",
}
_DECIDED: Final[Mapping[tuple[bool, bool], str]] = {
    (False, True): mark("{sender} → {recipients}: {kind}, admitted"),
    (True, True): mark("{sender} → {recipients}: {kind} on the leg of {leg}, admitted"),
    (False, False): mark("{sender} → {recipients}: {kind}, REJECTED as {code}"),
    (True, False): mark("{sender} → {recipients}: {kind} on the leg of {leg}, REJECTED as {code}"),
}
"""By whether there is a leg, and whether it was admitted."""
_EVIDENCE: Final = mark("{evidence}: {what}")
_BECAME: Final = mark("{measure} became {state}")
_WITHIN: Final = mark("{basis} within {group}")
_CITING: Final = mark("{basis}, citing {cited}")
_TOLD_ELSEWHERE: Final = frozenset({"jws", "request", "event", "document", "states", "flags"})


def headline(shown: ShownEntry, language: str = SOURCE) -> str:
    """The entry in one line."""
    logged = shown.logged
    fields, (family, _, kind) = logged.leaf.fields, logged.leaf.type.partition(".")
    if shown.received is not None:
        header = shown.received.header
        return translate(
            _DECIDED[header.leg is not None, kind == "accepted"],
            language,
            sender=header.sender,
            recipients=", ".join(header.recipients),
            kind=_kind(header.kind, language),
            leg=header.leg,
            code=fields.get("code"),
        )
    if family == "decision":
        said = f"{fields['sender']}: a submission, {'admitted' if kind == 'accepted' else 'REJECTED'}"
        return retell(said, language)
    if family == "evidence" and kind in _EVIDENCES:
        said = _EVIDENCES[kind].format(**{"code": "", "recipient": "", **fields})
        return translate(_EVIDENCE, language, evidence=translate(kind, language), what=retell(said, language))
    return retell(_OTHERS[logged.leaf.type](logged) if logged.leaf.type in _OTHERS else _plain(logged), language)


def explain(shown: ShownEntry, memory: AuditMemory, language: str = SOURCE) -> list[str]:
    """The entry in sentences."""
    logged = shown.logged
    family, _, kind = logged.leaf.type.partition(".")
    sentences = [f"{_capital(headline(shown, language))}."]
    if shown.received is not None:
        sentences += (retell(one, language) for one in _decision(logged, shown.received, language))
    if family == "evidence":
        sentences += (retell(one, language) for one in _evidence(logged, kind, memory, language))
    return sentences


def _decision(logged: LoggedLeaf, received: ReceivedEnvelope, language: str) -> Iterator[str]:
    header, fields = received.header, logged.leaf.fields
    if header.leg is None:
        number = encode_number(header.dossier, header.sender[:2])
        yield f"It opens the dossier {header.dossier}, number {number}."
    else:
        yield f"It belongs to the dossier {header.dossier}, on the leg of {header.leg}."
    measures = ", ".join(f"{name} {_code(type_, language)}" for name, type_ in header.measures.items())
    profile = header.profile if language == SOURCE else translate(profile_of(header.profile).title, language)
    yield f"Profile {profile}, urgency {_code(header.urgency, language)}, measures: {measures}."
    for requested, basis in (header.basis or {}).items():
        rests_on = basis.primary
        if basis.group:
            rests_on = translate(_WITHIN, language, basis=rests_on, group=basis.group)
        if basis.cited:
            rests_on = translate(_CITING, language, basis=rests_on, cited=", ".join(basis.cited))
        yield f"For {requested} it rests on {rests_on}."
    if header.act:
        stated = ", ".join(f"{_member(name, language)} {_value(one, language)}" for name, one in header.act.items())
        yield f"What its sender states in clear: {stated}."
    for one in fields.get("states", ()):
        legs = f" on the leg of {', '.join(one['legs'])}" if "legs" in one else ""
        moved = [
            translate(_BECAME, language, measure=name, state=translate(state, language))
            for name, state in one["measures"].items()
        ]
        yield f"By it {', '.join(moved)}{legs}."
    if fields["flags"]:
        yield f"The law has reservations, recorded and not enforced: {', '.join(fields['flags'])}."
    if "code" in fields:
        yield "Nothing changed by it, and its id may not be used again."
    first, second = received.jws.signatures
    yield f"Signed by {first.kid} ({first.alg}) and {second.kid} ({second.alg})."
    yield f"Keys are judged as of key event {fields['directory_index']}. Its receipt promised {fields['decide_by']}."
    parts = received.manifest.parts
    size = sum(part.ct_len for part in parts)
    yield f"Its contents are sealed: {len(parts)} parts, {size} bytes of ciphertext. Nobody can read them from here."


def _evidence(logged: LoggedLeaf, kind: str, memory: AuditMemory, language: str) -> Iterator[str]:
    fields = logged.leaf.fields
    if kind in _MEANINGS:
        yield _MEANINGS[kind]
    if "route" in fields:
        yield f"It went to {fields['recipient']} as {_ROUTES.get(fields['route'], fields['route'])}."
    decided = memory.decided(fields["message"], fields["envelope_sha256"])
    if decided is None:
        yield "No entry before it decides this message: that is a difference."
        return
    named = _kind(decided.kind, language)
    yield f"The message is of the kind {named}, from {decided.sender}, decided by entry {decided.place}."


def _kind(kind: str, language: str) -> str:
    return kind if language == SOURCE else translate(kind_label(kind), language)


def _code(code: str, language: str) -> str:
    return code if language == SOURCE else translate(CODE_WORDS.get(code, code), language)


def _member(name: str, language: str) -> str:
    return name if language == SOURCE else translate(ACT_LABELS.get(name, name), language)


def _key_event(logged: LoggedLeaf) -> str:
    fields = logged.leaf.fields
    try:
        written = parse_event_document(parse_signed_document(encode_canonical_json(fields["event"])).document)
    except ValueError:
        return f"something that is no key event, as number {fields['seq']}"
    return f"key event {fields['seq']}: {written.type} of {written.party}"


def _roster(fields: Mapping[str, Any]) -> str:
    told = f"the services of the exchange work under the roster {fields['roster_sha256']}, signed by its operators"
    try:
        written = parse_signed_document(encode_canonical_json(fields["document"])).document
        names_log = "log_vkeys" in parse_strict_json(written)
    except ValueError:
        return told
    if names_log:
        return f"the operators signed the roster {fields['roster_sha256']}, which names keys of the log"
    return told


def _clock_event(fields: Mapping[str, Any]) -> str:
    said = f"{fields['event']} for {fields['debtor']}"
    if "owed" in fields:
        said = f"{fields['event']}: {fields['debtor']} owes {fields['owed']} ({fields['basis']}), due {fields['due']}"
    where = f"{', '.join(fields['measures'])} on the leg of {fields['leg']}"
    return f"the clock said {said}; {where}, at {fields['falls']} by the calendar {fields['calendar']}"


def _plain(logged: LoggedLeaf) -> str:
    told = [f"{name} {_value(value)}" for name, value in logged.leaf.fields.items() if name not in _TOLD_ELSEWHERE]
    return f"{logged.leaf.type}: {', '.join(told)}"


_OTHERS: Final[Mapping[str, Callable[[LoggedLeaf], str]]] = {
    "directory.key-event": _key_event,
    "directory.instruments": lambda one: (
        f"the registry of instruments, publication {one.leaf.fields['version']}, is in force"
        + (f": {', '.join(one.leaf.fields['changes'])}" if one.leaf.fields.get("changes") else "")
    ),
    "directory.roster": lambda one: _roster(one.leaf.fields),
    "audit.reading": lambda one: (
        f"the auditor {one.leaf.fields['auditor']} read the ledger or the dossiers on {one.leaf.fields['day']}"
    ),
    "exchange.calls-refused": lambda one: (
        f"a gateway refused {sum(kind['count'] for kind in one.leaf.fields['refused'])} calls from"
        f" {one.leaf.fields['since']} to {one.leaf.fields['until']}"
        + (": " if one.leaf.fields["refused"] else "")
        + ", ".join(
            f"{kind['count']} × {kind['code']}" + (f" to {kind['party']}" if "party" in kind else "")
            for kind in one.leaf.fields["refused"]
        )
    ),
    "exchange.started": lambda one: (
        f"the service {one.leaf.fields['service']} began to work, version {one.leaf.fields['version']}"
        + (f", under the roster {one.leaf.fields['roster_sha256']}" if "roster_sha256" in one.leaf.fields else "")
    ),
    "exchange.stopped": lambda one: (
        f"the service {one.leaf.fields['service']} ended in order at {one.leaf.fields['stopped_at']}"
    ),
    "clock.event": lambda one: _clock_event(one.leaf.fields),
    "clock.transport-late": lambda one: (
        "{message} was not yet followed by its {awaited} for {recipient} at {falls}".format(**one.leaf.fields)
    ),
    "exchange.parts-pruned": lambda one: (
        f"the sealed parts of {one.leaf.fields['message']} were deleted, {one.leaf.fields['kept_days']} days after its"
        " dossier was closed; this entry and the signed manifest stay"
    ),
    "exchange.letter-retried": lambda one: (
        f"an operator had letter {one.leaf.fields['letter']} of {one.leaf.fields['service']} tried again,"
        f" which had been set aside as {one.leaf.fields['reason']}"
    ),
}


def _value(value: Any, language: str = SOURCE) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_code(name, language)} {_value(one, language)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_value(one, language) for one in value)
    return _code(str(value), language)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
