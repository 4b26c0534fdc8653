"""How often a party, or one operator's key, may call one gateway process, whatever the services can do: a bound against
a program that runs wild, not the division of capacity (`gateway.admission` divides it).

Rules:
1. Each party has three rates of its own: for submissions, for documents of operators, and for everything that reads.
   A caller is counted after its signature verified; who only claims to be somebody uses nothing up. Operators are
   no party together: each key has its own (`gateway.auth`).
2. Counted in sliding windows, by each gateway process for itself: n gateways allow n times as much.
3. A refusal says when to come back, and what the rate is (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import time
from math import ceil
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.config import Rates
from shared.errors import CallRateExceeded, SettingsRefused

SUBMISSIONS: Final = "submissions"
DOCUMENTS: Final = "documents"
READS: Final = "reads"


class RateLimits:
    def __init__(self, rates: Rates) -> None:
        """Raises SettingsRefused for a rate that cannot be read."""
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._rates = {
            SUBMISSIONS: parse_rate(rates.submissions),
            DOCUMENTS: parse_rate(rates.documents),
            READS: parse_rate(rates.reads),
        }

    async def count(self, kind: str, party: str) -> None:
        """One call of this kind by this party, or by this operator's key. Raises CallRateExceeded."""
        rate = self._rates[kind]
        if await self._limiter.hit(rate, kind, party):
            return
        window = await self._limiter.get_window_stats(rate, kind, party)
        wait_s = max(1, ceil(window.reset_time - time.time()))  # the library's clock, which is the wall's
        raise CallRateExceeded(kind=kind, limit=rate.amount, window_s=rate.get_expiry(), retry_after_s=wait_s)


def parse_rate(text: str) -> RateLimitItem:
    """`5000 per 10 seconds`. Raises SettingsRefused."""
    try:
        return parse(text)
    except ValueError:
        raise SettingsRefused(why=f"{text[:100]!r} is no rate; one is written like: 5000 per 10 seconds") from None
