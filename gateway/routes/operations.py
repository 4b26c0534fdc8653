"""What an operator looks at: how much waits where, and what was set aside; and the order to try it again.

Rules:
1. One operator key suffices. Nothing here decides anything: a retry has a service do again, with the same sealed bytes
   and the same rules, what it was bound to do already. It cannot be altered, directed elsewhere or dropped this way.
2. Contents are not here to be shown: the gateway has no key to a service's frames.
3. What cannot be read is said, part by part, and the rest is told.
4. A retry is an order on the bus to the service whose letter it is, which writes it into the ledger with the signed
   call. It is repeated without effect.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import NOT_KEPT, answer_model, answer_once
from gateway.auth import Call, admitted
from gateway.cursors import encode_letter_cursor, parse_letter_cursor
from gateway.description import signed
from gateway.gateway import Gateway, gateway_of
from shared.contracts.operator_api import (
    LETTER_PAGE,
    LETTER_PAGE_MOST,
    DeadLetterAnswer,
    DeadLetterItem,
    DeadLetterPage,
    LedgerState,
    OperatorQueues,
    QueueFigures,
    Unread,
)
from shared.contracts.topology import LETTERED, QUEUES, RETRY_LETTER
from shared.domain.ids import encode_time
from shared.errors import BusUnavailable, NotThere, StoreUnavailable
from shared.ports.operations import LedgerFigures, MessagingFigures, SetAside

router = APIRouter(prefix="/v1/operator", tags=["operator"])

ANSWER_WAIT_S: Final = 4.0
"""How long broker and database may each keep an operator waiting who wants to know whether they answer."""
_SILENT: Final = f"It did not answer within {ANSWER_WAIT_S:.0f} s."
_LETTER: Final = re.compile(r"([a-z]{1,20})-([1-9][0-9]{0,15})")
SignedCall = Annotated[Call, Depends(admitted())]
Service = Annotated[str | None, Query(pattern=f"^({'|'.join(LETTERED)})$", description="Of this service only")]
Reason = Annotated[
    str | None, Query(max_length=128, description="With this error code, or whose reason begins with this word")
]
After = Annotated[
    str | None,
    Query(
        max_length=200,
        description="The cursor `next` of the page before",
        json_schema_extra={"format": "letter-cursor"},
    ),
]
Limit = Annotated[int, Query(ge=1, le=LETTER_PAGE_MOST)]


@router.get("/queues", summary="How much waits where", **signed(model=OperatorQueues))
async def queues(request: Request, call: SignedCall) -> Response:
    gateway = gateway_of(request)
    now = gateway.ports.clock.now()
    unread: list[Unread] = []
    messaging, ledger = await _stored(gateway, unread)
    depths = await _depths(gateway, unread)
    figures = tuple(_figures(queue, depths.get(queue), messaging.get(queue), now) for queue in QUEUES)
    return answer_once(
        OperatorQueues(at=encode_time(now), queues=figures, ledger=_ledger(ledger, now), unread=tuple(unread))
    )


@router.get("/dead-letters", summary="What nobody could process", **signed(304, 400, model=DeadLetterPage))
async def dead_letters(
    request: Request,
    call: SignedCall,
    service: Service = None,
    reason: Reason = None,
    after: After = None,
    limit: Limit = LETTER_PAGE,
) -> Response:
    """Service by service, the newest first."""
    gateway = gateway_of(request)
    services = LETTERED if service is None else (service,)
    found = await gateway.ports.operations.letters(services, reason, parse_letter_cursor(after), limit + 1)
    page, more = found[:limit], len(found) > limit
    following = encode_letter_cursor(page[-1].service, page[-1].number) if more else None
    items = tuple(DeadLetterItem(**_told(letter)) for letter in page)
    return answer_model(request, DeadLetterPage(items=items, next=following))


@router.get("/dead-letters/{letter}", summary="One dead letter", **signed(304, 404, model=DeadLetterAnswer))
async def dead_letter(request: Request, letter: str, call: SignedCall) -> Response:
    service, number = _parse_letter(letter)
    found = await gateway_of(request).ports.operations.letter(service, number)
    if found is None:
        raise NotThere()
    answer = DeadLetterAnswer(**_told(found), earlier=found.earlier)
    return answer_model(request, answer)


@router.post("/dead-letters/{letter}/retry", summary="Try a dead letter again", **signed(404, ok=202))
async def retry(request: Request, letter: str, call: SignedCall) -> Response:
    """202: the service will take it out of its dead letters and try it. For one that is gone this has no effect.

    Letters of the ledger are not there to be retried: it looks at them whenever it is started.
    """
    service, number = _parse_letter(letter)
    if service not in RETRY_LETTER:
        raise NotThere()
    gateway = gateway_of(request)
    at = encode_time(gateway.ports.clock.now())
    await gateway.ports.submit(RETRY_LETTER[service](letter=number, request=call.request_text, requested_at=at))
    return Response(status_code=202, headers={"Cache-Control": NOT_KEPT})


async def _stored(gateway: Gateway, unread: list[Unread]) -> tuple[dict[str, MessagingFigures], LedgerFigures | None]:
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            messaging = await gateway.ports.operations.messaging()
            return {one.service: one for one in messaging}, await gateway.ports.operations.ledger()
    except StoreUnavailable as down:
        unread.append(Unread(part="database", why=down.sentence()))
    except TimeoutError:
        unread.append(Unread(part="database", why=_SILENT))
    return {}, None


async def _depths(gateway: Gateway, unread: list[Unread]) -> dict[str, tuple[int, int]]:
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            found = await asyncio.gather(*(gateway.ports.depths(queue) for queue in QUEUES))
        return dict(zip(QUEUES, found, strict=True))
    except BusUnavailable as down:
        unread.append(Unread(part="broker", why=down.sentence()))
    except TimeoutError:
        unread.append(Unread(part="broker", why=_SILENT))
    return {}


def _figures(queue: str, depths: tuple[int, int] | None, rows: MessagingFigures | None, now: datetime) -> QueueFigures:
    waiting, given_up = (None, None) if depths is None else depths
    if rows is None:
        return QueueFigures(
            service=queue,
            waiting=waiting,
            given_up=given_up,
            parked=None,
            next_due=None,
            outbox=None,
            outbox_age_s=None,
            dead_letters=None,
        )
    return QueueFigures(
        service=queue,
        waiting=waiting,
        given_up=given_up,
        parked=rows.parked,
        next_due=None if rows.next_due_at is None else encode_time(rows.next_due_at),
        outbox=rows.outbox,
        outbox_age_s=_age_s(rows.oldest_outbox_at, now),
        dead_letters=rows.dead_letters,
    )


def _ledger(figures: LedgerFigures | None, now: datetime) -> LedgerState | None:
    if figures is None:
        return None
    return LedgerState(
        size=figures.size,
        signed_size=figures.signed_size,
        newest_at=None if figures.logged_at is None else encode_time(figures.logged_at),
        age_s=_age_s(figures.logged_at, now),
        leaves_waiting=figures.leaves_waiting,
        dead_letters=figures.dead_letters,
    )


def _age_s(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, round((now - since).total_seconds(), 1))


def _parse_letter(text: str) -> tuple[str, int]:
    """`intake-17` → its service and number. Raises NotThere."""
    found = _LETTER.fullmatch(text)
    if found is None or found[1] not in LETTERED:
        raise NotThere()
    return found[1], int(found[2])


def _told(letter: SetAside) -> dict[str, Any]:
    return {
        "id": f"{letter.service}-{letter.number}",
        "service": letter.service,
        "type": letter.type,
        "item": letter.item,
        "at": encode_time(letter.at),
        "attempts": letter.attempts,
        "retries": letter.retries,
        "reason": letter.reason,
    }
