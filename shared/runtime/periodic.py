"""What a process does again and again beside its work: one loop for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from shared.errors import Transient
from shared.ports.clock import Clock

WAKE_S: Final = 1.0
"""How long `stop` may go unseen between two runs, at most."""

log = structlog.get_logger()


async def repeat(
    work: Callable[[], Awaitable[bool | None]],
    every_s: float,
    clock: Clock,
    stop: asyncio.Event,
    waits: str,
    **facts: str,
) -> None:
    """`work` now, and `every_s` after each time that it ended, until `stop` is set; soon again where it says that there
    is more. What is down for now is logged as `waits`, with these facts, and tried the next time. Raises what else
    `work` raises."""
    due = clock.monotonic()
    while not stop.is_set():
        if clock.monotonic() >= due:
            is_more = None
            try:
                is_more = await work()
            except Transient as down:
                log.warning(waits, code=down.code, why=str(down), **facts)
            due = clock.monotonic() + (0.0 if is_more else every_s)
        await clock.sleep(min(WAKE_S, every_s))
