"""Who can write to the database and has no service's key cannot have a message done again by parking its frame."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.contracts.messages import RetryRoutingLetter, ServiceMessage
from shared.contracts.records import Key
from shared.contracts.registry import encode_message
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import RetryLater
from shared.frame.items import Item
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, View
from shared.runtime.batch import Settler
from shared.runtime.reading import NOT_PARKED, PARKED_LONG_AGO
from tests.conformance.rows import NOW, new_id
from tests.conformance.stores import row_counts, rows_of
from tests.conformance.test_dead_letters import a_message
from tests.conformance.test_foreign_rows import put, reasons
from tests.conformance.test_settling import a_frame, settler_of
from tests.fakes import FakeClock
from tests.unit.frame.services import RETENTION_S, sealer
from tests.unit.keys.parties import ExchangeOnTest

SERVICE = "routing"
LONG = timedelta(seconds=RETENTION_S + 1)


class Counting:
    """A handler that counts what it did; while it is early, it lets everything wait."""

    def __init__(self) -> None:
        self.done = 0
        self.is_early = False

    def needs(self, message: ServiceMessage) -> tuple[Key, ...]:
        return ()

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        if self.is_early:
            raise RetryLater(why="it is early", after_s=1)
        self.done += 1
        return Effects()


class Desk:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.handler = Counting()
        self.settler: Settler = settler_of(store, ExchangeOnTest(), self.handler, SERVICE, self.clock)
        self.frame = a_frame("gateway", SERVICE, a_message(), a_message())

    async def park(self) -> list[dict[str, Any]]:
        """Let the frame's items wait; their rows."""
        self.handler.is_early = True
        await self.settler.settle([self.frame])
        self.handler.is_early = False
        return [dict(row._mapping) for row in await rows_of(self.store, f"{SERVICE}_parked")]

    async def later(self, by: timedelta = timedelta(seconds=2)) -> None:
        self.clock.advance(by.total_seconds())
        await self.settler.settle_due()

    async def order(self, letter: int) -> None:
        """An operator's retry."""
        now = self.clock.now()
        order = RetryRoutingLetter(letter=letter, request="signed", requested_at=encode_time(now))
        item = Item(new_uuid7(now), order.TYPE, order.VERSION, encode_message(order))
        await self.settler.settle([sealer("gateway").seal(SERVICE, [item], now)])
        await self.later()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def forged_row(desk: Desk, **changes: Any) -> Mapping[str, Any]:
    """A genuine frame that nobody parked."""
    row = {"item": new_id(), "frame": desk.frame, "ordinal": 0, "attempts": 0, "first_at": NOW, "due_at": NOW}
    return {**row, "reason": "x", "retries": 0, "earlier": "", **changes}


async def test_a_frame_that_somebody_parks_is_set_aside_however_young_it_is(desk: Desk) -> None:
    await desk.settler.settle([desk.frame])
    assert desk.handler.done == 2
    await put(desk.store, f"{SERVICE}_parked", forged_row(desk), forged_row(desk, seal=b"no seal"))
    await desk.later()
    await put(desk.store, f"{SERVICE}_parked", forged_row(desk, ordinal=-1), forged_row(desk, frame=b""))
    await desk.later(timedelta(days=400))
    assert desk.handler.done == 2
    assert await reasons(desk.store, SERVICE) == [NOT_PARKED] * 4
    assert f"{SERVICE}_parked" not in await row_counts(desk.store)


CHANGES: dict[str, Any] = {
    "item": new_id(),
    "attempts": 0,
    "first_at": NOW - timedelta(days=1),
    "retries": 3,
    "earlier": "so it says",
}


