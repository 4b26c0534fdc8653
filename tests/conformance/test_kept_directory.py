"""What a service judged by before it does not forget with its database; recoveries are dated by the ledger alone."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from shared.adapters.directory_memory import FileDirectoryMemory, memory_file
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.adapters.sql.logged_events import LoggedEvents
from shared.adapters.tables import METADATA
from shared.audit.leaves import digest_of_leaf, encode_entry, encode_leaf
from shared.audit.quorum import CheckpointRule
from shared.audit.tree import hash_leaf
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.domain.strict_json import parse_strict_json
from shared.errors import DirectoryBehind, SettingsRefused, StoreUnavailable
from shared.keys.waiting import WAIT_FOR_NEW_KEY, Waits
from shared.keys.witness_policy import parse_witness_policy
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import NOW
from tests.conformance.stores import write
from tests.conformance.test_keyring import publication, record
from tests.conformance.test_sequencer import a_leaf, sequencer
from tests.fakes import FakeClock
from tests.unit.audit.paper_log import ORIGIN, keys_of
from tests.unit.keys.parties import EXCHANGE, ExchangeOnTest, PartyOnTest, suspended_by_the_third

_EVENT, _INSTRUMENTS = METADATA.tables["key_event"], METADATA.tables["instruments"]
_LEAF = METADATA.tables["ledger_leaf"]
ROSTER = NOW - timedelta(days=1)


def service(store: Store, exchange: ExchangeOnTest, state: Path, waits: Waits | None = None) -> SqlKeyRing:
    """A process of intake that starts now, with the memory of those before it."""
    memory = FileDirectoryMemory(state, "intake", EXCHANGE, ROSTER)
    logged = LoggedEvents(store, CheckpointRule(keys_of(ORIGIN), parse_witness_policy("none"), {}))
    return SqlKeyRing(store, EXCHANGE, exchange.operator_keys, 2, waits or Waits(), logged, memory)


async def drop_events(store: Store, after: int) -> None:
    async with store.write() as connection:
        await connection.execute(delete(_EVENT).where(_EVENT.c.seq > after))


@pytest.fixture
def exchange() -> ExchangeOnTest:
    return suspended_by_the_third()


# --- rows that are missing


async def test_a_suspension_that_was_deleted_is_missed_by_services_that_start_afterwards(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    await record(store, *exchange.documents)
    running = service(store, exchange, tmp_path)
    assert (await running.refresh()).index == 3
    await drop_events(store, after=2)
    for keyring in (running, service(store, exchange, tmp_path)):
        for _ in range(2):
            with pytest.raises(DirectoryBehind, match="2 key events, and 3 were known"):
                await keyring.refresh()
    assert running.directory().index == 3
    await record(store, exchange.documents[2], first=3)
    assert (await service(store, exchange, tmp_path).refresh()).index == 3, "it goes on by itself when they are back"


async def test_a_database_without_any_event_is_behind_too(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    await record(store, *exchange.documents)
    await service(store, exchange, tmp_path).refresh()
    await drop_events(store, after=0)
    with pytest.raises(DirectoryBehind):
        await service(store, exchange, tmp_path).refresh()


async def test_another_event_of_the_same_number_is_not_the_one_that_was_known(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    """A quorum of operators told two stories, or an exchange was made anew under the old name."""
    await record(store, *exchange.documents)
    await service(store, exchange, tmp_path).refresh()
    await drop_events(store, after=2)
    other = ExchangeOnTest(exchange.operators)
    for document in exchange.documents[:2]:
        other.admit(document)
    other.enrol("FR.BEPI")
    other.enrol("ES.SGCJI")
    await record(store, *other.documents[2:], first=3)
    with pytest.raises(DirectoryBehind, match="key event 3 is another"):
        await service(store, exchange, tmp_path).refresh()


async def test_an_old_registry_of_instruments_is_not_put_in_force_by_deleting_the_new_one(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    for number in (1, 2):
        await write(store, Effects(inserts=[InstrumentsRecord(number, publication(exchange, number), NOW)]))
    await service(store, exchange, tmp_path).refresh()
    async with store.write() as connection:
        await connection.execute(delete(_INSTRUMENTS).where(_INSTRUMENTS.c.version == 2))
    with pytest.raises(DirectoryBehind, match="1 registries of instruments, and 2 were known"):
        await service(store, exchange, tmp_path).refresh()


# --- the file


async def test_on_the_first_start_the_database_is_believed_and_remembered(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    keyring = service(store, exchange, tmp_path)
    await keyring.refresh()
    assert not (tmp_path / memory_file("intake")).exists(), "there is nothing to remember before the first event"
    await record(store, *exchange.documents)
    await keyring.refresh()
    kept = json.loads((tmp_path / memory_file("intake")).read_bytes())
    assert (kept["origin"], kept["index"], kept["head"]) == (EXCHANGE, 3, exchange.directory.head)


async def test_nothing_is_judged_by_an_event_that_cannot_be_remembered(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    """A full disk, a directory that is mounted read-only."""
    await record(store, *exchange.documents)
    gone = tmp_path / "gone"
    gone.mkdir()
    keyring = service(store, exchange, gone)
    shutil.rmtree(gone)
    with pytest.raises(StoreUnavailable, match=r"directory-intake\.json cannot be written"):
        await keyring.refresh()
    assert keyring.directory().index == 0
    gone.mkdir()
    assert (await keyring.refresh()).index == 3


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"origin":"comity.test/log"}', b'{"origin":"comity.test/log","index":"x"}']
)
def test_a_memory_that_cannot_be_read_ends_the_start_with_where_to_read_on(tmp_path: Path, content: bytes) -> None:
    (tmp_path / memory_file("gateway")).write_bytes(content)
    with pytest.raises(SettingsRefused, match=r"directory-gateway\.json cannot be read .*The directory is behind"):
        FileDirectoryMemory(tmp_path, "gateway", EXCHANGE, ROSTER)


async def test_a_memory_of_another_exchange_and_an_older_roster_are_refused(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    await record(store, *exchange.documents)
    await service(store, exchange, tmp_path).refresh()
    with pytest.raises(SettingsRefused, match="belongs to"):
        FileDirectoryMemory(tmp_path, "intake", "other.test/log", ROSTER)
    with pytest.raises(SettingsRefused, match="put it back"):
        FileDirectoryMemory(tmp_path, "intake", EXCHANGE, ROSTER - timedelta(seconds=1))
    assert FileDirectoryMemory(tmp_path, "intake", EXCHANGE, ROSTER + timedelta(days=1)).last() is not None


# --- when a recovery was logged


async def recovery(store: Store, exchange: ExchangeOnTest, claimed_leaf: bytes | None = None) -> PartyOnTest:
    """Brussels is recovered: the event's row, and its leaf, which waits for the sequencer."""
    new = exchange.recover(PartyOnTest("BE.PF"))
    event = parse_strict_json(exchange.documents[-1])
    leaf = encode_leaf("directory.key-event", NOW, bytes(16), event=event, seq=4)
    digest = digest_of_leaf(claimed_leaf or leaf)
    await record(store, *exchange.documents[:3])
    await write(store, Effects(inserts=[KeyEventRecord(4, exchange.documents[-1], NOW, digest)], leaves=[leaf]))
    return new


