"""What services tell of themselves, by the real way to the ledger: a roster once, start and end each in its name."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from services.intake.roster import RosterAnnouncer
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.waiting_leaves import SqlWaitingLeaves
from shared.audit.leaves import Leaf, encode_leaf, parse_entry, parse_leaf
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.roster import Roster, ServiceKeys, draft_roster, sign_roster, verify_roster
from shared.keys.signed_document import encode_signed_document
from shared.runtime.working_life import LeafTeller, Work
from tests.conformance.rows import NOW, new_id
from tests.conformance.stores import OpenStore, row_counts, units_of, waiting_leaves
from tests.conformance.test_sequencer import sequencer
from tests.fakes import FakeClock
from tests.unit.frame.services import row_seal

OPERATORS = (generate_ed25519(), generate_ed25519())


def a_roster(exchange: str = "comity.test/log", operators: tuple[Ed25519Signer, ...] = OPERATORS) -> Roster:
    own = ServiceKeys("intake", generate_ed25519().public_key(), generate_xwing().public_key())
    draft = draft_roster(exchange, NOW, [own])
    signed = encode_signed_document(draft, [sign_roster(draft, one) for one in operators])
    return verify_roster(signed, [one.public_key() for one in operators], len(operators), exchange)


def announcer(store: Store, roster: Roster) -> RosterAnnouncer:
    return RosterAnnouncer(roster, units_of(store), FakeClock())


async def told(store: Store) -> list[Leaf]:
    return [parse_leaf(leaf) for leaf in await waiting_leaves(store)]


async def test_a_roster_is_told_once_however_often_intake_starts(store: Store) -> None:
    roster = a_roster()
    assert [await announcer(store, roster).announce() for _ in range(3)] == [True, False, False]
    [leaf] = await told(store)
    assert leaf.type == "directory.roster"
    assert leaf.fields == {"roster_sha256": roster.digest, "document": json.loads(roster.signed)}
    newer = a_roster()
    assert await announcer(store, newer).announce()
    assert [one.fields["roster_sha256"] for one in await told(store)] == [roster.digest, newer.digest]


async def test_replicas_that_start_together_tell_it_once(open_store: OpenStore) -> None:
    roster, stores = a_roster(), [open_store() for _ in range(3)]
    assert sorted(await asyncio.gather(*(announcer(one, roster).announce() for one in stores))) == [False, False, True]
    assert len(await told(stores[0])) == 1


@pytest.mark.parametrize("point", ["before", "after"])
async def test_a_death_beside_its_commit_loses_and_doubles_nothing(store: Store, point: str) -> None:
    roster = a_roster()
    if point == "before":
        async with units_of(store).begin() as unit:
            assert await unit.claim([f"roster:{roster.digest[:29]}"])  # and it dies: nothing is committed
    else:
        await announcer(store, roster).announce()
    await announcer(store, roster).announce()
    assert len(await told(store)) == 1


async def test_each_service_tells_of_itself_and_the_ledger_places_it(store: Store) -> None:
    clock = FakeClock()
    for service in ("intake", "routing", "notification", "ledger"):
        work = Work(service, new_id(), "0.1.0", clock.now() - timedelta(minutes=1), "A" * 43)
        teller = LeafTeller(SqlWaitingLeaves(store, row_seal(service, clock)), clock)
        await teller.started(work)
        await teller.stopped(work, clock.now())
    assert await sequencer(store, clock).run_round() == 8
    placed = [parse_entry(one)[1] for one in await SqlLedger(store).entries(0, 9)]
    assert [(one.type, one.fields["service"]) for one in placed][:3] == [
        ("exchange.started", "intake"),
        ("exchange.stopped", "intake"),
        ("exchange.started", "routing"),
    ]
    assert "ledger_dead_letter" not in await row_counts(store)


async def test_intake_may_write_in_the_name_of_the_gateway(store: Store) -> None:
    clock = FakeClock()
    leaf = encode_leaf("exchange.started", clock.now(), bytes(16), service="gateway", version="1")
    await SqlWaitingLeaves(store, row_seal("intake", clock)).add([leaf])
    assert await sequencer(store, clock).run_round() == 1
