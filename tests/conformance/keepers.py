"""What every keeper of intake promises to readiness."""

from __future__ import annotations

import asyncio

from services.intake.keeping import Keeper
from tests.fakes import FakeClock


async def is_late_when_it_has_not_looked(keeper: Keeper, clock: FakeClock, late_s: float, looks_at: str) -> None:
    stop = asyncio.Event()
    assert "not looked" in str(await keeper.why_late())
    running = asyncio.create_task(keeper.run(stop))
    while await keeper.why_late() is not None:
        await asyncio.sleep(0.01)
    stop.set()
    await running
    clock.advance(late_s + 1)
    assert f"not looked at {looks_at} for" in str(await keeper.why_late())
