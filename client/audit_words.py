"""One entry of the ledger in words: a headline, and the sentences that explain it to somebody who has to judge.

What a sentence says follows from the leaf, from the signed envelope in it, and from what the audit remembers of other
entries. Names are ids: the ledger holds no others. A type that has no words of its own yet is told field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from client.audit_browse import ShownEntry
from client.audit_memory import AuditMemory
from shared.audit.log_verification import LoggedLeaf
from shared.domain.header import Header
from shared.domain.reference import encode_number
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.envelope.container import ReceivedEnvelope
from shared.keys.event_document import parse_event_document
from shared.keys.signed_document import parse_signed_document

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
_TOLD_ELSEWHERE: Final = frozenset({"jws", "request", "event", "document", "states", "flags"})


def headline(shown: ShownEntry) -> str:
    """The entry in one line."""
    logged = shown.logged
    fields, (family, _, kind) = logged.leaf.fields, logged.leaf.type.partition(".")
    if shown.received is not None:
        header = shown.received.header
        decided = "admitted" if kind == "accepted" else f"REJECTED as {fields['code']}"
        return f"{header.sender} → {', '.join(header.recipients)}: {header.kind}{_of(header)}, {decided}"
    if family == "decision":
        return f"{fields['sender']}: a submission, {'admitted' if kind == 'accepted' else 'REJECTED'}"
    if family == "evidence" and kind in _EVIDENCES:
        return f"{kind}: {_EVIDENCES[kind].format(**{'code': '', 'recipient': '', **fields})}"
    return _OTHERS[logged.leaf.type](logged) if logged.leaf.type in _OTHERS else _plain(logged)


def explain(shown: ShownEntry, memory: AuditMemory) -> list[str]:
    """The entry in sentences."""
    logged = shown.logged
    family, _, kind = logged.leaf.type.partition(".")
    sentences = [f"{_capital(headline(shown))}."]
    if shown.received is not None:
        sentences += _decision(logged, shown.received)
    if family == "evidence":
        sentences += _evidence(logged, kind, memory)
    return sentences


def _decision(logged: LoggedLeaf, received: ReceivedEnvelope) -> Iterator[str]:
    header, fields = received.header, logged.leaf.fields
    if header.leg is None:
        number = encode_number(header.dossier, header.sender[:2])
        yield f"It opens the dossier {header.dossier}, number {number}."
    else:
        yield f"It belongs to the dossier {header.dossier}, on the leg of {header.leg}."
    measures = ", ".join(f"{name} {type_}" for name, type_ in header.measures.items())
    yield f"Profile {header.profile}, urgency {header.urgency}, measures: {measures}."
    for requested, basis in (header.basis or {}).items():
        group = f" within {basis.group}" if basis.group else ""
        cited = f", citing {', '.join(basis.cited)}" if basis.cited else ""
        yield f"For {requested} it rests on {basis.primary}{group}{cited}."
    if header.act:
        stated = ", ".join(f"{name} {_value(one)}" for name, one in header.act.items())
        yield f"What its sender states in clear: {stated}."
    for one in fields.get("states", ()):
        legs = f" on the leg of {', '.join(one['legs'])}" if "legs" in one else ""
        yield f"By it {', '.join(f'{name} became {state}' for name, state in one['measures'].items())}{legs}."
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


def _evidence(logged: LoggedLeaf, kind: str, memory: AuditMemory) -> Iterator[str]:
    fields = logged.leaf.fields
    if kind in _MEANINGS:
        yield _MEANINGS[kind]
    if "route" in fields:
        yield f"It went to {fields['recipient']} as {_ROUTES.get(fields['route'], fields['route'])}."
    decided = memory.decided(fields["message"], fields["envelope_sha256"])
    if decided is None:
        yield "No entry before it decides this message: that is a difference."
        return
    yield f"The message is of the kind {decided.kind}, from {decided.sender}, decided by entry {decided.place}."


def _of(header: Header) -> str:
    return "" if header.leg is None else f" on the leg of {header.leg}"


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


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
