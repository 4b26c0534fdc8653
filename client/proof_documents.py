"""Parts whose keys were disclosed: opened, and held against what the sender signed.

A part's sealed bytes are those of the signed manifest (`envelope.verify`, step 11), and Cobblestone commits to its key:
nobody finds a second key under which they read differently. So the document is what the sender sealed, and a key opens
no other. Its true name and size stand in the body; without the body it is known by its part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from client.opening import body_contradiction, open_part
from client.proof_bundle import PART_NAMES, DisclosedPart
from client.proof_claims import ProvenDocument
from shared.envelope.body import AttachmentEntry, Body, parse_body
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.encoding import BODY_PART, digest_of
from shared.envelope.verify import VerifiedEnvelope
from shared.errors import ProofPartInvalid, Rejection
from shared.texts.catalogue import mark as _


class Note(Protocol):
    """Keeps what a step found: a sentence of the catalogue, and what fills its gaps."""

    def __call__(self, number: int, found: str, /, **gaps: object) -> None: ...


BODY_FILE: Final = "body.json"
"""What the body is called, which has no name of its own."""


def open_disclosed(
    received: ReceivedEnvelope, verified: VerifiedEnvelope | None, parts: Sequence[DisclosedPart], note: Note
) -> tuple[ProvenDocument, ...]:
    """Steps 10 and 11. Raises ProofPartInvalid."""
    if not parts:
        return ()
    if verified is None:
        raise ProofPartInvalid(part=parts[0].name, why="nobody is proven to have signed the message")
    plaintexts: dict[str, bytes] = {}
    places = [PART_NAMES.index(one.name) for one in parts]
    if places != sorted(set(places)):
        raise ProofPartInvalid(part=parts[0].name, why="the parts do not stand in their order, each once")
    for one in parts:
        if one.name not in verified.parts:
            raise ProofPartInvalid(part=one.name, why="its sealed bytes are neither in the bundle nor beside it")
        try:
            plaintexts[one.name] = open_part(verified, one.name, one.key)
        except Rejection as refused:
            raise ProofPartInvalid(part=one.name, why=str(refused).rstrip(".")) from None
    note(10, _("What is disclosed is what was sealed and signed: {parts}."), parts=", ".join(plaintexts))
    body = _body(received, plaintexts[BODY_PART]) if BODY_PART in plaintexts else None
    if body is not None:
        note(
            11,
            _("The body says of kind and act what its header says, and the disclosed documents are those it lists."),
        )
    listed = {} if body is None else {one.part: one for one in body.attachments}
    return tuple(_document(name, data, body, listed.get(name)) for name, data in plaintexts.items())


def _body(received: ReceivedEnvelope, plaintext: bytes) -> Body:
    try:
        body = parse_body(plaintext)
    except Rejection as refused:
        raise ProofPartInvalid(part=BODY_PART, why=str(refused).rstrip(".")) from None
    contradicted = body_contradiction(received.header, body)
    if contradicted is not None:
        raise ProofPartInvalid(part=BODY_PART, why=f"its {contradicted} is another than the header's")
    named = {one.name for one in received.manifest.parts} - {BODY_PART}
    if {one.part for one in body.attachments} != named:
        raise ProofPartInvalid(part=BODY_PART, why="it does not list the attachments that were signed")
    return body


def _document(name: str, data: bytes, body: Body | None, listed: AttachmentEntry | None) -> ProvenDocument:
    if body is not None and name == BODY_PART:
        return ProvenDocument(name, data, BODY_FILE, "application/json")
    if listed is None:
        return ProvenDocument(name, data)
    if (listed.size, listed.sha256) != (len(data), digest_of(data)):
        raise ProofPartInvalid(part=name, why="it has another size or digest than the body says")
    return ProvenDocument(name, data, listed.name, listed.media_type)
