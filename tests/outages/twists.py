"""Changes to the program, made in its process before it runs.

`freeze_where_asked` is for faults. The others are builds that are broken on purpose: a campaign on each of them must
fail, or its judges would be blind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Final

FREEZE: Final = "freeze:"


def freeze_where_asked() -> None:
    """`freeze:service:point` in the crash setting stops the process there, once, instead of killing it."""
    from shared.runtime import backends
    from shared.runtime.crash_points import Reach, crash_at

    kill_at = crash_at

    def crash_or_freeze(service: str, armed: str) -> Reach:
        if not armed.startswith(FREEZE):
            return kill_at(service, armed)
        waits = {armed.removeprefix(FREEZE)}

        def reach(point: str) -> None:
            if f"{service}:{point}" in waits:
                waits.clear()
                os.kill(os.getpid(), signal.SIGSTOP)

        return reach

    vars(backends)["crash_at"] = crash_or_freeze


def acknowledge_before_commit() -> None:
    """Frames are given up before anything is durable: a crash between loses them."""
    from shared.runtime.pump import Pump

    settle = Pump._take_and_settle

    async def take_and_settle(self: Pump, consumer: Any, stop: Any) -> None:
        await settle(self, _Hasty(consumer), stop)

    Pump._take_and_settle = take_and_settle  # type: ignore[method-assign]  # that is the point


def forget_the_outbox() -> None:
    """What is to be published is not kept: a crash after the commit loses it."""
    from shared.adapters.sql.unit_of_work import SqlUnitOfWork

    async def write_nothing(self: SqlUnitOfWork, rows: Any) -> None:
        return None

    SqlUnitOfWork._write_outbox = write_nothing  # type: ignore[method-assign]  # that is the point


def claim_nothing() -> None:
    """Every frame counts as new: what is delivered twice has two effects."""
    from shared.adapters.sql.unit_of_work import SqlUnitOfWork

    async def claim_all(self: SqlUnitOfWork, item_ids: Any) -> set[str]:
        return set(item_ids)

    SqlUnitOfWork.claim = claim_all  # type: ignore[method-assign]  # that is the point


def always_ready() -> None:
    """Readiness that is not asked of anything."""
    from starlette.responses import JSONResponse, Response

    from shared.runtime.health import HealthServer

    async def ready(self: HealthServer, request: Any) -> Response:
        return JSONResponse({"ready": True})

    HealthServer._readyz = ready  # type: ignore[method-assign,assignment]  # that is the point


BROKEN: Final[dict[str, Callable[[], None]]] = {
    "acknowledge-before-commit": acknowledge_before_commit,
    "forget-the-outbox": forget_the_outbox,
    "claim-nothing": claim_nothing,
    "always-ready": always_ready,
}


class _Hasty:
    """A consumer that acknowledges what it hands out."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def take(self, most: int, wait_s: float) -> Any:
        deliveries = await self._consumer.take(most, wait_s)
        await self._consumer.acknowledge(deliveries)
        return deliveries

    async def acknowledge(self, deliveries: Any) -> None:
        return None

    async def release(self, deliveries: Any) -> None:
        return None
