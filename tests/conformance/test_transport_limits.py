"""The keeper of the limits of transport: once, in order, across restarts and several processes; on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from services.intake.transport_keeper import LATE_S, MESSAGES_TOGETHER, SETTLES, TransportKeeper
from shared.adapters.sql.engine import Store
from shared.adapters.sql.late_messages import SqlLateMessages
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.tables import METADATA
from shared.audit.leaves import Leaf, parse_leaf
from shared.contracts.records import Decision, Evidence, Record
from shared.domain.ids import encode_time
from shared.errors import StoreUnavailable
from shared.ports.unit_of_work import Effects, OutboxRow
from tests.conformance.keepers import is_late_when_it_has_not_looked
from tests.conformance.rows import BE, FR, MA, OUTSIDER, a_decision, a_dossier, a_leg, new_id
from tests.conformance.stores import OpenStore, rows_of, stored, units_of, waiting_leaves, write
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import NOW

HOUR = 3600.0
DIGEST = "A" * 43
AN_HOUR = timedelta(hours=1)
UNDELIVERED = ["relay-late", "delivery-late", "relay-failure", "non-delivery"]


@dataclass
class Road:
    """Accepted messages in a database, their evidences, and keepers of their limits."""

    store: Store
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    confirms: bool = True
    sent: list[OutboxRow] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    async def accept(self, *to: str, urgency: str = "routine", at: datetime = NOW, **changes: object) -> str:
        row = accepted(*to, urgency=urgency, decided_at=at, **changes)
        await write(self.store, Effects(inserts=[row]))
        return row.message

    async def came(self, message: str, kind: str, recipient: str = BE, at: datetime = NOW) -> None:
        await write(self.store, Effects(inserts=[Evidence(message, kind, recipient, at, kind.encode())]), "routing")

    def keeper(self, store: Store | None = None) -> TransportKeeper:
        here = store or self.store

        async def publish(rows: Sequence[OutboxRow]) -> set[str]:
            self.sent += rows
            return {row.id for row in rows} if self.confirms else set()

        def count(said: str) -> None:
            self.counted[said] += 1

        return TransportKeeper(SqlLateMessages(here), units_of(here, "intake", self.clock), publish, self.clock, count)

    async def look(self, hours: float = 0.0) -> int:
        """As a new process would, after so long."""
        self.clock.advance(hours * HOUR)
        return await self.keeper().strike_due()

    async def leaves(self) -> list[Leaf]:
        return [parse_leaf(leaf) for leaf in await waiting_leaves(self.store)]

    async def told(self) -> list[str]:
        return [said_of(leaf) for leaf in await self.leaves()]


def accepted(*to: str, **changes: object) -> Decision:
    carried = {"digest": DIGEST, "dossier": new_id(), "recipients": " ".join(to or (BE,)), "urgency": "routine"}
    return a_decision(message=new_id(), **{**carried, **changes})


def said_of(leaf: Leaf) -> str:
    if leaf.type != "clock.transport-late":
        return leaf.type.removeprefix("evidence.")
    return {"relay-acceptance": "relay-late"}.get(leaf.fields["awaited"], f"{leaf.fields['awaited']}-late")


@pytest.fixture
def road(store: Store) -> Road:
    return Road(store)


async def test_what_arrives_in_time_leaves_no_row_and_no_word(road: Road) -> None:
    message = await road.accept(BE, FR)
    for recipient in (BE, FR):
        await road.came(message, "delivery", recipient)
        await road.came(message, "retrieval", recipient, NOW + timedelta(hours=24))
    for _ in range(10):
        assert await road.look(4) == 0
    assert not await rows_of(road.store, "late_message")
    assert not await road.leaves()


async def test_what_is_never_delivered_is_said_once_at_each_limit_across_restarts(road: Road) -> None:
    message = await road.accept()
    for _ in range(50):
        await road.look(0.5)
    leaves = await road.leaves()
    assert [said_of(leaf) for leaf in leaves] == UNDELIVERED
    assert [leaf.fields["falls"] for leaf in leaves] == [
        encode_time(NOW + hours * AN_HOUR) for hours in (1, 12, 12, 24)
    ]
    assert {leaf.fields["message"] for leaf in leaves} == {message}
    assert all(SETTLES <= leaf.at - datetime.fromisoformat(leaf.fields["falls"]) <= AN_HOUR * 0.6 for leaf in leaves)
    assert road.counted == dict.fromkeys(UNDELIVERED, 1)
    assert len(road.sent) >= 3


async def test_after_a_long_absence_the_same_is_said_in_the_order_in_which_it_fell(road: Road) -> None:
    urgencies, minutes = ("routine", "emergency"), timedelta(minutes=7)
    rows = [accepted(urgency=urgencies[n % 2], decided_at=NOW + n * minutes) for n in range(MESSAGES_TOGETHER + 20)]
    await write(road.store, Effects(inserts=list[Record](rows)))
    assert await road.look(100) == 4 * (MESSAGES_TOGETHER + 20)
    fell = [leaf.fields["falls"] for leaf in await road.leaves()]
    assert fell == sorted(fell)
    assert await road.look() == 0


async def test_what_came_too_late_was_missed_all_the_same_whenever_it_is_looked_at(road: Road) -> None:
    message = await road.accept()
    await road.came(message, "delivery", at=NOW + 13 * AN_HOUR)
    await road.look(100)
    assert sorted(await road.told()) == sorted([*UNDELIVERED[:3], "retrieval-late", "non-retrieval"])


async def test_what_nobody_fetches_is_said_of_that_recipient_alone(road: Road) -> None:
    message = await road.accept(BE, FR, urgency="urgent")
    for recipient in (BE, FR):
        await road.came(message, "delivery", recipient)
    await road.came(message, "retrieval", FR, NOW + AN_HOUR)
    await road.look(20)
    assert [(said_of(leaf), leaf.fields["recipient"]) for leaf in await road.leaves()] == [
        ("retrieval-late", BE),
        ("non-retrieval", BE),
    ]


async def test_an_evidence_that_is_under_way_when_the_limit_falls_is_waited_for(road: Road) -> None:
    message = await road.accept()
    assert await road.look(1 + 0.5 / 60) == 0
    await road.came(message, "delivery", at=NOW + AN_HOUR)
    assert await road.look(1) == 0


async def test_a_message_that_comes_after_all_was_said_is_watched_again(road: Road) -> None:
    message = await road.accept()
    await road.look(48)
    await road.came(message, "delivery", at=road.clock.now())
    await road.look(1)
    await road.look(20)
    assert await road.told() == [*UNDELIVERED, "non-retrieval", "retrieval-late"]
    assert await road.look(100) == 0


async def test_a_row_that_nobody_can_read_keeps_no_other_waiting(road: Road) -> None:
    await road.accept()
    broken = await road.accept()
    await road.look(2)
    late = METADATA.tables["late_message"]
    async with road.store.write() as connection:
        await connection.execute(late.update().where(late.c.message == broken).values(urgency="never"))
    await road.look(48)
    said = [said_of(leaf) for leaf in await road.leaves() if leaf.fields["message"] != broken]
    assert said == UNDELIVERED


async def test_several_keepers_say_each_limit_once(road: Road, open_store: OpenStore) -> None:
    await write(road.store, Effects(inserts=[accepted() for _ in range(5)]))
    road.clock.advance(48 * HOUR)
    await asyncio.gather(*(road.keeper(open_store()).strike_due() for _ in range(3)), return_exceptions=True)
    await road.look()
    told = Counter((said_of(leaf), leaf.fields["message"]) for leaf in await road.leaves())
    assert len(told) == 20
    assert set(told.values()) == {1}


async def test_a_refused_message_and_one_of_before_have_no_limits(road: Road) -> None:
    await road.accept(urgency=None, recipients=None, dossier=None)  # type: ignore[arg-type]  # as such rows are
    assert await road.look(100) == 0


async def test_leaf_evidence_word_and_row_stand_or_fall_together(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    await road.accept()
    await road.look(1.1)
    road.clock.advance(48 * HOUR)
    keeper, unit_type = road.keeper(), type(units_of(road.store))
    begin, calls = unit_type.begin, []

    def interrupted(self: object) -> object:
        calls.append(1)
        if len(calls) == 2:  # after the search, when it is to be said
            raise StoreUnavailable(why="the process is killed")
        return begin(self)  # type: ignore[arg-type]  # its own

    monkeypatch.setattr(unit_type, "begin", interrupted)
    with pytest.raises(StoreUnavailable):
        await keeper.strike_due()
    assert await road.told() == UNDELIVERED[:1]
    assert not await rows_of(road.store, "failed_evidence")
    assert await keeper.strike_due() == 3
    assert await road.told() == UNDELIVERED
    assert len(await rows_of(road.store, "failed_evidence")) == 2


async def test_what_the_bus_does_not_take_waits_in_the_outbox(road: Road) -> None:
    await road.accept()
    road.confirms = False
    await road.look(1.1)
    assert [row.id for row in await rows_of(road.store, "intake_outbox")] == [row.id for row in road.sent]


async def test_the_sender_reads_the_negative_evidence_and_nobody_else(road: Road) -> None:
    message = await road.accept(BE, FR)
    await road.look(48)
    queries = SqlQueries(road.store)
    seen = await queries.evidences(MA, message)
    assert seen is not None
    assert Counter(one.evidence.kind for one in seen) == {
        "submission-acceptance": 1,
        "relay-failure": 2,
        "non-delivery": 2,
    }
    for stranger in (BE, OUTSIDER):
        assert await queries.evidences(stranger, message) is None


async def test_a_request_that_failed_shows_as_not_delivered_until_it_comes(road: Road) -> None:
    message = await road.accept()
    decision = next(iter(await rows_of(road.store, "decision")))
    opened = a_dossier(dossier=decision.dossier, opening=message)
    await write(road.store, Effects(inserts=[opened, a_leg(dossier=decision.dossier, state={"request": message})]))
    queries = SqlQueries(road.store)
    for hours, ought in ((1, "submitted"), (47, "not-delivered")):
        await road.look(hours)
        view = await queries.dossier(MA, decision.dossier)
        assert view is not None
        assert (view.transport, [one.transport for one in await queries.all_dossiers(None, 9)]) == (
            {BE: ought},
            [{BE: ought}],
        )


async def test_a_keeper_that_has_not_looked_for_two_minutes_is_not_ready(road: Road) -> None:
    await is_late_when_it_has_not_looked(road.keeper(), road.clock, LATE_S, "the limits of transport")


async def test_intake_keeps_what_the_limits_are_kept_by(road: Road) -> None:
    message = await road.accept(BE, FR, urgency="emergency")
    found = await stored(road.store, a_decision(message=message, digest=DIGEST).key())
    [decision] = found.values()
    assert isinstance(decision, Decision)
    assert (decision.recipients, decision.urgency, decision.digest) == (f"{BE} {FR}", "emergency", DIGEST)
