"""What a verified bundle proves, and what it does not, in words for a court. None says more than was checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from client.entry_words import FLAG_WORDS, error_said
from client.proof_claims import Proven, ProvenEvidence
from shared.domain.ids import parse_time
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence

_HAPPENED: Final = {
    "delivery": _(
        "The message was laid into the mailbox of {whom} at {at}, by the exchange's clock (entry {index} of its"
        " ledger)."
    ),
    "non-delivery": _(
        "The message was NOT laid into the mailbox of {whom} within the limit, as the exchange noted at {at}: {code}."
    ),
    "retrieval": _(
        "The message was asked for by {whom} at {asked}, with its own signed request (entry {index}, logged {logged})."
    ),
    "non-retrieval": _("The message was not asked for by {whom} within the limit, as the exchange noted at {at}."),
    "relay-acceptance": _("The message was taken over for {whom} at {at} (entry {index})."),
    "relay-rejection": _("The message was refused for {whom} at {at}: {code} (entry {index})."),
    "relay-failure": _("The message could not be handed over for {whom} within the limit, as noted at {at}: {code}."),
}


@dataclass(frozen=True, slots=True)
class Claims:
    """`doubts` stand first for every reader; each is one sentence, or a few."""

    doubts: tuple[Sentence, ...]
    proves: tuple[Sentence, ...]
    not_proves: tuple[Sentence, ...]


def claims_of(proven: Proven) -> Claims:
    doubts = [_say(_("WHO SIGNED IT IS IN DOUBT: {why}"), why=why) for why in proven.doubts]
    if proven.signers is None:
        doubts.append(_say(_("WHO SIGNED IT IS NOT PROVEN: its signatures do not hold under keys that counted then.")))
    proves = (
        *_who(proven),
        *_what(proven),
        *_when(proven),
        *_verdict(proven),
        *(_happened(proven, one) for one in proven.evidences),
    )
    return Claims(tuple(doubts), proves, tuple(_not_proven(proven)))


def _say(sentence: str, /, **gaps: Any) -> Sentence:
    return Sentence(sentence, gaps)


def _who(proven: Proven) -> Iterator[Sentence]:
    sender = named(proven, proven.header.sender)
    if not proven.is_sender_proven:
        return
    yield _say(
        _(
            "{sender} signed this message, twice (Ed25519 and ML-DSA-65), under keys that the operators of the exchange"
            " {origin} had enrolled for it, or that it had renewed itself, and that counted then."
        ),
        sender=sender,
        origin=proven.head.origin,
    )
    if proven.recovered_at is not None:
        yield _say(
            _("Those keys were given to {sender} by the operators at {at}; its former keys did not sign for them."),
            sender=sender,
            at=proven.recovered_at,
        )


def _what(proven: Proven) -> Iterator[Sentence]:
    header = proven.header
    to = ", ".join(named(proven, one) for one in header.recipients)
    if proven.signers is None:
        who = _("Its header names {sender} as the sender and {to} as those to whom it goes.")
        yield _say(who, sender=named(proven, header.sender), to=to)
    else:
        yield _say(
            _("It is addressed to {to}, and sealed to their keys and to the sender's own, and to no others."), to=to
        )
    what = _("It is a message of the kind {kind} ({profile}) in the dossier {dossier}.")
    yield _say(what, kind=header.kind, profile=header.profile, dossier=header.dossier)
    for one in proven.documents:
        name = _say(_("“{name}”"), name=one.name) if one.name else _say(_("known by this name alone"))
        yield _say(
            _(
                "The part {part} ({name}, {size} bytes, SHA-256 {sha256}) is, byte for byte, what was sealed and signed"
                " in this message."
            ),
            part=one.part,
            name=name,
            size=len(one.data),
            sha256=one.sha256,
        )


def _when(proven: Proven) -> Iterator[Sentence]:
    seen = proven.existed_by
    if seen is not None:
        latest = _("At the latest: it existed by {at}; not the exchange alone, {who} saw a ledger with it.")
        yield _say(latest, at=seen.at, who=seen.who)
    if proven.decision is not None:
        logged = _("The ledger took it up at {at}, by the exchange's own clock.")
        yield _say(logged, at=proven.decision.logged_at)
    if proven.receipt is not None:
        yield _say(
            _("The exchange had it at {at}, by its own clock, and signed that it would decide by {by}."),
            at=proven.receipt.received_at,
            by=proven.receipt.decide_by,
        )
    earliest = _("At the earliest: its sender dates it {at}. That is the sender's own word.")
    yield _say(earliest, at=parse_time(proven.header.sent_at))
    if proven.header.seen is not None:
        yield _say(
            _("It was made after the message with the digest {digest}, which it names."), digest=proven.header.seen
        )


def _verdict(proven: Proven) -> Iterator[Sentence]:
    decision = proven.decision
    if decision is None:
        return
    if decision.code is None:
        admitted = _("The exchange admitted it, at {at} (entry {index} of its ledger).")
        yield _say(admitted, at=decision.at, index=decision.index)
        for flag in decision.flags:
            yield _reserved(flag)
    else:
        rejected = _("The exchange REJECTED it, at {at} (entry {index}); the reason: {code}.")
        yield _say(rejected, at=decision.at, index=decision.index, code=error_said(decision.code))


def _reserved(flag: str) -> Sentence:
    known = FLAG_WORDS.get(flag.partition(":")[0])
    if known is None:  # of a newer program
        return _say(_("It was admitted under the reservation {flag}."), flag=flag)
    return _say(_("It was admitted under this reservation: {words} [{flag}]."), words=Sentence(known), flag=flag)


def _happened(proven: Proven, one: ProvenEvidence) -> Sentence:
    return _say(
        _HAPPENED[one.kind],
        whom=named(proven, one.recipient),
        at=one.at,
        asked=one.asked_at or one.at,
        logged=one.logged_at,
        index=one.index,
        code=None if one.code is None else error_said(one.code),
    )


def _not_proven(proven: Proven) -> Iterable[Sentence]:
    yield _say(_("That what it says is true: signatures prove who said it."))
    yield _say(_("Which person acted: keys are an authority's, and it answers for who uses them."))
    if proven.decision is None:
        yield _say(_("That the exchange decided on it: it is not in the ledger as far as this bundle reaches."))
    if proven.existed_by is None:
        yield _say(
            _("The exchange's clock: no witness and no time-stamp authority in it says when the ledger had this.")
        )
    told = {(one.kind, one.recipient) for one in proven.evidences}
    for recipient in proven.header.recipients if proven.decision and proven.decision.code is None else ():
        whom = named(proven, recipient)
        if ("delivery", recipient) not in told:
            yield _say(_("Whether {whom} got it: no evidence of that is in this bundle."), whom=whom)
        elif ("retrieval", recipient) not in told:
            yield _say(_("Whether {whom} asked for it: no evidence of that is in this bundle."), whom=whom)
    if any(one.kind == "retrieval" for one in proven.evidences):
        yield _say(_("That anybody read it: to be asked for by an authority's machine is no acknowledgement."))
    if proven.sealed_parts:
        yield _say(_("What the parts {parts} hold: they stay sealed."), parts=", ".join(proven.sealed_parts))
    if any(one.name is None for one in proven.documents):
        yield _say(_("The name of a document whose message body stays sealed."))
    if proven.keys_known_at is not None:
        unknown = _("What was declared of keys after {at}: its last key event was logged then.")
        yield _say(unknown, at=proven.keys_known_at)
    yield _say(_("Anything by its silence: whoever made this bundle may have left out what he did not want to show."))


def named(proven: Proven, party: str) -> str:
    name = proven.names.get(party, party)
    return party if name == party else f"{name} ({party})"
