"""Long polls: wait until something is there, the time is over, the client has gone, or the process stops.

The order is: register, read, wait at most 1 s, read again. A hint may be lost, so that a wait of its own never
lasts longer; one that comes during the read is not, since the registration came first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

from gateway.ports import FeedWakeups
from shared.ports.clock import Clock

T = TypeVar("T")
READ_AGAIN_S: Final = 1.0


async def poll(
    read: Callable[[], Awaitable[Sequence[T]]],
    wakeups: FeedWakeups,
    authority: str,
    wait_s: float,
    clock: Clock,
    is_over: Callable[[], Awaitable[bool]],
) -> Sequence[T]:
    """What `read` finds, waiting up to `wait_s` for the first of it. `is_over` ends the wait early."""
    deadline = clock.monotonic() + wait_s
    while True:
        remaining = deadline - clock.monotonic()
        if remaining <= 0:
            return await read()
        async with _registered(wakeups, authority, min(READ_AGAIN_S, remaining)) as hint:
            found = await read()
            if found or await is_over():
                return found
            await hint


@contextlib.asynccontextmanager
async def _registered(wakeups: FeedWakeups, authority: str, timeout_s: float) -> AsyncIterator[asyncio.Task[None]]:
    """A running wait, which ends with the block."""
    hint = asyncio.create_task(wakeups.wait(authority, timeout_s))
    try:
        await asyncio.sleep(0)  # the task runs to its first suspension, which is after its registration
        yield hint
    finally:
        hint.cancel()
        await asyncio.wait({hint})  # unlike `await hint`, it tells its own cancellation from the one just asked for
