"""Key events: how they are drafted, signed, and verified against the directory that they change.

Who signs: an enrolment, a recovery, a suspension, a reinstatement and a compromise are signed by a quorum of operator
keys; a rotation by the party's own two signing keys in force at its `at`, Ed25519 then ML-DSA-65. An auditor has no
signing keys, so its API key is renewed by a recovery. A recovery shows as what it is: operators, not old keys, vouch.

It does not ask whether `at` is near the clock: it may be replaying the past. Whoever admits a new event may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature

from shared.domain.ids import encode_time, parse_time
from shared.errors import KeyEventRefused, KeyRefused
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Signer
from shared.keys.directory import Compromise, Directory, DirectoryKey, KeyEvent
from shared.keys.event_document import (
    EVENT_DOMAIN,
    EVENT_VERSION,
    CompromiseDocument,
    EventType,
    KeyEntryDocument,
    KeyEventDocument,
    Mandate,
    NameDocument,
    Role,
    Use,
    encode_event_document,
    parse_event_document,
)
from shared.keys.possession import PublicKey, parse_entry_public, verify_possession
from shared.keys.public import OPERATOR, Ed25519Public, MLDSA65Public
from shared.keys.signed_document import (
    DocumentSignature,
    SignedDocument,
    SignedDocumentBad,
    encode_signed_document,
    parse_signed_document,
    sign_document,
    verify_quorum,
)

EVENT_DATE_TOLERANCE: Final = timedelta(days=1)
"""Between an event's date and the time at which it is admitted. Keys are judged by the dates of events: an expired,
stolen pair must not sign its renewal into the past."""


def verify_event(
    document: bytes, operator_keys: Sequence[Ed25519Public], quorum: int, directory: Directory
) -> KeyEvent:
    """The event in this signed document, as the next one after `directory`. Raises KeyEventRefused, saying why.

    (1) the signed form; (2) the event's closed format; (3) its place: exchange, number, predecessor, time; (4) the
    party may undergo it; (5) the signatures of those who may decide it; (6) every key is acceptable, and new to this
    exchange; (7) possession of every key is proved.
    """
    try:
        signed = parse_signed_document(document)  # (1)
        written = parse_event_document(signed.document)  # (2)
        _check_place(written, directory)  # (3)
        _check_party(written, directory)  # (4)
        if written.type == "rotate":  # (5)
            signers = _verify_own_signatures(signed, written, directory)
        else:
            signers = verify_quorum(signed, EVENT_DOMAIN, operator_keys, quorum)
        publics = _accept_keys(written, operator_keys, directory)  # (6)
        _verify_proofs(written, publics, directory)  # (7)
    except KeyRefused as bad:
        raise KeyEventRefused(why=bad.sentence()) from None
    except ValueError as bad:
        raise KeyEventRefused(why=str(bad)) from None
    return _build_event(signed, document, written, publics, signers)


def replay_events(
    documents: Iterable[bytes], operator_keys: Sequence[Ed25519Public], quorum: int, directory: Directory
) -> Directory:
    """The directory after all these events, in order. Raises KeyEventRefused at the first that does not verify."""
    for document in documents:
        directory = directory.apply(verify_event(document, operator_keys, quorum, directory))
    return directory


def draft_event(
    type_: EventType,
    directory: Directory,
    at: datetime,
    party: str,
    *,
    keys: Sequence[KeyEntryDocument] = (),
    role: Role | None = None,
    mandate: Mandate | None = None,
    name: NameDocument | None = None,
    country: str | None = None,
    compromise: Compromise | None = None,
) -> bytes:
    """The exact bytes of the event after `directory`, to be signed. Raises pydantic.ValidationError (a ValueError)."""
    compromised = {} if compromise is None else {"compromise": _written(compromise)}
    return encode_event_document(
        KeyEventDocument(
            v=EVENT_VERSION,
            type=type_,
            exchange=directory.exchange,
            seq=directory.index + 1,
            prev=directory.head,
            at=encode_time(at),
            party=party,
            role=role,
            mandate=mandate,
            name=name,
            country=country,
            keys=tuple(keys),
            **compromised,
        )
    )


def _written(compromise: Compromise) -> CompromiseDocument:
    return CompromiseDocument(kids=compromise.kids, since=encode_time(compromise.since))


def sign_event(event: bytes, signer: Signer, owner: str = OPERATOR) -> DocumentSignature:
    """One signature over drafted event bytes; `owner` is the party in a rotation."""
    return sign_document(event, EVENT_DOMAIN, signer, owner)


def encode_event(event: bytes, signatures: Iterable[DocumentSignature]) -> bytes:
    """The signed document that travels, is stored and stands in the ledger."""
    return encode_signed_document(event, signatures)


def _check_place(written: KeyEventDocument, directory: Directory) -> None:
    if written.exchange != directory.exchange:
        raise ValueError(f"it is for the exchange {written.exchange}, this one is {directory.exchange}")
    if written.seq != directory.index + 1:
        raise ValueError(f"it is number {written.seq}, the next is {directory.index + 1}")
    if written.prev != directory.head:
        raise ValueError("it names another predecessor than the last event")
    if directory.last_at is not None and parse_time(written.at) < directory.last_at:
        raise ValueError("it is dated before the last event")


def _check_party(written: KeyEventDocument, directory: Directory) -> None:
    party = directory.party(written.party)
    if written.type == "enrol":
        if party is not None:
            raise ValueError(f"{written.party} is enrolled already")
        return
    if party is None:
        raise ValueError(f"{written.party} is not enrolled")
    if party.is_suspended and written.type in ("rotate", "suspend"):
        raise ValueError(f"{written.party} is suspended")
    if not party.is_suspended and written.type == "reinstate":
        raise ValueError(f"{written.party} is not suspended")
    if party.role == "auditor" and {key.use for key in written.keys} - {"api-ed25519"}:
        raise ValueError("an auditor has an API key only")
    if written.compromise is not None:
        _check_compromise(written, written.compromise, directory)


def _check_compromise(written: KeyEventDocument, compromise: CompromiseDocument, directory: Directory) -> None:
    """Its point of time may be moved to an earlier one by another event, and never to a later."""
    since = parse_time(compromise.since)
    if since > parse_time(written.at):
        raise ValueError("it names a point of time after its own")
    if len(set(compromise.kids)) != len(compromise.kids):
        raise ValueError("a key stands twice")
    for kid in compromise.kids:
        key = directory.key(kid)
        if key is None or key.party != written.party:
            raise ValueError(f"{kid} is no registered key of {written.party}")
        if key.compromised_since is not None and since >= key.compromised_since:
            raise ValueError(f"{kid} is declared compromised already, since {encode_time(key.compromised_since)}")


def _verify_own_signatures(signed: SignedDocument, written: KeyEventDocument, directory: Directory) -> tuple[str, ...]:
    """The old keys sign for the new ones: both algorithms, so that breaking one does not suffice."""
    own = directory.signing_keys(written.party, parse_time(written.at))
    if own is None:
        raise ValueError(f"{written.party} has no signing keys in force; its keys can be recovered by the operators")
    expected = (own.ed25519_kid, own.mldsa65_kid)
    if tuple(one.kid for one in signed.signatures) != expected:
        raise ValueError(f"it is signed by exactly the two signing keys of {written.party}, Ed25519 first")
    verifiers: tuple[Ed25519Public | MLDSA65Public, ...] = (own.ed25519, own.mldsa65)
    for one, key in zip(signed.signatures, verifiers, strict=True):
        try:
            key.verify(one.signature, EVENT_DOMAIN + signed.document)
        except InvalidSignature:
            raise SignedDocumentBad(f"the signature of {one.kid} does not verify") from None
    return expected


def _accept_keys(
    written: KeyEventDocument, operator_keys: Sequence[Ed25519Public], directory: Directory
) -> tuple[PublicKey, ...]:
    """A raw key serves one party and one use, once: a kid then means one thing for ever."""
    publics = tuple(parse_entry_public(entry) for entry in written.keys)
    taken = {key.raw for key in operator_keys}
    for public in publics:
        if public.raw in taken or directory.is_registered(public.kid(written.party)):
            raise ValueError("a key is registered already; every use and every renewal takes a new key")
        taken.add(public.raw)
    return publics


def _verify_proofs(written: KeyEventDocument, publics: Sequence[PublicKey], directory: Directory) -> None:
    vouchers = _vouching_keys(written, publics, directory)
    for entry, public in zip(written.keys, publics, strict=True):
        verify_possession(written.party, entry, public, vouchers)


def _vouching_keys(
    written: KeyEventDocument, publics: Sequence[PublicKey], directory: Directory
) -> tuple[Ed25519Public, MLDSA65Public] | None:
    """The signing keys after this event: its own where it names them, else those in force at its time."""
    fresh = {entry.use: public for entry, public in zip(written.keys, publics, strict=True)}
    party, at = directory.party(written.party), parse_time(written.at)

    def after(use: Use) -> PublicKey | None:
        if use in fresh:
            return fresh[use]
        standing = party.current(use, at) if party else None
        return standing.public if standing else None

    classical, lattice = after("sign-ed25519"), after("sign-mldsa65")
    if isinstance(classical, Ed25519Public) and isinstance(lattice, MLDSA65Public):
        return classical, lattice
    return None


def _build_event(
    signed: SignedDocument,
    document: bytes,
    written: KeyEventDocument,
    publics: Sequence[PublicKey],
    signers: tuple[str, ...],
) -> KeyEvent:
    keys = tuple(
        DirectoryKey(
            party=written.party,
            use=entry.use,
            kid=public.kid(written.party),
            public=public,
            not_before=parse_time(entry.not_before),
            not_after=parse_time(entry.not_after),
            seq=written.seq,
            by=written.type,
        )
        for entry, public in zip(written.keys, publics, strict=True)
    )
    return KeyEvent(
        type=written.type,
        exchange=written.exchange,
        seq=written.seq,
        prev=written.prev,
        at=parse_time(written.at),
        party=written.party,
        role=written.role,
        mandate=written.mandate,
        name=written.name,
        country=written.country,
        keys=keys,
        compromise=_parsed(written.compromise),
        signers=signers,
        digest=encode_b64u(signed.digest()),
        document=document,
    )


def _parsed(written: CompromiseDocument | None) -> Compromise | None:
    return None if written is None else Compromise(written.kids, parse_time(written.since))
