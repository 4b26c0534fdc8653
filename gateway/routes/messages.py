"""Sending and fetching sealed messages.

Rules:
1. The edge refuses what it can judge without state: form, size, exchange, dates, the sender against the caller.
   Signatures of the envelope are intake's to verify, and so is everything that a dossier knows.
2. No database write on the way in: a submission is acknowledged when the bus keeps it, and then by a signed receipt.
3. A message is handed to a recipient only after its proof of asking is kept by the bus.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.admission import Submitted
from gateway.answers import IMMUTABLE, answer_model, answer_once, holds, not_modified
from gateway.auth import Call, admitted, named_kids
from gateway.bodies import Document
from gateway.description import also, carries, gives, signed
from gateway.gateway import Gateway, gateway_of
from gateway.submissions import judge_at_edge, judge_repeat, judge_sender
from gateway.views import decision_answer
from shared.adapters.proofs import ProofMaker
from shared.apisig.receipts import MERGE_DELAY, Receipt, sign_receipt
from shared.contracts.api import (
    MAX_SUBMISSION_BYTES,
    MESSAGE_CONTENT_TYPE,
    Accepted,
    Decision,
    EvidenceItem,
    Evidences,
    MessageForReader,
    PartRef,
)
from shared.contracts.messages import EnvelopeRetrieved, SubmitEnvelope
from shared.domain.ids import encode_time, is_uuid7
from shared.envelope.container import parse_submission
from shared.envelope.jws import parse_jws
from shared.envelope.manifest import ManifestPart, parse_manifest
from shared.errors import CallMalformed, NotThere, PartPruned
from shared.keys.base64url import encode_b64u
from shared.ports.queries import ReadableEnvelope
from shared.runtime.telemetry import SpanName, span

router = APIRouter(tags=["messages"])

_SUBMISSION: Final = Document(MESSAGE_CONTENT_TYPE, MAX_SUBMISSION_BYTES)
_OCTETS: Final = "application/octet-stream"


SignedCall = Annotated[Call, Depends(admitted())]


@router.post(
    "/v1/messages",
    summary="Submit a sealed message",
    **signed(
        *(400, 408, 409, 413, 415, 422),
        model=Accepted,
        ok=202,
        **carries(MESSAGE_CONTENT_TYPE, "The submission: see envelope.md"),
        **also(200, Decision, "Decided before: the decision, with the original receipt"),
    ),
)
async def submit(request: Request) -> Response:
    """202 with a signed receipt once the bus keeps it; 200 with the decision where it is decided already."""
    gateway = gateway_of(request)
    for kid in named_kids(request.headers):
        gateway.admission.refuse_unheard(kid)
    caller = await gateway.authenticator.prove(request, _SUBMISSION)
    with gateway.room_for_submission(caller), span(SpanName.accept):
        return await _accept(gateway, await gateway.authenticator.read(request, caller, _SUBMISSION))


async def _accept(gateway: Gateway, call: Call) -> Response:
    envelope = parse_submission(call.body)
    header = envelope.header
    judge_sender(header, call.party)
    decided = await gateway.ports.queries.decision(header.sender, header.id)
    if decided is not None:
        judge_repeat(decided.decision, envelope.digest)
        return answer_once(decision_answer(decided))
    now = gateway.ports.clock.now()
    judge_at_edge(header, gateway.config.trust.origin, now)
    promise = Receipt(header.exchange, header.sender, header.id, envelope.digest, now, now + MERGE_DELAY)
    receipt = sign_receipt(promise, gateway.ports.receipt_signer)
    decide_by = encode_time(promise.decide_by)
    await gateway.ports.submit(
        SubmitEnvelope(
            submission=call.body,
            caller=call.party,
            received_at=encode_time(now),
            decide_by=decide_by,
            receipt=receipt,
        )
    )
    gateway.admission.kept(Submitted(header.sender, header.id))
    accepted = Accepted(message=header.id, digest=envelope.digest, receipt=receipt, decide_by=decide_by)
    return answer_once(accepted, 202, {"Location": f"/v1/messages/{header.id}/decision"})


@router.get("/v1/messages/{message}", summary="Fetch a sealed message", **signed(304, 400, 404, model=MessageForReader))
async def fetch(request: Request, message: str, call: SignedCall) -> Response:
    """The signed manifest and the reader's own key wrap. A recipient's call is kept as its proof of asking;
    so is not that of a holder, who was sent the `forward` and is no recipient of what came before."""
    gateway = gateway_of(request)
    envelope = await _readable(gateway, call.party, message)
    _require_plain_address(request, message)
    if not envelope.is_sender and envelope.wrap is not None:
        await gateway.ports.submit(
            EnvelopeRetrieved(
                message=envelope.message,
                recipient=call.party,
                request=call.request_text,
                retrieved_at=encode_time(gateway.ports.clock.now()),
            )
        )
    return answer_model(
        request,
        MessageForReader(
            message=envelope.message,
            dossier=envelope.dossier,
            sender=envelope.sender,
            digest=envelope.digest,
            jws=json.loads(envelope.jws),
            kid=envelope.kid,
            wrap=None if envelope.wrap is None else encode_b64u(envelope.wrap),
            parts=tuple(
                PartRef(name=part.name, sha256=part.ct_sha256, size=part.ct_len) for part in _parts_of(envelope)
            ),
            delivered_at=encode_time(envelope.delivered_at),
        ),
    )


@router.get(
    "/v1/messages/{message}/decision", summary="What was decided on a submission", **signed(304, 404, model=Decision)
)
async def decision(request: Request, message: str, call: SignedCall) -> Response:
    """For the sender alone. Not there until it is decided."""
    queries = gateway_of(request).ports.queries
    view = await queries.decision(call.party, message) if is_uuid7(message) else None
    if view is None:
        raise NotThere()
    return answer_model(request, decision_answer(view))


@router.get(
    "/v1/messages/{message}/parts/{name}",
    summary="Fetch one sealed part",
    **signed(304, 404, 410, **gives(_OCTETS, "The ciphertext")),
)
async def part(request: Request, message: str, name: str, call: SignedCall) -> Response:
    """The ciphertext of one part, in the clear to nobody: it opens with the message's secret only. 410 once it was
    pruned by the exchange's policy on retention."""
    gateway = gateway_of(request)
    envelope = await _readable(gateway, call.party, message)
    found = next((one for one in _parts_of(envelope) if one.name == name), None)
    if found is None:
        raise NotThere()
    tag = f'"{found.ct_sha256}"'
    if holds(request, tag):
        return not_modified(tag, IMMUTABLE)
    chunks = gateway.ports.parts.read(found.ct_sha256)
    try:
        first = await anext(chunks, b"")  # what is not there is refused before the answer begins
    except NotThere:
        await _refuse_pruned(gateway, message)
        raise
    headers = {"ETag": tag, "Cache-Control": IMMUTABLE, "Content-Length": str(found.ct_len)}
    return StreamingResponse(_joined(first, chunks), media_type=_OCTETS, headers=headers)


