"""Questions that come while others are on their way are asked together: one round trip for many callers.

A caller waits for the answer to its own question only. With nobody else about, a question goes out at once; under load
the batches grow by themselves, and the cost of a round trip is divided among those in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """`ask_together` gets up to `most` questions and returns their answers in the same order; `at_once` of these calls
    run side by side, so that one which hangs does not hold up everybody.
    """

    def __init__(self, ask_together: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], most: int, at_once: int) -> None:
        self._ask_together = ask_together
        self._most = most
        self._at_once = at_once
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer. Raises what `ask_together` raises."""
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if len(self._running) < self._at_once:
            task = asyncio.create_task(self._ask_all())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await answer

    async def _ask_all(self) -> None:
        """Until nobody waits. A task begins after the callers of this turn of the loop: they go together."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            try:
                answers = await self._ask_together([question for question, _ in batch])
            except Exception as failed:
                for _, waiting in batch:
                    if not waiting.done():  # its caller may have gone away
                        waiting.set_exception(failed)
            else:
                for (_, waiting), answer in zip(batch, answers, strict=True):
                    if not waiting.done():
                        waiting.set_result(answer)
