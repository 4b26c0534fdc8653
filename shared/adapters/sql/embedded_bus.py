"""`ports.Bus` and `ports.Wakeups` without a broker: durable queues in the file that everything else is in.

Rules:
1. One process owns the file. Which consumers are open is known here alone, and with it which leases count.
2. Confirmed is committed. Batches that come in while one is being written share the next transaction.
3. Consumers are woken at once by what happens in this process; a slow look besides covers a wake-up that was missed.
4. Transactions run in tasks of their own: whoever is cancelled meanwhile loses no frame and breaks no connection.

It opens no file and makes no table: the store is given, and migrations make the table.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from shared.adapters.sql.bus_frames import BusFrames
from shared.adapters.sql.engine import Store
from shared.contracts.topology import QUEUES
from shared.errors import BusUnavailable
from shared.ports.bus import Delivery, Outcome, Outgoing

LOOK_EVERY_S: Final = 1.0

HINTS_KEPT: Final = 1000
"""Wake-ups that one listener may be behind; older ones are dropped."""

T = TypeVar("T")
Run = Callable[[Coroutine[None, None, None]], Coroutine[None, None, None]]


class EmbeddedBus:
    """Work queues in the table `bus_message` of one SQLite store, and wake-ups inside this process."""

    def __init__(self, store: Store, queues: Sequence[str] = QUEUES) -> None:
        self._queues = frozenset(queues)
        self._consumers: dict[str, EmbeddedConsumer] = {}
        self._frames = BusFrames(store, queues, holders=self._consumers.keys())
        self._listeners: set[EmbeddedWakeupListener] = set()
        self._unwritten: list[_Batch] = []
        self._writing = asyncio.Lock()
        self._draining = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def open(self) -> None:
        """Make sure that the table is there. Raises BusUnavailable."""
        await self.ping()

    async def publish(self, frames: Sequence[Outgoing], timeout_s: float) -> list[Outcome]:
        if not frames:
            return []
        batch = _Batch(frames, asyncio.get_running_loop().create_future())
        self._unwritten.append(batch)
        self._start(self._write_batches())
        answered, _ = await asyncio.wait([batch.answer], timeout=timeout_s)
        if answered:
            return batch.answer.result()
        with suppress(ValueError):  # it is being written just now
            self._unwritten.remove(batch)
        return [Outcome.failed] * len(frames)

    @asynccontextmanager
    async def consume(self, queue: str, prefetch: int) -> AsyncIterator[EmbeddedConsumer]:
        if queue not in self._queues:
            raise BusUnavailable(why=f"there is no queue {queue}")
        await self.ping()
        consumer = EmbeddedConsumer(self._frames, queue, prefetch, self._run, self._stir)
        self._consumers[consumer.name] = consumer
        try:
            yield consumer
        finally:
            consumer.close()
            del self._consumers[consumer.name]
            self._stir(queue)

    async def drain_dead(self, queue: str, most: int, keep: Callable[[list[bytes]], Awaitable[None]]) -> int:
        async with self._draining:
            # Read, keep, delete: `keep` needs the one write connection, so no transaction may be open meanwhile.
            set_aside = await self._frames.set_aside(queue, most)
            if set_aside:
                await keep(list(set_aside.values()))
                await self._frames.forget_set_aside(queue, list(set_aside))
            return len(set_aside)

    async def depth(self, queue: str) -> int:
        return await self._frames.count_waiting(queue)

    async def dead_depth(self, queue: str) -> int:
        return await self._frames.count_set_aside(queue)

    async def ping(self) -> None:
        if self._closed:
            raise BusUnavailable(why="the bus is closed")
        await self._frames.ping()

    async def announce(self, frame: bytes) -> None:
        for listener in self._listeners:
            listener.hear(frame)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[EmbeddedWakeupListener]:
        listener = EmbeddedWakeupListener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def close(self) -> None:
        """Finish what is being written. The store stays open: it was given."""
        self._closed = True
        for consumer in self._consumers.values():
            consumer.close()
        while self._running:
            await asyncio.wait(self._running)

    async def _write_batches(self) -> None:
        async with self._writing:
            batches, self._unwritten = self._unwritten, []
            frames = [frame for batch in batches for frame in batch.frames]
            outcomes = [Outcome.failed] * len(frames)
            try:
                if frames and not self._closed:
                    with suppress(BusUnavailable):
                        outcomes = await self._frames.add(frames)
            finally:
                answers = iter(outcomes)
                for batch in batches:
                    batch.answer.set_result([next(answers) for _ in batch.frames])
        for queue in {frame.destination for frame in frames}:
            self._stir(queue)

    def _stir(self, queue: str) -> None:
        """There may be something to take."""
        for consumer in self._consumers.values():
            if consumer.queue == queue:
                consumer.stir()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _run(self, work: Coroutine[None, None, None]) -> None:
        """Wait for work that goes on if the waiting is cancelled."""
        await asyncio.shield(self._start(work))


@dataclass(frozen=True)
class _Batch:
    frames: Sequence[Outgoing]
    answer: asyncio.Future[list[Outcome]]


class EmbeddedConsumer:
    """`ports.Consumer`. Leases no more than it is asked for; `prefetch` bounds what it holds."""

    def __init__(self, frames: BusFrames, queue: str, prefetch: int, run: Run, stir_all: Callable[[str], None]) -> None:
        self.name = secrets.token_hex(8)
        self.queue = queue
        self._frames = frames
        self._prefetch = prefetch
        self._run = run
        self._stir_all = stir_all
        self._held: set[int] = set()
        self._ready: deque[Delivery] = deque()
        self._leasing = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._look_again_at = 0.0
        self._closed = False

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        clock = asyncio.get_running_loop()
        give_up_at = clock.time() + wait_s
        while True:
            if self._closed:
                raise BusUnavailable(why="the consumer is closed")
            if not self._ready and (self._stirred.is_set() or clock.time() >= self._look_again_at):
                await self._run(self._lease(most))
            if self._ready:
                return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(give_up_at, self._look_again_at)):
                    await self._stirred.wait()
            if clock.time() >= give_up_at:
                return []

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        if ids := self._still_held(deliveries):
            await self._run(self._frames.forget(self.name, ids))
            self._held.difference_update(ids)
            self.stir()

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        if ids := self._still_held(deliveries):
            await self._run(self._frames.give_back(self.name, ids))
            self._held.difference_update(ids)
            self._stir_all(self.queue)

    def stir(self) -> None:
        self._stirred.set()

    def close(self) -> None:
        self._closed = True
        self._stirred.set()

    async def _lease(self, most: int) -> None:
        """Fill `_ready`. What a cancelled `take` leased is there for the next one."""
        async with self._leasing:
            self._stirred.clear()
            self._look_again_at = asyncio.get_running_loop().time() + LOOK_EVERY_S
            room = min(most, self._prefetch - len(self._held))
            if room <= 0:
                return  # letting go of a frame stirs
            leased = await self._frames.lease(self.queue, self.name, room)
            self._held.update(delivery.tag for delivery in leased)
            self._ready.extend(leased)
            if len(leased) == room:
                self._stirred.set()  # there may be more

    def _still_held(self, deliveries: Sequence[Delivery]) -> list[int]:
        return [delivery.tag for delivery in deliveries if delivery.tag in self._held]


class EmbeddedWakeupListener:
    """`ports.WakeupListener` inside one process."""

    def __init__(self) -> None:
        self._heard: deque[bytes] = deque(maxlen=HINTS_KEPT)
        self._stirred = asyncio.Event()

    def hear(self, frame: bytes) -> None:
        self._heard.append(frame)
        self._stirred.set()

    async def next(self) -> bytes:
        while not self._heard:
            self._stirred.clear()
            await self._stirred.wait()
        return self._heard.popleft()
