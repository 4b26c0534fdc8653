"""Pooled connections to PostgreSQL whose server may be gone: asked before they are used again, or given up."""

from __future__ import annotations

import time
from math import inf
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

DOUBTED_AFTER_S: Final = 1.0


class Doubts:
    """A connection that lay unused is asked for an answer before it is used: its server may have gone meanwhile.

    One that was used just now is not, which `pool_pre_ping` would do, at three round trips [half of a read]. Without
    an answer, and after a statement without one, all pooled connections are given up.
    """

    def __init__(self, answer_s: float) -> None:
        self._answer_s = answer_s
        self._given_up_at = -inf

    def give_up(self) -> None:
        """None of the connections that there are now is used again."""
        self._given_up_at = time.monotonic()

    def watch(self, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "connect")
        def _begin(_connection: object, record: Any) -> None:
            record.info["made_at"] = time.monotonic()

        @event.listens_for(engine.sync_engine, "checkin")
        def _lay_down(_connection: object, record: Any) -> None:
            record.info["unused_since"] = time.monotonic()

        @event.listens_for(engine.sync_engine, "checkout")
        def _take_up(connection: Any, record: Any, _proxy: object) -> None:
            if record.info["made_at"] <= self._given_up_at:
                raise InvalidatePoolError
            if time.monotonic() - record.info.get("unused_since", inf) > DOUBTED_AFTER_S:
                try:
                    connection.run_async(lambda driver: driver.execute(";", timeout=self._answer_s))
                except Exception as gone:
                    raise InvalidatePoolError from gone

        @event.listens_for(engine.sync_engine, "handle_error")
        def _give_up(context: ExceptionContext) -> None:
            if isinstance(context.original_exception, TimeoutError):
                context.is_disconnect = True
