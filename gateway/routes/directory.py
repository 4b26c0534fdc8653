"""Who takes part, with which keys, and under which treaties. For every enrolled party; a reader verifies the signed
originals against its own trust file and need not believe this exchange."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import REVALIDATED, answer_bytes, answer_once, holds, not_modified
from gateway.auth import Call, admitted
from gateway.description import gives, signed
from gateway.gateway import gateway_of
from gateway.views import party_entry
from shared.contracts.api import INSTRUMENTS_CONTENT_TYPE, Directory, DirectoryStatementAnswer
from shared.errors import NotThere

router = APIRouter(tags=["directory"])
SignedCall = Annotated[Call, Depends(admitted())]


@router.get("/v1/authorities", summary="All signed key events, and what they add up to", **signed(304, model=Directory))
async def authorities(request: Request, call: SignedCall) -> Response:
    gateway = gateway_of(request)
    directory = await gateway.authenticator.newest_directory()
    tag = f'"{directory.index}-{directory.head}"'  # the head digests every event before it
    if holds(request, tag):
        return not_modified(tag, REVALIDATED)
    events = (await gateway.ports.key_events())[: directory.index]
    answer = Directory(
        events=tuple(event.decode() for event in events),
        parties=tuple(party_entry(party) for party in directory.parties()),
    )
    return Response(
        answer.model_dump_json().encode(),
        media_type="application/json",
        headers={"ETag": tag, "Cache-Control": REVALIDATED},
    )


@router.get(
    "/v1/authorities/statement",
    summary="Which key event and registry of instruments are the newest now, signed",
    **signed(model=DirectoryStatementAnswer),
)
async def statement(request: Request, call: SignedCall) -> Response:
    """Who seals asks for it: a directory that is shown without a fresh one may be an old one."""
    gateway = gateway_of(request)
    newest = await gateway.authenticator.dated_directory()
    return answer_once(DirectoryStatementAnswer(statement=gateway.statements.sign(*newest)))


@router.get(
    "/v1/instruments",
    summary="The signed registry of instruments",
    **signed(304, 404, **gives(INSTRUMENTS_CONTENT_TYPE, "The registry as it was signed, byte for byte")),
)
async def instruments(request: Request, call: SignedCall) -> Response:
    """Not there until the operator loaded one."""
    record = await gateway_of(request).ports.queries.instruments()
    if record is None:
        raise NotThere()
    return answer_bytes(request, record.document, INSTRUMENTS_CONTENT_TYPE, REVALIDATED)