async def accepted(keyring: SqlKeyRing, party: PartyOnTest, at: datetime) -> bool:
    return (await keyring.refresh()).api_key(party.kid("api-ed25519"), at) is not None


async def test_the_wait_runs_from_the_time_at_which_the_ledger_logged_the_recovery(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    new, keyring, clock = (
        await recovery(store, exchange),
        service(store, exchange, tmp_path),
        FakeClock(datetime.now(UTC)),
    )
    assert not await accepted(keyring, new, NOW + timedelta(days=100))
    await sequencer(store, clock).run_round()
    logged_at = clock.now()
    for each in (keyring, service(store, exchange, tmp_path)):
        assert not await accepted(each, new, logged_at + WAIT_FOR_NEW_KEY - timedelta(seconds=1))
        assert await accepted(each, new, logged_at + WAIT_FOR_NEW_KEY)


async def test_the_database_writer_cannot_shorten_the_wait(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    """He sends the reader to an older entry."""
    older = a_leaf(b"older")
    await write(store, Effects(leaves=[older]))
    new = await recovery(store, exchange, claimed_leaf=older)
    await sequencer(store, FakeClock(datetime.now(UTC))).run_round()
    assert not await accepted(service(store, exchange, tmp_path), new, NOW + timedelta(days=100))


async def test_an_entry_that_was_dated_back_in_the_database_is_not_what_the_log_signed(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    new = await recovery(store, exchange)
    await sequencer(store, FakeClock(datetime.now(UTC))).run_round()
    async with store.write() as connection:
        entry = (await connection.execute(select(_LEAF.c.entry))).scalar_one()
        earlier = encode_entry(NOW - timedelta(days=30), entry.partition(b"\n")[2])
        changed = {"entry": earlier, "entry_hash": hash_leaf(earlier)}
        await connection.execute(update(_LEAF).values(changed))
    assert not await accepted(service(store, exchange, tmp_path), new, NOW + timedelta(days=100))


async def test_a_recovered_key_that_the_trust_file_pins_is_accepted_at_once(
    store: Store, exchange: ExchangeOnTest, tmp_path: Path
) -> None:
    new = await recovery(store, exchange)
    pinned = Waits(compared=frozenset({new.kid("api-ed25519")}))
    assert await accepted(service(store, exchange, tmp_path, pinned), new, NOW)
    assert await accepted(service(store, exchange, tmp_path, Waits(is_waived=True)), new, NOW)
