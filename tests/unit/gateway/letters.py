"""Sealed messages as they reach the gateway. Their keys are not the enrolled ones: the edge verifies no envelope."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from client.sealing import SealedMessage
from shared.contracts.api import MESSAGE_CONTENT_TYPE
from shared.contracts.records import Decision
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from shared.envelope.encoding import ALGORITHMS, digest_of
from shared.envelope.jws import JwsSignature, encode_jws, encode_protected
from shared.envelope.manifest import ManifestPart, encode_manifest
from shared.keys.base64url import encode_b64u
from shared.ports.queries import DecisionView, ReadableEnvelope
from tests.unit.envelope.workshop import header_document, party, seal
from tests.unit.gateway.fakes import MESSAGE, NOW
from tests.unit.gateway.world import World

PATH = "/v1/messages"
CONTENT_TYPE = MESSAGE_CONTENT_TYPE


def a_letter(**changes: Any) -> SealedMessage:
    """A request from MA.PGR to BE.PF and FR.BEPI, with these header fields changed."""
    return seal(**changes)


def header_with(**changes: Any) -> bytes:
    """A submission with these header fields, so wrong that no client would seal it: its signatures are none."""
    header = json.dumps(header_document(**changes)).encode()
    manifest = encode_manifest(header, b"k" * 32, [ManifestPart("body", digest_of(b""), 0)], [])
    payload = encode_b64u(manifest)
    kid = f"MA.PGR#{digest_of(b'key')}"
    signatures = [JwsSignature(alg, kid, encode_protected(alg, kid), encode_b64u(b"none")) for alg in ALGORITHMS]
    return b'{"jws":' + encode_jws(payload, signatures) + b',"wraps":[],"parts":[]}'


def with_members(submission: bytes, **changes: Any) -> bytes:
    """The same submission with other members of the container."""
    return json.dumps({**json.loads(submission), **changes}, separators=(",", ":")).encode()


def decided(letter: SealedMessage, decision: str = "accepted", leaf_index: int | None = 7) -> DecisionView:
    rejected = decision == "rejected"
    record = Decision(
        message=MESSAGE,
        digest=letter.digest,
        sender="MA.PGR",
        decision=decision,
        code="dossier.stale" if rejected else None,
        facts={"leg": "BE.PF"} if rejected else {},
        decided_at=NOW + timedelta(seconds=1),
        receipt="the.original.receipt",
        leaf_digest=b"d" * 32,
    )
    return DecisionView(record, leaf_index)


def keep(world: World, letter: SealedMessage) -> None:
    """What intake and routing would have written: a copy for the sender and one for each recipient, and the parts."""
    envelope = parse_submission(letter.submission)
    for reader in (envelope.header.sender, *envelope.header.recipients):
        kid = party(reader).sealing_kid
        world.queries.envelopes[reader, envelope.header.id] = ReadableEnvelope(
            message=envelope.header.id,
            dossier=envelope.header.dossier,
            sender=envelope.header.sender,
            digest=envelope.digest,
            jws=envelope.jws_bytes,
            kid=kid,
            wrap=envelope.wraps[kid],
            delivered_at=NOW,
            is_sender=reader == envelope.header.sender,
        )
    world.parts.held.update({part.ct_sha256: envelope.parts[part.name] for part in envelope.manifest.parts})


def seconds_from_now(seconds: float) -> str:
    return encode_time(NOW + timedelta(seconds=seconds))
