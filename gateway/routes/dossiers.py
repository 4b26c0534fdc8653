"""The reader's dossiers: status per leg, what is waited for, what is overdue. Other parties' legs and dossiers do
not exist."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer_model
from gateway.auth import Call, admitted
from gateway.cursors import encode_dossier_cursor, parse_dossier_cursor
from gateway.description import signed
from gateway.gateway import gateway_of
from gateway.views import dossier_answer
from shared.contracts.api import FEED_PAGE, FEED_PAGE_MOST, DossierAnswer, DossierPage
from shared.domain.ids import is_uuid7
from shared.domain.instruments import calendars_of
from shared.errors import NotThere

router = APIRouter(tags=["dossiers"])
SignedCall = Annotated[Call, Depends(admitted())]
After = Annotated[
    str | None,
    Query(
        max_length=200,
        description="The cursor `next` of the page before",
        json_schema_extra={"format": "dossier-cursor"},
    ),
]
Limit = Annotated[int, Query(ge=1, le=FEED_PAGE_MOST)]


@router.get("/v1/dossiers", summary="My dossiers, newest first", **signed(304, 400, model=DossierPage))
async def dossiers(request: Request, call: SignedCall, after: After = None, limit: Limit = FEED_PAGE) -> Response:
    gateway = gateway_of(request)
    found = await gateway.ports.queries.dossiers(call.party, parse_dossier_cursor(after), limit + 1)
    page, more = found[:limit], len(found) > limit
    now = gateway.ports.clock.now()
    following = encode_dossier_cursor(page[-1].dossier) if more else None
    link = {"Link": f'</v1/dossiers?after={following}&limit={limit}>; rel="next"'} if following else {}
    calendars = calendars_of(gateway.ports.keyring.instruments().registry)
    answer = DossierPage(items=tuple(dossier_answer(view, now, calendars) for view in page), next=following)
    return answer_model(request, answer, link)


@router.get("/v1/dossiers/{dossier}", summary="One dossier", **signed(304, 404, model=DossierAnswer))
async def dossier(request: Request, dossier: str, call: SignedCall) -> Response:
    """The requesting authority sees every leg, a requested one its own."""
    gateway = gateway_of(request)
    view = await gateway.ports.queries.dossier(call.party, dossier) if is_uuid7(dossier) else None
    if view is None:
        raise NotThere()
    calendars = calendars_of(gateway.ports.keyring.instruments().registry)
    return answer_model(request, dossier_answer(view, gateway.ports.clock.now(), calendars))
