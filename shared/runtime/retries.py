"""Dead letters that an operator has tried again: from the dead letters to the parked items, due at once.

Rules:
1. The letter leaves, the item is parked and the ledger's leaf is written in the transaction that claims the order. An
   order for a letter that is gone has no effect: whoever repeats one repeats nothing.
2. The item keeps its id and its frame. It was claimed when it first came, as the letter's seal says, and is not claimed
   again: it has its one effect from here or from nowhere. Its attempts and its patience begin anew; why it had been set
   aside goes with it.
3. A whole frame that never opened is opened again when it is due, its age asked: nothing in it was ever claimed here,
   and the inbox no longer knows what is older than its retention.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.audit.leaves import NONCE_BYTES, encode_leaf
from shared.contracts.messages import RetryLetter
from shared.domain.ids import new_uuid7
from shared.ports.unit_of_work import WHOLE_FRAME, DeadLetter, ParkedItem, UnitOfWork
from shared.runtime.reading import reasons_so_far

UNEXPECTED: Final = "unexpected"
_CODE: Final = re.compile(r"([a-z][a-z0-9-]*\.[a-z0-9.-]{1,100}): ")


async def retry_letters(unit: UnitOfWork, service: str, orders: Sequence[RetryLetter], now: datetime) -> list[bytes]:
    """Park what these orders name, due now; the leaves that say so. Raises StoreUnavailable, StoreConflict."""
    leaves = []
    for order in orders:
        letter = await unit.take_letter(order.letter)
        if letter is None:
            continue
        await unit.park([(_parked(letter, now), now, letter.reason)])
        leaves.append(
            encode_leaf(
                "exchange.letter-retried",
                now,
                secrets.token_bytes(NONCE_BYTES),
                service=service,
                letter=order.letter,
                reason=code_of(letter.reason),
                request=order.request,
            )
        )
    return leaves


def code_of(reason: str) -> str:
    """The error code that a reason begins with, or `unexpected`."""
    found = _CODE.match(reason)
    return UNEXPECTED if found is None else found[1]


def _parked(letter: DeadLetter, now: datetime) -> ParkedItem:
    return ParkedItem(
        id=new_uuid7(now) if letter.id is None else letter.id,
        frame=letter.frame,
        ordinal=WHOLE_FRAME if letter.id is None else letter.ordinal,
        attempts=0,
        first_at=now,
        retries=letter.retries + 1,
        earlier=reasons_so_far(letter),
    )
