"""What the exchange shows of every dossier, for whoever compares it with the ledger: auditors with the full mandate."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer_model
from gateway.auth import Call, admitted
from gateway.cursors import encode_dossier_cursor, parse_dossier_cursor
from gateway.description import signed
from gateway.gateway import gateway_of
from gateway.routes.dossiers import After, Limit
from gateway.views import dossier_answer
from shared.contracts.api import FEED_PAGE, DossierPage
from shared.domain.instruments import calendars_of

router = APIRouter(tags=["audit"])
SignedCall = Annotated[Call, Depends(admitted())]


@router.get("/v1/audit/dossiers", summary="Every dossier, newest first", **signed(304, 400, model=DossierPage))
async def every_dossier(request: Request, call: SignedCall, after: After = None, limit: Limit = FEED_PAGE) -> Response:
    """With all its legs. It says no more than the ledger's entries do, which this caller reads too: an auditor makes
    the legs again from those, and names what is shown otherwise."""
    gateway = gateway_of(request)
    await gateway.accounts.note_reading(call)
    found = await gateway.ports.queries.all_dossiers(parse_dossier_cursor(after), limit + 1)
    page, more = found[:limit], len(found) > limit
    now = gateway.ports.clock.now()
    following = encode_dossier_cursor(page[-1].dossier) if more else None
    link = {"Link": f'</v1/audit/dossiers?after={following}&limit={limit}>; rel="next"'} if following else {}
    calendars = calendars_of(gateway.ports.keyring.instruments().registry)
    answer = DossierPage(items=tuple(dossier_answer(view, now, calendars) for view in page), next=following)
    return answer_model(request, answer, link)
