"""Sealed parts of closed dossiers go, when a policy says so, and nothing else; on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

from services.routing.retention import PartsKeeper
from shared.adapters.sql.engine import Store
from shared.adapters.sql.parts import SqlParts
from shared.adapters.sql.queries import SqlQueries
from shared.adapters.sql.retention import SqlRetention
from shared.contracts.records import LegRecord
from shared.domain.dossier import encode_leg, open_legs
from shared.domain.leg import Leg
from shared.errors import NotThere
from shared.keys.base64url import encode_b64u
from shared.ports.unit_of_work import Effects, SealedPart
from tests.conformance.rows import an_envelope, new_id
from tests.conformance.stores import OpenStore, rows_of, units_of, waiting_leaves, write
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import NOW, make_header

DAY_S = 86_400
KEPT_DAYS = 30


def digest_of(data: bytes) -> str:
    return encode_b64u(hashlib.sha256(data).digest())


def closed(leg: Leg) -> Leg:
    measures = tuple(replace(one, state="closed") for one in leg.measures)
    return replace(leg, measures=measures, obligations=())


class Estate:
    """Dossiers with one message each, whose part holds the dossier's id."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.messages: dict[str, str] = {}

    async def dossier(self, *, is_closed: bool, sealed: bytes | None = None) -> str:
        """The message; the second leg of an open dossier is open, the first is closed."""
        dossier, message = new_id(), new_id()
        header = make_header(dossier=dossier, id=message)
        first, *others = open_legs(header, "A" * 43, NOW)
        legs = [closed(first), *(closed(leg) if is_closed else leg for leg in others)]
        records = [LegRecord(dossier, leg.requested, leg.requesting, 1, encode_leg(leg), NOW) for leg in legs]
        await write(self.store, Effects(inserts=list(records)), "intake")
        data = dossier.encode() if sealed is None else sealed
        stored = an_envelope(message=message, dossier=dossier, digest=digest_of(data), stored_at=NOW)
        parts = {digest_of(data): SealedPart(message, data)}
        await write(self.store, Effects(inserts=[stored], parts=parts), "routing")
        self.messages[message] = dossier
        return message

    def keeper(self, store: Store | None = None) -> PartsKeeper:
        here = store or self.store
        return PartsKeeper(SqlRetention(here), units_of(here, "routing"), self.clock, KEPT_DAYS)

    async def holds(self, message: str) -> bool:
        try:
            return b"".join([one async for one in SqlParts(self.store).read(self._digest(message))]) != b""
        except NotThere:
            return False

    def _digest(self, message: str) -> str:
        return digest_of(self.messages[message].encode())


@pytest.fixture
def estate(store: Store) -> Estate:
    return Estate(store)


async def test_parts_stay_until_the_last_day_and_go_with_a_leaf_and_a_word_to_whoever_asks(estate: Estate) -> None:
    message = await estate.dossier(is_closed=True)
    estate.clock.advance(KEPT_DAYS * DAY_S - 1)
    assert await estate.keeper().prune() == 0
    assert await estate.holds(message)
    estate.clock.advance(2)
    assert await estate.keeper().prune() == 1
    assert not await estate.holds(message)
    assert await rows_of(estate.store, "part_chunk") == []
    told = await SqlQueries(estate.store).parts_pruned(message)
    assert told is not None
    assert (told.pruned.kept_days, told.pruned.closed_at) == (KEPT_DAYS, NOW)
    assert (told.pruned.pruned_at, told.leaf_index) == (estate.clock.now(), None)
    assert [row.message for row in await rows_of(estate.store, "envelope")] == [message]
    assert len(await waiting_leaves(estate.store)) == 1


async def test_an_open_leg_keeps_every_part_of_its_dossier(estate: Estate) -> None:
    message = await estate.dossier(is_closed=False)
    estate.clock.advance(3650 * DAY_S)
    assert await estate.keeper().prune() == 0
    assert await estate.holds(message)


async def test_what_is_owed_keeps_the_parts_and_so_does_a_leg_that_cannot_be_read(estate: Estate) -> None:
    owing, strange = await estate.dossier(is_closed=True), await estate.dossier(is_closed=True)
    header = make_header(dossier=estate.messages[owing], id=owing)
    first, *_ = open_legs(header, "A" * 43, NOW)
    owed = encode_leg(replace(closed(first), obligations=first.obligations))
    rows = [
        LegRecord(estate.messages[owing], first.requested, first.requesting, 2, owed, NOW),
        LegRecord(estate.messages[strange], first.requested, first.requesting, 2, {"of": "a later version"}, NOW),
    ]
    assert first.obligations
    await write(estate.store, Effects(updates=list(rows)), "intake")
    estate.clock.advance(3650 * DAY_S)
    assert await estate.keeper().prune() == 0


async def test_whoever_repeats_anothers_sealed_bytes_cannot_have_them_pruned(estate: Estate) -> None:
    theirs = await estate.dossier(is_closed=False)
    await estate.dossier(is_closed=True, sealed=estate.messages[theirs].encode())
    estate.clock.advance(3650 * DAY_S)
    assert await estate.keeper().prune() == 0
    assert await estate.holds(theirs)


async def test_two_processes_prune_each_message_once_and_a_second_run_does_nothing(open_store: OpenStore) -> None:
    one, other = open_store(), open_store()
    estate = Estate(one)
    messages = [await estate.dossier(is_closed=True) for _ in range(7)]
    estate.clock.advance((KEPT_DAYS + 1) * DAY_S)
    pruned = await asyncio.gather(estate.keeper().prune(), estate.keeper(other).prune())
    assert sum(pruned) == len(messages)
    assert len(await waiting_leaves(one)) == len(messages)
    assert len(await rows_of(one, "parts_pruned")) == len(messages)
    assert await estate.keeper().prune() == 0


async def test_a_process_that_dies_before_the_commit_has_pruned_nothing(estate: Estate) -> None:
    message = await estate.dossier(is_closed=True)
    async with units_of(estate.store, "routing").begin() as unit:
        assert await unit.prune_parts([message]) == {message}
    assert await estate.holds(message)
    estate.clock.advance((KEPT_DAYS + 1) * DAY_S)
    assert await estate.keeper().prune() == 1
