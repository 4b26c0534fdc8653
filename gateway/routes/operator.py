"""What operators submit: key events and the registry of instruments, each a document with signatures of its own.

Rules:
1. The call is signed by one operator key. What is not signed by the quorum is refused at once, and so is a rotation
   that its party's keys did not sign: one key alone gives intake nothing to do. Intake verifies all.
2. The call may be repeated: intake admits an event and a registry by their numbers and predecessors, so
   that a repeat changes nothing. Hence no nonce is remembered here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import NOT_KEPT
from gateway.auth import Call, admitted
from gateway.bodies import Document
from gateway.description import carries, signed
from gateway.gateway import gateway_of
from gateway.routes.key_events import verify_rotation
from shared.contracts.api import INSTRUMENTS_CONTENT_TYPE, KEY_EVENT_CONTENT_TYPE, MAX_DOCUMENT_BYTES
from shared.contracts.messages import RecordInstruments, RecordKeyEvent
from shared.domain.ids import encode_time
from shared.domain.instruments import parse_registry
from shared.errors import InstrumentsInvalid, KeyEventRefused
from shared.keys.directory import Directory
from shared.keys.event_document import EVENT_DOMAIN, parse_event_document
from shared.keys.instruments import verify_instruments
from shared.keys.signed_document import parse_signed_document, verify_quorum
from shared.keys.trust import Trust

router = APIRouter(prefix="/v1/operator", tags=["operator"])

_KEY_EVENT: Final = Document(KEY_EVENT_CONTENT_TYPE, MAX_DOCUMENT_BYTES)
_INSTRUMENTS: Final = Document(INSTRUMENTS_CONTENT_TYPE, MAX_DOCUMENT_BYTES)
KeyEventCall = Annotated[Call, Depends(admitted(takes=_KEY_EVENT))]
InstrumentsCall = Annotated[Call, Depends(admitted(takes=_INSTRUMENTS))]


@router.post(
    "/key-events",
    summary="Submit a signed key event",
    **signed(400, 408, 413, 415, 422, ok=202, **carries(KEY_EVENT_CONTENT_TYPE, "A signed key event: see keys.md")),
)
async def key_events(request: Request, call: KeyEventCall) -> Response:
    """Enrolment, rotation, recovery, suspension, reinstatement."""
    gateway = gateway_of(request)
    await judge_key_event(call.body, gateway.config.trust, gateway.authenticator.newest_directory)
    received_at = encode_time(gateway.ports.clock.now())
    await gateway.ports.submit(RecordKeyEvent(event=call.body, received_at=received_at))
    return _kept()


@router.post(
    "/instruments",
    summary="Submit a signed registry of instruments",
    **signed(400, 408, 413, 415, 422, ok=202, **carries(INSTRUMENTS_CONTENT_TYPE, "A signed registry of instruments")),
)
async def instruments(request: Request, call: InstrumentsCall) -> Response:
    gateway = gateway_of(request)
    trust = gateway.config.trust
    publication = verify_instruments(call.body, trust.operator_keys, trust.operator_quorum, trust.origin)
    parse_registry(publication.registry)
    known = gateway.ports.keyring.instruments()
    if publication.number <= known.number and publication.digest != known.digest:
        raise InstrumentsInvalid(why=f"it is publication {publication.number}, and {known.number} is in force")
    received_at = encode_time(gateway.ports.clock.now())
    await gateway.ports.submit(RecordInstruments(document=call.body, received_at=received_at))
    return _kept()


async def judge_key_event(event: bytes, trust: Trust, directory: Callable[[], Awaitable[Directory]]) -> None:
    """Form, and the operators' quorum where they decide: the place of such an event is intake's to judge, since this
    process may not know the event before it yet. A rotation is verified whole. Raises KeyEventRefused, Busy."""
    try:
        signed_event = parse_signed_document(event)
        is_rotation = parse_event_document(signed_event.document).type == "rotate"
        if not is_rotation:
            verify_quorum(signed_event, EVENT_DOMAIN, trust.operator_keys, trust.operator_quorum)
    except ValueError as bad:
        raise KeyEventRefused(why=str(bad)) from None
    if is_rotation:
        verify_rotation(event, signed_event, trust, await directory())


def _kept() -> Response:
    """202: the bus keeps it. Whether it was admitted shows in the directory and in the ledger."""
    return Response(status_code=202, headers={"Cache-Control": NOT_KEPT})
