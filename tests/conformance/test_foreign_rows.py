"""Who can write to the database and has no service's key cannot make the ledger, or a service, say his words."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, text

from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.audit.leaves import encode_leaf, parse_entry
from shared.contracts.topology import LEAF_WRITERS, LEDGER, OUTBOX, QUEUES
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.frame.seal import MAX_FRAME_BYTES, FrameSealer
from shared.keys.public import service_owner
from shared.keys.roster import Roster
from shared.ports.unit_of_work import LEAF_FRAME_BYTES, LEAF_FRAME_LEAVES, LEAF_FRAME_MOST_BYTES, OVERSIZE_KEPT, Effects
from tests.conformance.rows import NOW, a_notice, new_id
from tests.conformance.stores import let_outbox_pass, row_counts, rows_of, units_of, waiting_leaves, write
from tests.conformance.test_sequencer import PaperMemory, a_leaf, entry, let_wait, sequencer, signed_sizes
from tests.fakes import START
from tests.unit.frame.services import OPENERS, RETENTION_S, ROSTER, SEALING, SIGNERS


async def put(store: Store, table: str, *rows: Mapping[str, Any]) -> None:
    """As the writer to the database does."""
    async with store.write() as connection:
        await connection.execute(insert(METADATA.tables[table]), list(rows))


def sealed(writer: str, *leaves: bytes, destination: str = LEDGER, type_: str = "leaf", signer: str = "") -> bytes:
    """Leaves in a frame to the ledger by somebody who has that service's key, or says so."""
    sealer = FrameSealer(writer, SIGNERS[signer or writer], SEALING, {destination: "ledger"})
    return sealer.seal(destination, [Item(new_id(), type_, 1, leaf) for leaf in leaves], START)


async def entries(store: Store) -> list[bytes]:
    return await SqlLedger(store).entries(0, 10_000)


async def reasons(store: Store, service: str = "ledger") -> list[str]:
    return [row.reason for row in await rows_of(store, f"{service}_dead_letter")]


# --- leaves

GENUINE = a_leaf(b"intake wrote this")
FOREIGN: dict[str, tuple[bytes, str]] = {
    "a leaf without a seal": (GENUINE, "frame.refused: "),
    "nothing": (b"", "frame.refused: "),
    "garbage": (b"\x00\xff" * 5000, "frame.refused: "),
    "a leaf of a writer whose key it is not": (sealed("intake", GENUINE, signer="routing"), "frame.refused: "),
    "a leaf of the gateway, which writes none": (sealed("gateway", GENUINE), "frame.refused: "),
    "a leaf for another destination": (sealed("intake", GENUINE, destination=OUTBOX), "frame.refused: "),
    "a frame with one bit changed": (bytes([*sealed("intake", GENUINE)[:-1], 0]), "frame.refused: "),
    "more than a frame of leaves may be": (b"\x00" * (LEAF_FRAME_MOST_BYTES + 1), "frame.refused: "),
    "a service in another's name": (sealed("routing", GENUINE), "ledger.leaf-refused: "),
    "a service in the name of the gateway, for which intake speaks": (
        sealed("routing", encode_leaf("exchange.started", NOW, bytes(16), service="gateway", version="1")),
        "ledger.leaf-refused: ",
    ),
    "what only another service may write": (
        sealed("routing", encode_leaf("directory.instruments", NOW, bytes(16), registry_sha256="A" * 43, version=1)),
        "ledger.leaf-refused: ",
    ),
    "a message that is no leaf": (sealed("intake", GENUINE, type_="submit-envelope"), "ledger.leaf-refused: "),
    "a leaf that no reader would read": (sealed("intake", b'{"v":1}'), "ledger.leaf-invalid: "),
    "a leaf that is larger than an entry": (
        sealed("intake", json.dumps({"v": 1, "nonce": "x" * 70_000}).encode()),
        "ledger.leaf-invalid: ",
    ),
}


