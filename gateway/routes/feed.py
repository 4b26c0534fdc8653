"""Status updates, in order, without a gap: what comes after a cursor, now or within `wait` seconds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer_once
from gateway.auth import Call, Role, admitted
from gateway.cursors import encode_feed_cursor, parse_feed_cursor
from gateway.description import signed
from gateway.gateway import gateway_of
from gateway.polling import poll
from gateway.views import feed_item
from shared.contracts.api import FEED_PAGE, FEED_PAGE_MOST, FEED_WAIT_MOST_S, FeedPage

router = APIRouter(tags=["feed"])
AuthorityCall = Annotated[Call, Depends(admitted(Role.authority))]
After = Annotated[str | None, Query(max_length=200, description="The cursor of the last update that was processed")]
Limit = Annotated[int, Query(ge=1, le=FEED_PAGE_MOST)]
Wait = Annotated[float, Query(ge=0, le=FEED_WAIT_MOST_S, description="Seconds to wait where nothing is new")]


@router.get("/v1/feed", summary="What is new for me", **signed(400, 429, model=FeedPage))
async def feed(
    request: Request, call: AuthorityCall, after: After = None, limit: Limit = FEED_PAGE, wait: Wait = 0
) -> Response:
    """The updates after the cursor; an empty page with the same cursor where nothing came in time."""
    gateway = gateway_of(request)
    queries, position = gateway.ports.queries, parse_feed_cursor(after)

    async def is_over() -> bool:
        return gateway.draining or await request.is_disconnected()

    with gateway.room_for_poll(call.party):
        entries = await poll(
            lambda: queries.feed(call.party, position, limit),
            gateway.ports.wakeups,
            call.party,
            wait,
            gateway.ports.clock,
            is_over,
        )
    following = encode_feed_cursor(entries[-1].position if entries else position)
    page = FeedPage(items=tuple(feed_item(entry) for entry in entries), next=following)
    return answer_once(page, headers={"Link": f'</v1/feed?after={following}&limit={limit}>; rel="next"'})