@router.get(
    "/v1/messages/{message}/evidences", summary="What happened to a message", **signed(304, 404, model=Evidences)
)
async def evidences(request: Request, message: str, call: SignedCall) -> Response:
    """Submission, relay, delivery and retrieval, each with its proof once the ledger holds it."""
    gateway = gateway_of(request)
    views = await gateway.ports.queries.evidences(call.party, message) if is_uuid7(message) else None
    if views is None:
        raise NotThere()
    proofs = ProofMaker(gateway.ports.ledger, await gateway.ports.ledger.checkpoint())
    items = [
        EvidenceItem(
            kind=view.evidence.kind,
            recipient=view.evidence.recipient,
            at=encode_time(view.evidence.at),
            leaf_index=view.leaf_index,
            proof=await proofs.prove(view.leaf_index),
        )
        for view in views
    ]
    return answer_model(request, Evidences(message=message, items=tuple(items)))


async def _readable(gateway: Gateway, reader: str, message: str) -> ReadableEnvelope:
    envelope = await gateway.ports.queries.envelope(reader, message) if is_uuid7(message) else None
    if envelope is None:
        raise NotThere()
    return envelope


async def _refuse_pruned(gateway: Gateway, message: str) -> None:
    """Raises PartPruned for a message whose parts went by the policy on retention, with the proof of it as soon as
    the ledger has it."""
    pruned = await gateway.ports.queries.parts_pruned(message)
    if pruned is None:
        return
    told, ledger = pruned.pruned, gateway.ports.ledger
    facts: dict[str, object] = {
        "message": message,
        "pruned_at": encode_time(told.pruned_at),
        "kept_days": told.kept_days,
        "closed_at": encode_time(told.closed_at),
    }
    proof = await ProofMaker(ledger, await ledger.checkpoint()).prove(pruned.leaf_index)
    if proof is not None:
        facts["proof"] = proof
    raise PartPruned(**facts)


def _require_plain_address(request: Request, message: str) -> None:
    """The signed address stands in the ledger for ever, and auditors read it: any other spelling of it, a query or an
    escaped letter, would make a proof of asking that proves nothing. Raises CallMalformed."""
    if request.scope["query_string"] or request.scope["raw_path"] != f"/v1/messages/{message}".encode():
        raise CallMalformed(why="a message is fetched by its plain address, without a query and with nothing escaped")


def _parts_of(envelope: ReadableEnvelope) -> tuple[ManifestPart, ...]:
    return parse_manifest(parse_jws(envelope.jws).payload).parts


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