async def test_what_no_service_wrote_or_may_write_is_set_aside_and_its_neighbours_are_placed(store: Store) -> None:
    await let_wait(store, b"before")
    await put(store, "leaf_waiting", *({"frame": frame} for frame, _ in FOREIGN.values()))
    await let_wait(store, b"behind")
    one = sequencer(store)
    assert await one.run_round() == 2
    assert await entries(store) == [entry(b"before"), entry(b"behind")]
    assert await signed_sizes(store) == [2]
    assert "leaf_waiting" not in await row_counts(store)
    letters = await rows_of(store, "ledger_dead_letter")
    for (name, (frame, reason)), letter in zip(FOREIGN.items(), letters, strict=True):
        assert letter.reason.startswith(reason), name
        assert letter.frame == (frame if len(frame) <= LEAF_FRAME_MOST_BYTES else frame[:OVERSIZE_KEPT]), name
    assert one.refused == len(FOREIGN)


async def test_a_row_that_is_not_even_bytes_stops_nobody(sqlite_url: str) -> None:
    """SQLite keeps what it is given."""
    store = Store(sqlite_url)
    await let_wait(store, b"before")
    async with store.write() as connection:
        for value in ("'text'", "17", "1.5"):
            await connection.execute(text(f"INSERT INTO leaf_waiting (frame) VALUES ({value})"))
            await connection.execute(
                text(f"INSERT INTO intake_outbox (id, relay_after, frame) VALUES ({value}, 0, {value})")
            )
    await let_wait(store, b"behind")
    assert await sequencer(store).run_round() == 2
    async with units_of(store).begin() as unit:
        assert await unit.take_overdue_outbox(10) == []
        await unit.commit()
    assert (await row_counts(store))["ledger_dead_letter"] == (await row_counts(store))["intake_dead_letter"] == 3
    await store.close()


async def test_a_round_of_nothing_but_foreign_rows_signs_nothing_and_ends(store: Store) -> None:
    await put(store, "leaf_waiting", {"frame": b"forged"})
    one = sequencer(store)
    assert [await one.run_round() for _ in range(3)] == [0, 0, 0]
    assert await row_counts(store) == {"ledger_dead_letter": 1}


async def test_a_leaf_is_placed_once_however_often_its_row_is_copied(store: Store) -> None:
    await let_wait(store, b"1", b"2")
    [row] = await rows_of(store, "leaf_waiting")
    await put(store, "leaf_waiting", {"frame": row.frame})  # while it waits
    one = sequencer(store)
    await one.run_round()
    await put(store, "leaf_waiting", {"frame": row.frame})  # when it has its place
    await let_wait(store, b"3")
    await one.run_round()
    assert await entries(store) == [entry(b"1"), entry(b"2"), entry(b"3")]
    assert [reason.startswith("ledger.leaf-refused: ") and "copy" in reason for reason in await reasons(store)] == [
        True,
        True,
    ]


async def test_of_one_frame_the_good_leaves_are_placed_and_the_others_are_not_lost(store: Store) -> None:
    """As after an update of the writer before that of the ledger: a leaf of a type that it does not know yet."""
    unknown = GENUINE.replace(b"exchange.started", b"exchange.renewed")
    await put(store, "leaf_waiting", {"frame": sealed("intake", unknown, GENUINE)})
    assert await sequencer(store).run_round() == 1
    assert [parse_entry(one)[1].type for one in await entries(store)] == ["exchange.started"]
    [letter] = await rows_of(store, "ledger_dead_letter")
    assert "exchange.renewed" in letter.reason
    assert await sequencer(store).run_round() == 0
    assert len(await rows_of(store, "ledger_dead_letter")) == 1, "it stays until it is good"


async def test_what_was_refused_for_the_ledgers_own_lack_has_its_place_after_a_restart(store: Store) -> None:
    """The ledger was started with a roster from before intake had this key."""
    own = OPENERS["ledger"]
    lacking = Roster(ROSTER.exchange, NOW, {"routing": ROSTER.services["routing"]})
    openers = {own.kid(service_owner("ledger")): own}
    blind = FrameOpener("ledger", openers, lacking, {LEDGER: LEAF_WRITERS}, RETENTION_S)
    memory = PaperMemory()
    for number in range(12):
        await let_wait(store, b"%d" % number)
    await put(store, "leaf_waiting", {"frame": b"forged"})
    assert await sequencer(store, memory=memory, opener=blind).run_round() == 0
    assert len(await reasons(store)) == 13
    await let_wait(store, b"next")
    again = sequencer(store, memory=memory)
    assert [await again.run_round() for _ in range(3)] == [11, 2, 0]
    assert {one.partition(b"\n")[2] for one in await entries(store)} == {
        a_leaf(name) for name in (*(b"%d" % number for number in range(12)), b"next")
    }
    assert len(await reasons(store)) == 1, "the forged one stays for the operator"


