"""Bounds on time, judged on machines that stand still for seconds now and then."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

TRIES: Final = 3


async def in_time(limit_s: float, attempt: Callable[[], Awaitable[object]]) -> bool:
    """Whether it ends within the limit, at the first try or at one of the next: what is slow by itself is so each time,
    what a pause of the machine made slow is not."""
    for _ in range(TRIES):
        began = time.monotonic()
        await attempt()
        if time.monotonic() - began < limit_s:
            return True
    return False
