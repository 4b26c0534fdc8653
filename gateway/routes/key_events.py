"""Changes of keys: what a party makes of its own, and where each stands in the ledger.

Rules:
1. A party submits its own rotations and no other event. It is verified here as intake will verify it, so that the
   party hears at once what is wrong with it; the operators submit theirs under `/v1/operator`.
2. A proof is for every enrolled party: whose keys counted when is nobody's secret here, and a client seals to no key
   whose event it did not find in the ledger.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import NOT_KEPT, answer_model
from gateway.auth import Call, admitted
from gateway.bodies import Document
from gateway.description import carries, signed
from gateway.gateway import gateway_of
from shared.adapters.proofs import ProofMaker
from shared.contracts.api import (
    KEY_EVENT_CONTENT_TYPE,
    KEY_EVENT_PAGE,
    MAX_DOCUMENT_BYTES,
    KeyEventItem,
    KeyEventPage,
)
from shared.contracts.messages import RecordKeyEvent
from shared.domain.ids import encode_time
from shared.errors import CallNotPermitted, KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.event_document import parse_event_document
from shared.keys.events import verify_event
from shared.keys.signed_document import SignedDocument, parse_signed_document
from shared.keys.trust import Trust

router = APIRouter(tags=["directory"])

_KEY_EVENT: Final = Document(KEY_EVENT_CONTENT_TYPE, MAX_DOCUMENT_BYTES)
OwnerCall = Annotated[Call, Depends(admitted(takes=_KEY_EVENT))]
SignedCall = Annotated[Call, Depends(admitted())]
After = Annotated[int, Query(ge=0, le=2**53, description="The number of the last event that the caller knows")]


@router.post(
    "/v1/key-events",
    summary="Submit the rotation of my keys",
    **signed(400, 408, 413, 415, 422, ok=202, **carries(KEY_EVENT_CONTENT_TYPE, "A signed key event: see keys.md")),
)
async def rotate(request: Request, call: OwnerCall) -> Response:
    """A rotation, signed by the old keys of the authority that calls."""
    gateway = gateway_of(request)
    judge_rotation(call.body, call.party, gateway.config.trust, await gateway.authenticator.newest_directory())
    await gateway.ports.submit(
        RecordKeyEvent(event=call.body, received_at=encode_time(gateway.ports.clock.now())),
    )
    return Response(status_code=202, headers={"Cache-Control": NOT_KEPT})


@router.get("/v1/key-events", summary="Where key events stand in the ledger", **signed(304, 400, model=KeyEventPage))
async def places(request: Request, call: SignedCall, after: After = 0) -> Response:
    """Those after `after`, in order; fewer than 32 at the end. `/v1/authorities` has the events themselves."""
    ports = gateway_of(request).ports
    proofs = ProofMaker(ports.ledger, await ports.ledger.checkpoint())
    items = [
        KeyEventItem(seq=one.seq, leaf_index=one.leaf_index, proof=await proofs.prove(one.leaf_index))
        for one in await ports.queries.key_event_places(after, KEY_EVENT_PAGE)
    ]
    return answer_model(request, KeyEventPage(items=tuple(items)))


def judge_rotation(event: bytes, party: str, trust: Trust, directory: Directory) -> None:
    """Raises KeyEventRefused, and CallNotPermitted for any other event than a rotation of this party's keys."""
    try:
        signed_event = parse_signed_document(event)
        written = parse_event_document(signed_event.document)
    except ValueError as bad:
        raise KeyEventRefused(why=str(bad)) from None
    if written.type != "rotate" or written.party != party:
        raise CallNotPermitted()
    verify_rotation(event, signed_event, trust, directory)


def verify_rotation(event: bytes, signed_event: SignedDocument, trust: Trust, directory: Directory) -> None:
    """By the party's keys, as intake will; one that is recorded may come again. Raises KeyEventRefused."""
    if not directory.is_recorded(encode_b64u(signed_event.digest())):
        verify_event(event, trust.operator_keys, trust.operator_quorum, directory)
