"""What a verified bundle proves, and what it does not, in words for a court. None says more than was checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from client.proof_claims import Proven, ProvenEvidence
from shared.domain.ids import parse_time

_HAPPENED: Final = {
    "delivery": "was laid into the mailbox of {whom} at {at}, by the exchange's clock (entry {index} of its ledger).",
    "non-delivery": "was NOT laid into the mailbox of {whom} within the limit, as the exchange noted at {at}: {code}.",
    "retrieval": "was asked for by {whom} at {asked}, with its own signed request (entry {index}, logged {logged}).",
    "non-retrieval": "was not asked for by {whom} within the limit, as the exchange noted at {at}.",
    "relay-acceptance": "was taken over for {whom} at {at} (entry {index}).",
    "relay-rejection": "was refused for {whom} at {at}: {code} (entry {index}).",
    "relay-failure": "could not be handed over for {whom} within the limit, as noted at {at}: {code}.",
}


@dataclass(frozen=True, slots=True)
class Claims:
    """`doubts` stand first for every reader; each is one sentence, or a few."""

    doubts: tuple[str, ...]
    proves: tuple[str, ...]
    not_proves: tuple[str, ...]


def claims_of(proven: Proven) -> Claims:
    doubts = [f"WHO SIGNED IT IS IN DOUBT: {why}" for why in proven.doubts]
    if proven.signers is None:
        doubts.append("WHO SIGNED IT IS NOT PROVEN: its signatures do not hold under keys that counted then.")
    proves = (
        *_who(proven),
        *_what(proven),
        *_when(proven),
        *_verdict(proven),
        *(f"The message {_happened(proven, one)}" for one in proven.evidences),
    )
    return Claims(tuple(doubts), proves, tuple(_not_proven(proven)))


def _who(proven: Proven) -> Iterable[str]:
    sender = named(proven, proven.header.sender)
    if not proven.is_sender_proven:
        return
    yield (
        f"{sender} signed this message, twice (Ed25519 and ML-DSA-65), under keys that the operators of the exchange"
        f" {proven.head.origin} had enrolled for it, or that it had renewed itself, and that counted then."
    )
    if proven.recovered_at is not None:
        yield (
            f"Those keys were given to {sender} by the operators at {when(proven.recovered_at)}; its former keys"
            " did not sign for them."
        )


def _what(proven: Proven) -> Iterable[str]:
    header = proven.header
    to = ", ".join(named(proven, one) for one in header.recipients)
    if proven.signers is None:
        yield f"Its header names {named(proven, header.sender)} as the sender and {to} as those to whom it goes."
    else:
        yield f"It is addressed to {to}, and sealed to their keys and to the sender's own, and to no others."
    yield f"It is a message of the kind {header.kind} ({header.profile}) in the dossier {header.dossier}."
    for one in proven.documents:
        name = f"“{one.name}”" if one.name else "known by this name alone"
        yield (
            f"The part {one.part} ({name}, {len(one.data)} bytes, SHA-256 {one.sha256}) is, byte for byte, what was"
            " sealed and signed in this message."
        )


def _when(proven: Proven) -> Iterable[str]:
    seen = proven.existed_by
    if seen is not None:
        yield f"At the latest: it existed by {when(seen.at)}; not the exchange alone, {seen.who} saw a ledger with it."
    if proven.decision is not None:
        yield f"The ledger took it up at {when(proven.decision.logged_at)}, by the exchange's own clock."
    if proven.receipt is not None:
        yield (
            f"The exchange had it at {when(proven.receipt.received_at)}, by its own clock, and signed that it would"
            f" decide by {when(proven.receipt.decide_by)}."
        )
    sent_at = when(parse_time(proven.header.sent_at))
    yield f"At the earliest: its sender dates it {sent_at}. That is the sender's own word."
    if proven.header.seen is not None:
        yield f"It was made after the message with the digest {proven.header.seen}, which it names."


def _verdict(proven: Proven) -> Iterable[str]:
    decision = proven.decision
    if decision is None:
        return
    if decision.code is None:
        yield f"The exchange admitted it, at {when(decision.at)} (entry {decision.index} of its ledger)."
        for flag in decision.flags:
            yield f"It was admitted under the reservation {flag}."
    else:
        yield f"The exchange REJECTED it, at {when(decision.at)} (entry {decision.index}); the reason: {decision.code}."


def _happened(proven: Proven, one: ProvenEvidence) -> str:
    return _HAPPENED[one.kind].format(
        whom=named(proven, one.recipient),
        at=when(one.at),
        asked=when(one.asked_at or one.at),
        logged=when(one.logged_at),
        index=one.index,
        code=one.code,
    )


def _not_proven(proven: Proven) -> Iterable[str]:
    yield "That what it says is true: signatures prove who said it."
    yield "Which person acted: keys are an authority's, and it answers for who uses them."
    if proven.decision is None:
        yield "That the exchange decided on it: it is not in the ledger as far as this bundle reaches."
    if proven.existed_by is None:
        yield "The exchange's clock: no witness and no time-stamp authority in it says when the ledger had this."
    told = {(one.kind, one.recipient) for one in proven.evidences}
    for recipient in proven.header.recipients if proven.decision and proven.decision.code is None else ():
        if ("delivery", recipient) not in told:
            yield f"Whether {named(proven, recipient)} got it: no evidence of that is in this bundle."
        elif ("retrieval", recipient) not in told:
            yield f"Whether {named(proven, recipient)} asked for it: no evidence of that is in this bundle."
    if any(one.kind == "retrieval" for one in proven.evidences):
        yield "That anybody read it: to be asked for by an authority's machine is no acknowledgement."
    if proven.sealed_parts:
        yield f"What the parts {', '.join(proven.sealed_parts)} hold: they stay sealed."
    if any(one.name is None for one in proven.documents):
        yield "The name of a document whose message body stays sealed."
    if proven.keys_known_at is not None:
        yield f"What was declared of keys after {when(proven.keys_known_at)}: its last key event was logged then."
    yield "Anything by its silence: whoever made this bundle may have left out what he did not want to show."


def named(proven: Proven, party: str) -> str:
    name = proven.names.get(party, party)
    return party if name == party else f"{name} ({party})"


def when(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%B} {at.year:04}, {at:%H:%M:%S} UTC"
