"""The keeper of clocks: once, in order, across restarts, however many keep the same clocks; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from services.intake.clock_keeper import LATE_S, LEGS_TOGETHER, ClockKeeper
from services.intake.striking import record_of
from shared.adapters.sql.due_legs import SqlDueLegs
from shared.adapters.sql.engine import Store
from shared.audit.leaves import Leaf, parse_leaf
from shared.contracts.records import LegRecord
from shared.domain.clock_events import Struck, due_events
from shared.domain.dossier import open_legs, parse_leg
from shared.domain.instruments import Registry
from shared.errors import StoreUnavailable
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects, OutboxRow
from tests.conformance.keepers import is_late_when_it_has_not_looked
from tests.conformance.rows import new_id
from tests.conformance.stores import OpenStore, rows_of, stored, units_of, waiting_leaves, write
from tests.fakes import FakeClock
from tests.unit.domain.calendars import a_calendar
from tests.unit.envelope.workshop import NOW, make_header

EIO = {"ma-be-1997": "eio.1", "ma-fr-2008": "eio.1"}
NOTHING_PUBLISHED = PublishedInstruments(0, None)
A_DAY = timedelta(days=1)


def published(number: int, *holidays: str) -> PublishedInstruments:
    calendar = a_calendar(country="BE", version=f"be.{number}", holidays=list(holidays), desk="BE.PF")
    registry = Registry(v=1, version=f"test-{number}", note="test", instruments=(), calendars=(calendar,))
    return PublishedInstruments(number, registry)


@dataclass
class Watch:
    """Legs in a database, and keepers of their clocks."""

    store: Store
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    instruments: PublishedInstruments = NOTHING_PUBLISHED
    confirms: bool = True
    sent: list[OutboxRow] = field(default_factory=list)

    async def leg(self, at: datetime | None = None, **changes: object) -> LegRecord:
        header = make_header(dossier=new_id(), id=new_id())
        [leg, *_] = open_legs(header, "A" * 43, at or NOW, EIO)
        record = replace(record_of(leg, None, self.instruments, at or NOW), **changes)  # type: ignore[arg-type]  # fields
        await write(self.store, Effects(inserts=[record]))
        return record

    def keeper(self, store: Store | None = None) -> ClockKeeper:
        here = store or self.store

        async def instruments() -> PublishedInstruments:
            return self.instruments

        async def publish(rows: Sequence[OutboxRow]) -> set[str]:
            self.sent += rows
            return {row.id for row in rows} if self.confirms else set()

        return ClockKeeper(SqlDueLegs(here), units_of(here, "intake", self.clock), instruments, publish, self.clock)

    async def told(self) -> list[Leaf]:
        return [parse_leaf(leaf) for leaf in await waiting_leaves(self.store)]

    async def row(self, leg: LegRecord) -> LegRecord:
        found = (await stored(self.store, leg.key()))[leg.key()]
        assert isinstance(found, LegRecord)
        return found


@pytest.fixture
def watch(store: Store) -> Watch:
    return Watch(store)


async def test_what_falls_is_struck_once_and_across_restarts(watch: Watch) -> None:
    leg = await watch.leg()
    assert await watch.keeper().strike_due() == 0
    for _ in range(150):
        watch.clock.advance(A_DAY.total_seconds())
        await watch.keeper().strike_due()
    ought = [one.event for one in due_events(parse_leg(leg.state), Struck(NOW), {}, watch.clock.now())]
    told = await watch.told()
    assert [leaf.fields["event"] for leaf in told] == ought
    assert {leaf.type for leaf in told} == {"clock.event"}
    assert all(leaf.at - A_DAY > NOW for leaf in told)
    assert (await watch.row(leg)).next_fall is None
    assert (await watch.row(leg)).updated_at == leg.updated_at


async def test_after_a_long_absence_all_legs_are_caught_up_in_the_order_in_which_things_fell(watch: Watch) -> None:
    for number in range(LEGS_TOGETHER + 20):
        await watch.leg(NOW + timedelta(hours=number))
    watch.clock.advance(60 * A_DAY.total_seconds())
    struck = await watch.keeper().strike_due()
    fell = [leaf.fields["falls"] for leaf in await watch.told()]
    assert len(fell) == struck > 4 * LEGS_TOGETHER
    assert fell == sorted(fell)
    assert await watch.keeper().strike_due() == 0


async def test_several_keepers_strike_each_event_once(watch: Watch, open_store: OpenStore) -> None:
    for _ in range(20):
        await watch.leg()
    watch.clock.advance(40 * A_DAY.total_seconds())
    counts = await asyncio.gather(*(watch.keeper(open_store()).strike_due() for _ in range(3)), return_exceptions=True)
    told = [leaf.fields for leaf in await watch.told()]
    await watch.keeper().strike_due()
    assert len(await watch.told()) == len(told) == sum(one for one in counts if isinstance(one, int))
    assert len({(one["dossier"], one["leg"], one["event"], one.get("owed"), one["message"]) for one in told}) == len(
        told
    )


async def test_leaf_word_and_row_stand_or_fall_together(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    leg = await watch.leg()
    watch.clock.advance(40 * A_DAY.total_seconds())
    keeper = watch.keeper()
    writing = type(units_of(watch.store)).begin

    def interrupted(self: object) -> object:
        raise StoreUnavailable(why="the process is killed")

    monkeypatch.setattr(type(units_of(watch.store)), "begin", interrupted)
    with pytest.raises(StoreUnavailable):
        await keeper.strike_due()
    monkeypatch.setattr(type(units_of(watch.store)), "begin", writing)
    assert not watch.sent
    assert not await watch.told()
    assert await watch.row(leg) == leg
    assert await keeper.strike_due() == len(await watch.told()) > 0


async def test_what_the_bus_does_not_take_waits_in_the_outbox(watch: Watch) -> None:
    await watch.leg()
    watch.clock.advance(40 * A_DAY.total_seconds())
    watch.confirms = False
    await watch.keeper().strike_due()
    assert [row.id for row in await rows_of(watch.store, "intake_outbox")] == sorted(row.id for row in watch.sent)
    watch.confirms = True
    await watch.leg(watch.clock.now() - 40 * A_DAY)
    before = len(watch.sent)
    await watch.keeper().strike_due()
    assert len(await rows_of(watch.store, "intake_outbox")) == before < len(watch.sent)


async def test_new_calendars_count_what_was_not_struck_anew_and_strike_nothing_twice(watch: Watch) -> None:
    watch.instruments = published(1)
    leg = await watch.leg()
    watch.clock.advance(1)
    keeper = watch.keeper()
    await keeper.strike_due()
    first = await watch.row(leg)
    assert first.next_fall is not None
    day = first.next_fall.date().isoformat()
    watch.instruments = published(2, day)  # nobody works on that day any more
    await keeper.strike_due()
    second = await watch.row(leg)
    assert (first.calendars, second.calendars) == (1, 2)
    assert second.next_fall is not None
    assert second.next_fall > first.next_fall  # the day worked before lies before the leg: no reminder is left of it
    watch.clock.advance(300 * A_DAY.total_seconds())
    watch.instruments = published(3)
    await keeper.strike_due()
    told = [(leaf.fields["event"], leaf.fields.get("owed"), leaf.fields.get("basis")) for leaf in await watch.told()]
    assert len(set(told)) == len(told)
    assert {(leaf.fields["registry"], leaf.fields["calendar"]) for leaf in await watch.told()} == {(3, "be.3")}


async def test_a_leg_that_cannot_be_read_holds_up_nobody(watch: Watch) -> None:
    strange = await watch.leg(state={"of": "a later version"}, next_fall=NOW)
    await watch.leg()
    watch.clock.advance(40 * A_DAY.total_seconds())
    assert await watch.keeper().strike_due() > 0
    assert (await watch.row(strange)).next_fall is None


async def test_a_leg_of_before_there_were_clocks_hears_what_fell_since_it_moved(watch: Watch) -> None:
    leg = await watch.leg(struck=None, next_fall=NOW)
    watch.clock.advance(8 * A_DAY.total_seconds())
    await watch.keeper().strike_due()
    assert "overdue" in [one.fields["event"] for one in await watch.told()]
    assert (await watch.row(leg)).struck is not None


async def test_a_keeper_that_has_not_looked_for_a_minute_is_not_ready(watch: Watch) -> None:
    await is_late_when_it_has_not_looked(watch.keeper(), watch.clock, LATE_S, "the clocks of legs")
