"""Enrolment: the file that a party hands to the operators, and the key event that the operators make of it.

Rules:
1. The request holds public keys, names and proofs of possession; nothing in it is secret, and nothing in it is believed
   before its fingerprints were compared with the party over another road.
2. The event is made for the place after the last one and verified here, exactly as every replica will verify it, before
   it is posted.
3. An event counts when the directory shows it: `await_event` waits for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.directory_history import replay_history
from client.exchange import Exchange
from client.request_file import load_json
from client.signing import AuthorityKeys
from shared.domain.id_fields import AuthorityId
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import encode_canonical_json
from shared.errors import EventNotAdmitted, EventOvertaken, KeyRefused, RequestFileInvalid
from shared.keys.directory import Compromise, Directory
from shared.keys.event_document import EventType, KeyEntryDocument, Mandate, NameDocument, Role
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from shared.keys.possession import parse_entry_public, prove_keys
from shared.keys.private import Ed25519Signer
from shared.keys.trust import Trust

ENROLMENT_VERSION: Final = "comity-enrolment/1"
VALIDITY: Final = timedelta(days=365)
BACKDATE: Final = timedelta(minutes=5)
"""Keys count from a little before now: the exchange's clock may be behind this one."""


class EnrolmentRequest(BaseModel):
    """What a party asks to be enrolled with."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    v: Literal["comity-enrolment/1"]
    party: AuthorityId
    role: Role
    mandate: Mandate | None
    name: NameDocument
    country: str
    keys: tuple[KeyEntryDocument, ...] = Field(min_length=1, max_length=4)

    def kids(self) -> dict[str, str]:
        """Use → kid. Raises KeyRefused for a key that is none."""
        return {entry.use: parse_entry_public(entry).kid(self.party) for entry in self.keys}


def party_names(names: Mapping[str, str]) -> NameDocument:
    """From languages (ISO 639) and names, the first of them the official one. Raises ValueError."""
    return NameDocument(official=next(iter(names.values())), languages=dict(names))


def authority_request(keys: AuthorityKeys, name: NameDocument, now: datetime) -> EnrolmentRequest:
    """For an authority, with proofs that it holds the four keys."""
    return EnrolmentRequest(
        v=ENROLMENT_VERSION,
        party=keys.authority,
        role="authority",
        mandate=None,
        name=name,
        country=keys.authority[:2],
        keys=keys.prove(now - BACKDATE, now + VALIDITY),
    )


def auditor_request(
    auditor: str, key: Ed25519Signer, mandate: Mandate, name: NameDocument, now: datetime
) -> EnrolmentRequest:
    return EnrolmentRequest(
        v=ENROLMENT_VERSION,
        party=auditor,
        role="auditor",
        mandate=mandate,
        name=name,
        country=auditor[:2],
        keys=prove_keys(auditor, {"api-ed25519": key}, now - BACKDATE, now + VALIDITY),
    )


def encode_enrolment(request: EnrolmentRequest) -> bytes:
    return encode_canonical_json(request.model_dump(mode="json")) + b"\n"


def load_enrolment(path: Path) -> EnrolmentRequest:
    """Raises RequestFileInvalid, KeyRefused."""
    document = load_json(path)
    try:
        request = EnrolmentRequest.model_validate(document)
    except ValidationError as invalid:
        raise RequestFileInvalid(file=path, why=first_misfit(invalid, "the request")) from None
    request.kids()
    return request


def make_event(
    type_: EventType,
    party: str,
    directory: Directory,
    operators: Sequence[Ed25519Signer],
    trust: Trust,
    now: datetime,
    request: EnrolmentRequest | None = None,
    compromise: Compromise | None = None,
) -> bytes:
    """The signed event after `directory`; an enrolment is made of `request`, a recovery of its keys alone.

    Raises KeyEventRefused.
    """
    at = now if directory.last_at is None else max(now, directory.last_at)
    try:
        if request is None:
            event = draft_event(type_, directory, at, party, compromise=compromise)
        elif type_ == "recover":
            event = draft_event(type_, directory, at, party, keys=request.keys)
        else:
            event = draft_event(
                type_,
                directory,
                at,
                party,
                keys=request.keys,
                role=request.role,
                mandate=request.mandate,
                name=request.name,
                country=request.country,
            )
    except ValidationError as invalid:
        raise KeyRefused(alg=type_, why=invalid.errors(include_url=False)[0]["msg"]) from None
    document = encode_event(event, [sign_event(event, operator) for operator in operators])
    verify_event(document, trust.operator_keys, trust.operator_quorum, directory)
    return document


def await_event(
    exchange: Exchange,
    trust: Trust,
    seq: int,
    event: bytes,
    patience_s: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Directory:
    """The directory once it shows this event as number `seq`.

    Raises EventOvertaken when another event has that number: two acted at once, and this one did not count.
    Raises EventNotAdmitted when patience is spent.
    """
    give_up = monotonic() + patience_s
    while True:
        history = replay_history(exchange.directory().events, trust)
        if history.latest.index >= seq:
            if history.event(seq).document != event:
                raise EventOvertaken(seq=seq)
            return history.latest
        if monotonic() > give_up:
            raise EventNotAdmitted(seq=seq, waited_s=int(patience_s))
        sleep(0.25)
