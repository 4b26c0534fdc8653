"""The rows of the embedded bus: what waits, what is held, what is set aside. Who waits for it is not known here.

Rules:
1. A frame is held while `leased_by` names an open consumer of this process. A lease by a closed one, or by the process
   before a restart, is void wherever it is read: giving back at the end needs no write, and no crash can prevent it.
2. A frame waits while nobody holds it and it was delivered at most DELIVERY_LIMIT times; after that it is set aside.
3. Each delivery is counted when it begins, in the same transaction: a frame that kills its process is counted too.
4. The limit counts frames that wait, not those that are held, as RabbitMQ's does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from shared.adapters.sql.engine import Store
from shared.adapters.tables.bus import BUS_MESSAGE
from shared.contracts.topology import DELIVERY_LIMIT, QUEUE_LIMIT
from shared.errors import BusUnavailable, StoreConflict, StoreUnavailable
from shared.ports.bus import Delivery, Outcome, Outgoing

_ROW: Final = BUS_MESSAGE.c


class BusFrames:
    """The table `bus_message` of one store. `holders` is the live collection of names of open consumers.

    Every method raises BusUnavailable when the database does not answer; nothing is changed then, unless it was the
    commit that failed.
    """

    def __init__(self, store: Store, queues: Collection[str], holders: Collection[str]) -> None:
        self._store = store
        self._queues = frozenset(queues)
        self._holders = holders

    async def add(self, frames: Sequence[Outgoing]) -> list[Outcome]:
        """Let these wait, as far as their queues have room; one outcome per frame, in order."""
        outcomes: list[Outcome] = []
        rows: list[dict[str, object]] = []
        with _translated():
            async with self._store.write() as connection:
                room: dict[str, int] = {}
                for queue in {frame.destination for frame in frames} & self._queues:
                    waiting = await connection.execute(select(func.count()).where(self._waiting(queue)))
                    room[queue] = QUEUE_LIMIT - waiting.scalar_one()
                for frame in frames:
                    outcomes.append(_admit(frame.destination, room))
                    if outcomes[-1] is Outcome.confirmed:
                        rows.append({"queue": frame.destination, "deliveries": 0, "frame": frame.frame})
                if rows:
                    await connection.execute(insert(BUS_MESSAGE), rows)
        return outcomes

    async def lease(self, queue: str, holder: str, most: int) -> list[Delivery]:
        """The oldest waiting frames, from now on held by `holder`."""
        with _translated():
            async with self._store.write() as connection:
                # Composed inside the transaction: a consumer that opened while we waited may hold frames by now.
                oldest = select(_ROW.id).where(self._waiting(queue)).order_by(_ROW.id).limit(most)
                leased = update(BUS_MESSAGE).where(_ROW.id.in_(oldest)).returning(_ROW.id, _ROW.frame)
                rows = await connection.execute(leased.values(leased_by=holder, deliveries=_ROW.deliveries + 1))
                return [Delivery(frame=row.frame, tag=row.id) for row in rows]

    async def forget(self, holder: str, ids: Sequence[int]) -> None:
        """Delete frames that `holder` holds."""
        with _translated():
            async with self._store.write() as connection:
                await connection.execute(delete(BUS_MESSAGE).where(_ROW.id.in_(ids), _ROW.leased_by == holder))

    async def give_back(self, holder: str, ids: Sequence[int]) -> None:
        """Let frames that `holder` holds wait again."""
        with _translated():
            async with self._store.write() as connection:
                held = update(BUS_MESSAGE).where(_ROW.id.in_(ids), _ROW.leased_by == holder)
                await connection.execute(held.values(leased_by=None))

    async def set_aside(self, queue: str, most: int) -> dict[int, bytes]:
        """The oldest frames that are set aside, by id."""
        with _translated():
            async with self._store.read() as connection:
                oldest = select(_ROW.id, _ROW.frame).where(self._set_aside(queue)).order_by(_ROW.id).limit(most)
                return {row.id: row.frame for row in await connection.execute(oldest)}

    async def forget_set_aside(self, queue: str, ids: Sequence[int]) -> None:
        """Delete frames that are set aside."""
        with _translated():
            async with self._store.write() as connection:
                await connection.execute(delete(BUS_MESSAGE).where(_ROW.id.in_(ids), self._set_aside(queue)))

    async def count_waiting(self, queue: str) -> int:
        with _translated():
            async with self._store.read() as connection:
                return (await connection.execute(select(func.count()).where(self._waiting(queue)))).scalar_one()

    async def count_set_aside(self, queue: str) -> int:
        with _translated():
            async with self._store.read() as connection:
                return (await connection.execute(select(func.count()).where(self._set_aside(queue)))).scalar_one()

    async def ping(self) -> None:
        with _translated():
            async with self._store.read() as connection:
                await connection.execute(select(_ROW.id).limit(1))

    def _unheld(self, queue: str) -> ColumnElement[bool]:
        return and_(_ROW.queue == queue, or_(_ROW.leased_by.is_(None), _ROW.leased_by.not_in(list(self._holders))))

    def _waiting(self, queue: str) -> ColumnElement[bool]:
        return and_(self._unheld(queue), _ROW.deliveries <= DELIVERY_LIMIT)

    def _set_aside(self, queue: str) -> ColumnElement[bool]:
        return and_(self._unheld(queue), _ROW.deliveries > DELIVERY_LIMIT)


def _admit(queue: str, room: dict[str, int]) -> Outcome:
    """Whether there is room for one more in this queue, and take it."""
    if queue not in room:
        return Outcome.failed
    if room[queue] <= 0:
        return Outcome.refused
    room[queue] -= 1
    return Outcome.confirmed


@contextmanager
def _translated() -> Iterator[None]:
    """To those who use the bus, the database is the broker."""
    try:
        yield
    except (StoreUnavailable, StoreConflict) as broken:
        raise BusUnavailable(why=broken.sentence()) from broken
