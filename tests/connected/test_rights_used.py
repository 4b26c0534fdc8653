"""Every service does its work in the database with its own rights."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.ledger.policy import plan_round
from shared.adapters.clock import SystemClock
from shared.adapters.sql.cosignatures import SqlCosignatures
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.sql.late_messages import SqlLateMessages
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.operations import SqlOperations
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.retention import SqlRetention
from shared.adapters.sql.schema import check_schema
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.adapters.sql.waiting_leaves import SqlWaitingLeaves
from shared.contracts.records import (
    Claim,
    FailedEvidence,
    FeedHead,
    InstrumentsRecord,
    Key,
    KeyEventRecord,
    LateMessage,
    PartsPruned,
    Record,
    TransportScan,
)
from shared.contracts.topology import LETTERED
from shared.errors import StoreUnavailable
from shared.ports.time_stamps import KeptStamp
from shared.ports.unit_of_work import Effects, SealedPart
from tests.conformance import rows
from tests.conformance.rows import NOW
from tests.conformance.stores import leaves_in, units_of
from tests.connected.roles import Place
from tests.fakes import by_digest
from tests.unit.frame.services import row_seal

LATE = LateMessage(rows.MESSAGE, rows.BE, rows.DOSSIER, rows.DIGEST, rows.MA, "routine", NOW, "", NOW)
SCAN = TransportScan("retrieval", "routine", NOW, "")
CONSUMING = ("intake", "routing", "notification")
WRITES: dict[str, tuple[Sequence[Record], Sequence[Record]]] = {
    "intake": (
        [
            Claim(rows.MESSAGE, rows.MA, rows.DIGEST),
            rows.a_decision(),
            rows.a_dossier(),
            rows.a_leg(),
            KeyEventRecord(1, b"event", NOW, b"digest"),
            InstrumentsRecord(1, b"registry", NOW),
            FailedEvidence(rows.MESSAGE, "non-delivery", rows.BE, NOW, b"digest"),
            LATE,
            SCAN,
        ],
        [rows.a_leg(version=2), replace(LATE, struck="relay-late"), replace(SCAN, message=rows.MESSAGE)],
    ),
    "routing": (
        [rows.an_envelope(), rows.a_mailbox_entry(rows.BE), rows.an_evidence(rows.BE)],
        [rows.a_mailbox_entry(rows.BE, retrieved_at=NOW)],
    ),
    "notification": ([FeedHead(rows.BE, 1), rows.a_feed_entry(rows.BE, 1)], [FeedHead(rows.BE, 2)]),
}
READS: dict[str, Sequence[Key]] = {
    "intake": [row.key() for row in (*WRITES["intake"][0][:4], LATE, SCAN)],
    "routing": [row.key() for row in WRITES["routing"][0][:2]],
    "notification": [WRITES["notification"][0][0].key()],
}


async def test_each_service_does_its_work_with_its_rights(place: Place) -> None:
    for service in CONSUMING:
        async with place.store(service) as store:
            await check_schema(store, place.url(service))
            await SqlKeyRing(store, "log", (), 1).events()
            await _settle_one_batch(units_of(store, service), service)
            if service == "intake":
                await _look_for_what_is_late(SqlLateMessages(store))
            if service == "routing":
                assert await SqlRetention(store).kept(None, NOW + timedelta(days=3650), 10) == ()
    async with place.store("ledger") as store:
        await check_schema(store, place.url("ledger"))
        await SqlWaitingLeaves(store, row_seal("ledger", SystemClock())).add([b"leaf"])
        await _run_one_round(SqlLedger(store), SqlCosignatures(store), SqlTimeStamps(store))
    async with place.store("gateway") as store:
        await check_schema(store, place.url("gateway"))
        await _read_everything(store)


async def _look_for_what_is_late(late: SqlLateMessages) -> None:
    [scan] = await late.scans()
    assert await late.suspects(scan, NOW, NOW, 10) == []
    assert await late.arrivals([rows.MESSAGE]) == {}
    assert [(one.message, one.recipient) for one in await late.due(NOW, 10)] == [(rows.MESSAGE, rows.BE)]


async def _settle_one_batch(units: SqlUnitsOfWork, service: str) -> None:
    """Everything that a batch can do, as `shared.runtime.batch` does it."""
    inserts, updates = WRITES[service]
    leaves = [b"leaf of " + service.encode()]
    sealed = {"p" * 43: SealedPart(None, b"sealed"), "q" * 43: SealedPart(rows.MESSAGE, b"to be pruned")}
    parts = sealed if service == "routing" else {}
    parked, item = rows.a_parked_item(), rows.new_id()
    async with units.begin() as unit:
        assert await unit.claim([item]) == {item}
        assert await unit.claim([item]) == set()
        assert await unit.load(READS[service]) == {}
        published = await unit.write(Effects(list(inserts), [], [rows.a_notice()], leaves, parts))
        await unit.write(Effects(updates=list(updates)))
        assert len(await unit.load(READS[service])) == len(READS[service])
        if service == "routing":
            assert await unit.prune_parts([rows.MESSAGE]) == {rows.MESSAGE}
            await unit.write(Effects([PartsPruned(rows.MESSAGE, rows.DOSSIER, NOW, NOW, 1, b"leaf")]))
        assert await unit.forget_claims(NOW - timedelta(days=3650), 10) == 0
        await unit.park([(parked, NOW - timedelta(days=1), "because")])
        await unit.bury([rows.a_dead_letter(), rows.a_dead_letter()])
        await unit.commit()
    assert await units.oldest_outbox_age_s() == 0.0
    assert [due.id for due in await units.list_due(10, SystemClock().now())] == [parked.id]
    async with units.begin() as unit:
        assert await unit.hold_parked(parked.id)
        await unit.unpark([parked.id])
        assert await unit.take_letter(1) is not None
        assert await unit.take_overdue_outbox(10) == []
        await unit.forget_outbox([row.id for row in published])
        await unit.commit()


async def _run_one_round(ledger: SqlLedger, witnesses: SqlCosignatures, stamps: SqlTimeStamps) -> None:
    async with ledger.round() as round_:
        assert round_ is not None
        waiting = await round_.waiting(10, 10_000_000)
        assert len(waiting) == 4, "one of each service"
        assert await round_.placed([b"d" * 32], 0) == set()
        planned = plan_round(await round_.head(), await round_.edge(0), by_digest(leaves_in(waiting)), NOW)
        await round_.append(planned.leaves, planned.tiles, planned.head, [row.id for row in waiting])
        await round_.set_aside([rows.a_dead_letter(), rows.a_dead_letter()], [waiting[0].id])
        [letter, _] = await round_.letters(0, 10)
        await round_.forget_letters([letter.id])
        await round_.commit()
    head = await ledger.unsigned_head()
    assert head is not None
    await ledger.publish_note(head.size, b"note")
    await ledger.publish_note(head.size, b"note")
    assert await witnesses.newest_signed() == (head.size, b"note")
    await witnesses.add(head.size, {"witness": b"line"}, is_quorum=True)
    assert await witnesses.lines(head.size) == {"witness": b"line"}
    stamp = KeptStamp(head.size, "tsa.example", NOW, b"token")
    await stamps.add(stamp)
    assert await stamps.newest() == {"tsa.example": stamp}


async def _read_everything(store: Store) -> None:
    assert [one.token for one in await SqlTimeStamps(store).covering(1, 10)] == [b"token"]
    queries, parts, ledger = SqlQueries(store), SqlParts(store), SqlLedger(store)
    assert await queries.decision(rows.MA, rows.MESSAGE) is not None
    assert await queries.envelope(rows.BE, rows.MESSAGE) is not None
    assert await queries.evidences(rows.BE, rows.MESSAGE)
    assert await queries.dossier(rows.MA, rows.DOSSIER) is not None
    assert await queries.dossiers(rows.MA, None, 10)
    assert await queries.feed(rows.BE, 0, 10)
    assert await queries.instruments() is not None
    assert await queries.parts_pruned(rows.MESSAGE) is not None
    assert (await queries.ping())["dead_letters"] == len(CONSUMING) + 1
    assert [chunk async for chunk in parts.read("p" * 43)] == [b"sealed"]
    assert await ledger.checkpoint() == b"noteline"
    assert await SqlLedger(store, needs_quorum=True).checkpoint() == b"noteline"
    assert await ledger.checkpoint_size() == 4
    assert len(await ledger.entries(0, 10)) == 4
    assert await ledger.tile(0, 0, 2) is not None
    assert await ledger.tile(1, 0, 256) is None
    assert await ledger.index_of(b"no such leaf") is None
    assert await SqlKeyRing(store, "log", (), 1).events() == [b"event"]
    operations = SqlOperations(store)
    assert [one.dead_letters for one in await operations.messaging()] == [1, 1, 1]
    assert ((await operations.ledger()).size, (await operations.ledger()).dead_letters) == (4, 1)
    for letter in await operations.letters(LETTERED, "frame.refused", None, 10):
        assert await operations.letter(letter.service, letter.number) == letter


async def test_a_service_without_its_rights_hears_which_one_is_missing(place: Place) -> None:
    async with place.store("notification") as store:
        with pytest.raises(StoreUnavailable, match="permission denied for table envelope"):
            await SqlQueries(store).envelope(rows.BE, rows.MESSAGE)