async def test_many_large_rows_are_read_in_bounded_pieces(store: Store) -> None:
    for _ in range(40):
        await put(store, "leaf_waiting", {"frame": b"\x00" * LEAF_FRAME_BYTES})
    async with SqlLedger(store).round() as round_:
        assert round_ is not None
        taken = await round_.waiting(200, 3 * LEAF_FRAME_BYTES)
        assert [row.id for row in taken] == [1, 2, 3]
        assert len(await round_.waiting(2, 1 << 40)) == 2
    await put(store, "leaf_waiting", {"frame": b"\x00" * (3 * LEAF_FRAME_BYTES)})
    async with SqlLedger(store).round() as round_:
        assert round_ is not None
        assert len((await round_.waiting(200, 1 << 40))[-1].frame) == LEAF_FRAME_MOST_BYTES + 1


async def test_the_leaves_of_one_transaction_wait_in_frames_that_are_bounded(store: Store) -> None:
    small = [a_leaf(b"%d" % number) for number in range(LEAF_FRAME_LEAVES + 1)]
    large = [b"x" * (LEAF_FRAME_BYTES // 3 + 1) for _ in range(4)]
    await write(store, Effects(leaves=[*small, *large]))
    assert await waiting_leaves(store) == [*small, *large]
    rows = await rows_of(store, "leaf_waiting")
    assert len(rows) == 3
    assert all(len(row.frame) <= LEAF_FRAME_MOST_BYTES for row in rows)


async def test_nothing_that_waits_shows_what_it_says(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()], leaves=[GENUINE]))
    async with store.read() as connection:
        for table, words in (("leaf_waiting", b"exchange.started"), ("intake_outbox", b"MA.PGR")):
            [frame] = (await connection.execute(select(METADATA.tables[table].c.frame))).scalars()
            assert words not in frame


# --- outboxes


async def test_a_service_publishes_only_what_a_process_of_its_own_left_in_its_outbox(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()], leaves=[GENUINE]), "routing")
    await write(store, Effects(publishes=[a_notice()]), "intake")
    [others] = await rows_of(store, "routing_outbox")
    [leaves] = await rows_of(store, "leaf_waiting")
    [own] = await rows_of(store, "intake_outbox")
    to_itself = FrameSealer("intake", SIGNERS["routing"], SEALING, {OUTBOX: "intake"})
    forged = {
        "words without a seal": json.dumps({"type": "envelope-admitted"}).encode(),
        "nothing": b"",
        "a row of another service": others.frame,
        "a frame of leaves": leaves.frame,
        "sealed to it by another": to_itself.seal(OUTBOX, [Item(new_id(), "envelope-admitted", 1, b"{}")], NOW),
        "one bit changed": bytes([*own.frame[:-1], own.frame[-1] ^ 1]),
        "too large to be a frame": b"\x00" * (MAX_FRAME_BYTES + 1),
    }
    rows = [{"id": f"forged-{number}", "frame": frame} for number, frame in enumerate(forged.values())]
    await put(store, "intake_outbox", *({**row, "relay_after": 0.0} for row in rows))
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        taken = await unit.take_overdue_outbox(100)
        await unit.commit()
    assert [row.id for row in taken] == [own.id]
    assert [row.id for row in await rows_of(store, "intake_outbox")] == [own.id]
    letters = await rows_of(store, "intake_dead_letter")
    assert sorted(letter.frame for letter in letters) == sorted(
        frame if len(frame) <= MAX_FRAME_BYTES else frame[:OVERSIZE_KEPT] for frame in forged.values()
    )
    assert all(letter.reason.startswith("frame.refused: an outbox row: ") for letter in letters)


async def test_a_copy_of_an_outbox_row_repeats_items_that_are_known_by_their_ids(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()]))
    [row] = await rows_of(store, "intake_outbox")
    await put(store, "intake_outbox", {"id": new_id(), "frame": row.frame, "relay_after": 0.0})
    await let_outbox_pass(store, 11)
    async with units_of(store).begin() as unit:
        one, copy = await unit.take_overdue_outbox(100)
    assert one.items == copy.items
    assert one.destination == "notification" in QUEUES
