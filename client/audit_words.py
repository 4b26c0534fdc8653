"""One entry of the ledger in words: a headline, and the sentences that explain it to somebody who has to judge.

What a sentence says follows from the leaf, from the signed envelope in it, and from what the audit remembers of other
entries. Names are ids: the ledger holds no others. A type that has no words of its own yet is told field by field.

In English kinds, evidences, states and codes of forms are told as they stand in the entry; in other languages by their
words. Types of entries, fields, flags, events of keys and clocks, reasons of refusals and changes of the registry have
words in every language, with their code behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from client.audit_browse import ShownEntry
from client.audit_memory import AuditMemory
from client.entry_words import entry_word, error_word, field_word, flag_word
from client.forms.code_words import CODE_WORDS
from client.forms.kind_words import kind_label
from client.other_entries import DETAILS, IN_ONE_LINE, OTHER_ENTRIES
from client.printing.act_labels import ACT_LABELS
from shared.audit.log_verification import LoggedLeaf
from shared.domain.profiles import profile_of
from shared.domain.reference import encode_number
from shared.envelope.container import ReceivedEnvelope
from shared.texts.catalogue import SOURCE, listed, mark, translate, translate_plural
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
    (False, False): mark("{sender} → {recipients}: {kind}, REJECTED: {code}"),
    (True, False): mark("{sender} → {recipients}: {kind} on the leg of {leg}, REJECTED: {code}"),
}
"""By whether there is a leg, and whether it was admitted."""
_UNREAD: Final[Mapping[bool, str]] = {
    True: mark("{sender}: a submission, admitted"),
    False: mark("{sender}: a submission, REJECTED"),
}
_EVIDENCE: Final = mark("{evidence}: {what}")
_BECAME: Final = mark("{measure} became {state}")
_WITHIN: Final = mark("{basis} within {group}")
_CITING: Final = mark("{basis}, citing {cited}")
_BY_IT: Final = mark("By it {moved}.")
_BY_IT_THERE: Final = mark("By it {moved} on the leg of {legs}.")
_RESERVED: Final = mark("The law has reservations, recorded and not enforced: {flags}.")
_SEALED: Final = mark("Its contents are sealed: {parts}, {bytes} of ciphertext. Nobody can read them from here.")
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
            code=error_word(fields["code"], language) if "code" in fields else None,
        )
    if family == "decision":
        return translate(_UNREAD[kind == "accepted"], language, sender=fields["sender"])
    if family == "evidence" and kind in _EVIDENCES:
        why = error_word(fields["code"], language) if "code" in fields else ""
        said = _EVIDENCES[kind].format(**{"recipient": "", **fields, "code": why})
        return translate(_EVIDENCE, language, evidence=translate(kind, language), what=retell(said, language))
    told = OTHER_ENTRIES.get(logged.leaf.type)
    return _plain(logged, language) if told is None else told(fields, language)


def explain(shown: ShownEntry, memory: AuditMemory, language: str = SOURCE) -> list[str]:
    """The entry in sentences."""
    logged = shown.logged
    family, _, kind = logged.leaf.type.partition(".")
    sentences = [f"{_capital(headline(shown, language))}."]
    if shown.received is not None:
        sentences += (retell(one, language) for one in _decision(logged, shown.received, language))
    details = DETAILS[logged.leaf.type](logged.leaf.fields, language) if logged.leaf.type in DETAILS else []
    if len(details) > IN_ONE_LINE:
        sentences += details
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
        moved = [
            translate(_BECAME, language, measure=name, state=translate(state, language))
            for name, state in one["measures"].items()
        ]
        legs = ", ".join(one.get("legs", ()))
        yield translate(_BY_IT_THERE if legs else _BY_IT, language, moved=", ".join(moved), legs=legs)
    if fields["flags"]:
        told = listed((flag_word(one, language) for one in fields["flags"]), language)
        yield translate(_RESERVED, language, flags=told)
    if "code" in fields:
        yield "Nothing changed by it, and its id may not be used again."
    first, second = received.jws.signatures
    yield f"Signed by {first.kid} ({first.alg}) and {second.kid} ({second.alg})."
    yield f"Keys are judged as of key event {fields['directory_index']}. Its receipt promised {fields['decide_by']}."
    parts = received.manifest.parts
    size = sum(part.ct_len for part in parts)
    yield translate(_SEALED, language, parts=_parts(len(parts), language), bytes=_bytes(size, language))


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


def _parts(count: int, language: str) -> str:
    def _n(one: str, many: str) -> str:
        return translate_plural(one, many, count, language)

    return _n("{count} part", "{count} parts")


def _bytes(count: int, language: str) -> str:
    def _n(one: str, many: str) -> str:
        return translate_plural(one, many, count, language)

    return _n("{count} byte", "{count} bytes")


def _kind(kind: str, language: str) -> str:
    return kind if language == SOURCE else translate(kind_label(kind), language)


def _code(code: str, language: str) -> str:
    return code if language == SOURCE else translate(CODE_WORDS.get(code, code), language)


def _member(name: str, language: str) -> str:
    return name if language == SOURCE else translate(ACT_LABELS.get(name, name), language)


def _plain(logged: LoggedLeaf, language: str) -> str:
    shown = {name: one for name, one in logged.leaf.fields.items() if name not in _TOLD_ELSEWHERE}
    told = [f"{field_word(name, language)} {_value(one)}" for name, one in shown.items()]
    return f"{entry_word(logged.leaf.type, language)}: {', '.join(told)}"


def _value(value: Any, language: str = SOURCE) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_code(name, language)} {_value(one, language)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_value(one, language) for one in value)
    return _code(str(value), language)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
