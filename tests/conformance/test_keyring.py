"""Whose keys count (`shared/ports/keyring.py`), on both databases: signed documents, never bare rows."""

import asyncio
from datetime import timedelta

import pytest

from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.contracts.records import InstrumentsRecord, KeyEventRecord, Record
from shared.errors import InstrumentsInvalid, KeyEventRefused
from shared.keys.base64url import encode_b64u
from shared.keys.instruments import sign_instruments
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import NOW
from tests.conformance.stores import OpenStore, write
from tests.unit.keys.parties import EXCHANGE, ExchangeOnTest, PartyOnTest

REGISTRY = b'{"v":1,"version":"%s","note":"sample","instruments":[]}'  # the smallest registry that is one


def keyring_of(store: Store, exchange: ExchangeOnTest, quorum: int = 2) -> SqlKeyRing:
    return SqlKeyRing(store, EXCHANGE, exchange.operator_keys, quorum)


async def record(store: Store, *documents: bytes, first: int = 1) -> None:
    rows: list[Record] = [
        KeyEventRecord(first + number, document, NOW, None) for number, document in enumerate(documents)
    ]
    await write(store, Effects(inserts=rows))


async def publish(store: Store, version: int, document: bytes) -> None:
    await write(store, Effects(inserts=[InstrumentsRecord(version, document, NOW)]))


def publication(exchange: ExchangeOnTest, number: int, signers: int = 2) -> bytes:
    prev = None if number == 1 else encode_b64u(bytes(32))
    return sign_instruments(REGISTRY % f"n{number}".encode(), exchange.operators[:signers], EXCHANGE, number, prev)


@pytest.fixture
def exchange() -> ExchangeOnTest:
    return ExchangeOnTest()


# --- what operators signed


async def test_before_the_first_event_nobody_takes_part(store: Store, exchange: ExchangeOnTest) -> None:
    keyring = keyring_of(store, exchange)
    assert keyring.directory().index == 0
    assert (await keyring.refresh()).parties() == ()
    assert (keyring.instruments().number, keyring.instruments().registry) == (0, None)
    assert await keyring.events() == []


async def test_signed_events_are_folded_as_they_come(store: Store, exchange: ExchangeOnTest) -> None:
    keyring = keyring_of(store, exchange)
    rabat = exchange.enrol("MA.PGR")
    await record(store, *exchange.documents)
    first = await keyring.refresh()
    assert keyring.directory() is first
    assert first.index == 1
    later = NOW + timedelta(hours=1)
    exchange.enrol_auditor("MA.CC")
    exchange.suspend(rabat, later)
    await record(store, *exchange.documents[1:], first=2)
    second = await keyring.refresh()
    assert (second.index, second.head) == (3, exchange.directory.head)
    assert second.signing_keys("MA.PGR", later) is None
    assert first.signing_keys("MA.PGR", later) is not None, "a snapshot does not change"
    assert await keyring.events() == exchange.documents


async def test_nothing_new_is_nothing_changed(store: Store, exchange: ExchangeOnTest) -> None:
    keyring = keyring_of(store, exchange)
    exchange.enrol("MA.PGR")
    await record(store, *exchange.documents)
    first = await keyring.refresh()
    assert (await keyring.refresh()).head == first.head


async def test_refreshes_at_the_same_time_do_not_trip_over_each_other(
    open_store: OpenStore, exchange: ExchangeOnTest
) -> None:
    keyring = keyring_of(open_store(), exchange)
    for party in ("MA.PGR", "BE.PF", "FR.BEPI", "ES.SGCJI"):
        exchange.enrol(party)
    await record(open_store(), *exchange.documents)
    snapshots = await asyncio.gather(*(keyring.refresh() for _ in range(8)))
    assert [snapshot.index for snapshot in snapshots] == [4] * 8
    assert keyring.directory().index == 4


async def test_the_newest_registry_that_operators_signed_is_the_law(store: Store, exchange: ExchangeOnTest) -> None:
    keyring = keyring_of(store, exchange)
    for version in (1, 4):
        for number in range(version - 1, version + 1):
            await publish(store, number, publication(exchange, number))
        await keyring.refresh()
        published = keyring.instruments()
        assert published.number == version
        assert published.registry is not None
        assert published.registry.version == f"n{version}"


# --- what nobody signed


async def test_a_row_that_no_quorum_signed_is_refused(store: Store, exchange: ExchangeOnTest) -> None:
    """The writer to the database: it swaps a key by a row of its own, with a signature of one operator at most."""
    keyring = keyring_of(store, exchange)
    exchange.enrol("MA.PGR")
    await record(store, *exchange.documents)
    before = await keyring.refresh()
    forged = exchange.decide(exchange.draft_enrolment(PartyOnTest("BE.PF")), signers=1)
    await record(store, forged, first=2)
    with pytest.raises(KeyEventRefused, match="sign"):
        await keyring.refresh()
    assert keyring.directory() is before, "the last directory that verified stays"
    with pytest.raises(KeyEventRefused):
        await keyring_of(store, exchange).refresh()


async def test_a_row_signed_by_the_keys_of_other_operators_is_refused(store: Store, exchange: ExchangeOnTest) -> None:
    others = ExchangeOnTest()
    others.enrol("MA.PGR")
    await record(store, *others.documents)
    with pytest.raises(KeyEventRefused):
        await keyring_of(store, exchange).refresh()


@pytest.mark.parametrize("order", [(1, 0), (0, 0), (1,)])
async def test_events_moved_repeated_or_left_out_are_refused(
    store: Store, exchange: ExchangeOnTest, order: tuple[int, ...]
) -> None:
    exchange.enrol("MA.PGR")
    exchange.enrol("BE.PF")
    await record(store, *(exchange.documents[number] for number in order))
    with pytest.raises(KeyEventRefused):
        await keyring_of(store, exchange).refresh()


async def test_a_stored_event_that_was_changed_is_refused_by_who_reads_it_anew(
    store: Store, exchange: ExchangeOnTest
) -> None:
    exchange.enrol("MA.PGR")
    [document] = exchange.documents
    await record(store, document.replace(b'"', b"'", 1))
    with pytest.raises(KeyEventRefused):
        await keyring_of(store, exchange).refresh()


async def test_a_registry_that_no_quorum_signed_is_refused_and_the_former_law_stays(
    store: Store, exchange: ExchangeOnTest
) -> None:
    keyring = keyring_of(store, exchange)
    await publish(store, 1, publication(exchange, 1))
    await keyring.refresh()
    await publish(store, 2, publication(exchange, 2, signers=1))
    with pytest.raises(InstrumentsInvalid):
        await keyring.refresh()
    assert keyring.instruments().number == 1


async def test_an_older_registry_under_a_newer_number_is_refused(store: Store, exchange: ExchangeOnTest) -> None:
    """The writer to the database: what operators once signed is genuine, and not the law any more."""
    keyring = keyring_of(store, exchange)
    for number in (1, 2):
        await publish(store, number, publication(exchange, number))
    await keyring.refresh()
    await publish(store, 3, publication(exchange, 1))
    with pytest.raises(InstrumentsInvalid, match="row 3 holds publication 1"):
        await keyring.refresh()
    assert keyring.instruments().number == 2
