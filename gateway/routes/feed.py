"""Status updates, in order, without a gap: what comes after a cursor, now or within `wait` seconds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer_once
from gateway.cursors import encode_feed_cursor, parse_feed_cursor
from gateway.description import signed
from gateway.gateway import gateway_of
from gateway.polling import poll
from gateway.questions import asks, parse_query
from gateway.views import feed_item
from shared.contracts.api import FEED_PAGE, FEED_PAGE_MOST, FEED_WAIT_MOST_S, FeedPage

router = APIRouter(tags=["feed"])


class Question(BaseModel):
    after: Annotated[
        str | None,
        Field(
            max_length=200,
            description="The cursor of the last update that was processed",
            json_schema_extra={"format": "feed-cursor"},
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=FEED_PAGE_MOST)] = FEED_PAGE
    wait: Annotated[float, Field(ge=0, le=FEED_WAIT_MOST_S, description="Seconds to wait where nothing is new")] = 0


@router.get("/v1/feed", summary="What is new for me", **signed(400, 429, model=FeedPage, **asks(Question)))
async def feed(request: Request) -> Response:
    """The updates after the cursor; an empty page with the same cursor where nothing came in time."""
    gateway = gateway_of(request)
    call = await gateway.authenticator.admit(request, None)
    question = parse_query(request, Question)
    queries, position, limit = gateway.ports.queries, parse_feed_cursor(question.after), question.limit

    async def is_over() -> bool:
        return gateway.draining or await request.is_disconnected()

    with gateway.room_for_poll(call.party):
        entries = await poll(
            lambda: queries.feed(call.party, position, limit),
            gateway.ports.wakeups,
            call.party,
            question.wait,
            gateway.ports.clock,
            is_over,
        )
    following = encode_feed_cursor(entries[-1].position if entries else position)
    page = FeedPage(items=tuple(feed_item(entry) for entry in entries), next=following)
    return answer_once(page, headers={"Link": f'</v1/feed?after={following}&limit={limit}>; rel="next"'})