@pytest.mark.parametrize("column", [*CHANGES, "frame", "ordinal"])
async def test_a_parked_row_that_was_changed_is_set_aside(desk: Desk, column: str) -> None:
    row, _ = await desk.park()
    parked = METADATA.tables[f"{SERVICE}_parked"]
    changed = {"frame": a_frame("gateway", SERVICE, a_message()), "ordinal": 1 - row["ordinal"]} | CHANGES
    async with desk.store.write() as connection:
        await connection.execute(update(parked).where(parked.c.item == row["item"]).values({column: changed[column]}))
    await desk.later()
    assert desk.handler.done == 1
    assert await reasons(desk.store, SERVICE) == [NOT_PARKED]


async def test_what_was_set_aside_as_foreign_has_no_second_effect_when_an_operator_retries_it(desk: Desk) -> None:
    await desk.settler.settle([desk.frame])
    await put(desk.store, f"{SERVICE}_parked", forged_row(desk))
    await desk.later()
    [letter] = await rows_of(desk.store, f"{SERVICE}_dead_letter")
    await desk.order(letter.id)
    assert desk.handler.done == 2
    assert await rows_of(desk.store, f"{SERVICE}_dead_letter") == []


async def test_a_copy_of_a_parked_row_that_comes_when_the_inbox_has_forgotten_does_nothing(desk: Desk) -> None:
    rows = await desk.park()
    await desk.later()
    assert desk.handler.done == 2
    async with desk.store.write() as connection:
        await connection.execute(delete(METADATA.tables[f"{SERVICE}_inbox"]))
    await put(desk.store, f"{SERVICE}_parked", *rows)
    await desk.later(LONG)
    assert desk.handler.done == 2
    assert await reasons(desk.store, SERVICE) == [PARKED_LONG_AGO] * 2


async def test_what_waited_through_a_long_outage_is_done_when_an_operator_says_so(desk: Desk) -> None:
    await desk.park()
    await desk.later(LONG)
    assert desk.handler.done == 0
    for letter in await rows_of(desk.store, f"{SERVICE}_dead_letter"):
        await desk.order(letter.id)
    assert desk.handler.done == 2


@pytest.mark.parametrize("seal", [None, b"no seal"])
async def test_a_letter_that_somebody_wrote_is_worth_what_its_frame_is_worth(desk: Desk, seal: bytes | None) -> None:
    """Retried, it is a frame like one of the bus: its items are claimed, and its age is asked."""
    await desk.settler.settle([desk.frame])
    inbox = await rows_of(desk.store, f"{SERVICE}_inbox")
    forged = {"item": inbox[0].item, "frame": desk.frame, "ordinal": 0, "reason": "KeyError", "at": NOW, "seal": seal}
    await put(desk.store, f"{SERVICE}_dead_letter", forged, forged)
    first, second = await rows_of(desk.store, f"{SERVICE}_dead_letter")
    await desk.order(first.id)
    assert desk.handler.done == 2
    async with desk.store.write() as connection:
        await connection.execute(delete(METADATA.tables[f"{SERVICE}_inbox"]))
    desk.clock.advance(LONG.total_seconds())
    await desk.order(second.id)
    assert desk.handler.done == 2
    assert [reason.split(":")[0] for reason in await reasons(desk.store, SERVICE)] == ["frame.refused"]


async def test_a_parked_row_that_is_not_even_bytes_stops_nobody(sqlite_url: str) -> None:
    """SQLite keeps what it is given."""
    store = Store(sqlite_url)
    desk = Desk(store)
    async with store.write() as connection:
        for value in ("'text'", "17", "1.5", "NULL"):
            frame = "''" if value == "NULL" else value
            await connection.execute(
                text(
                    f"INSERT INTO {SERVICE}_parked VALUES"
                    f" ({value if value != 'NULL' else '0'}, {frame}, 0, 0, '{encode_time(NOW)}',"
                    f" '{encode_time(NOW)}', 'x', 0, '', {value})"
                )
            )
    await desk.park()
    await desk.later()
    assert desk.handler.done == 2
    assert await reasons(store, SERVICE) == [NOT_PARKED] * 4
    await store.close()
