"""What the gateway may read (`shared/ports/queries.py`), on SQLite and on PostgreSQL alike: one's own and no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.queries import SqlQueries
from shared.contracts.records import Claim, InstrumentsRecord, KeyEventRecord, Record
from shared.ports.ledger import PlacedLeaves, TreeHead
from shared.ports.queries import KeyEventPlace
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import (
    BE,
    DIGEST,
    DOSSIER,
    ES,
    FR,
    MA,
    MESSAGE,
    NOW,
    OTHER_DIGEST,
    OUTSIDER,
    a_dead_letter,
    a_decision,
    a_dossier,
    a_feed_entry,
    a_leg,
    a_mailbox_entry,
    a_notice,
    a_parked_item,
    an_envelope,
    an_evidence,
    new_id,
)
from tests.conformance.stores import let_outbox_pass, units_of, write

SECOND = timedelta(seconds=1)
LEAF_DIGEST = b"leaf of the decision"


async def test_a_message_is_settled_once_its_own_senders_feed_says_how_it_ended(store: Store) -> None:
    delivered, rejected, accepted, anothers = (new_id() for _ in range(4))
    entries = [
        replace(a_feed_entry(MA, 1), message=delivered, type="message.accepted"),
        replace(a_feed_entry(MA, 2), message=delivered, type="message.delivered"),
        replace(a_feed_entry(MA, 3), message=rejected, type="message.rejected"),
        replace(a_feed_entry(MA, 4), message=accepted, type="message.accepted"),
        replace(a_feed_entry(BE, 1), message=delivered, type="message.received"),
        replace(a_feed_entry(BE, 2), message=anothers, type="message.rejected"),
    ]
    await write(store, Effects(inserts=list(entries)), "notification")
    asked = [delivered, rejected, accepted, anothers]
    assert await SqlQueries(store).settled(asked) == {(MA, delivered), (MA, rejected), (BE, anothers)}
    assert await SqlQueries(store).settled([accepted]) == set()


async def place(store: Store, *leaf_digests: bytes) -> None:
    """Give these leaves the first places of the ledger."""
    count = len(leaf_digests)
    leaves = PlacedLeaves(0, NOW, [b"entry"] * count, [b"h" * 32] * count, leaf_digests)
    async with SqlLedger(store).round() as round_:
        assert round_ is not None
        await round_.append(leaves, [], TreeHead(count, b"r" * 32, NOW), [])
        await round_.commit()


async def deliver(store: Store) -> None:
    """One request of MA.PGR in the mailboxes of BE.PF and FR.BEPI; BE.PF has fetched it."""
    rows: list[Record] = [
        Claim(MESSAGE, MA, DIGEST),
        a_decision(),
        a_dossier(),
        a_leg(requested=BE),
        a_leg(requested=FR),
        an_envelope(),
        *(a_mailbox_entry(reader) for reader in (MA, BE, FR)),
        an_evidence(BE),
        an_evidence(FR),
        an_evidence(BE, "retrieval", at=NOW + SECOND),
    ]
    await write(store, Effects(inserts=rows))


# --- decisions


async def test_a_decision_is_told_to_its_sender_with_the_place_of_its_leaf(store: Store) -> None:
    queries = SqlQueries(store)
    assert await queries.decision(MA, MESSAGE) is None
    await deliver(store)
    waiting = await queries.decision(MA, MESSAGE)
    assert waiting is not None
    assert (waiting.decision, waiting.leaf_index) == (a_decision(), None)
    await place(store, b"another leaf", LEAF_DIGEST)
    placed = await queries.decision(MA, MESSAGE)
    assert placed is not None
    assert (placed.decision, placed.leaf_index) == (a_decision(), 1)


@pytest.mark.parametrize("reader", [BE, OUTSIDER])
async def test_a_decision_on_the_message_of_another_is_absent(store: Store, reader: str) -> None:
    await deliver(store)
    assert await SqlQueries(store).decision(reader, MESSAGE) is None


async def test_of_several_decisions_under_an_id_the_one_on_the_envelope_that_holds_it_counts(store: Store) -> None:
    reused = a_decision(digest=OTHER_DIGEST, decision="rejected", code="message.id-reused", decided_at=NOW + SECOND)
    await deliver(store)
    await write(store, Effects(inserts=[reused]))
    view = await SqlQueries(store).decision(MA, MESSAGE)
    assert view is not None
    assert view.decision == a_decision()


async def test_of_rejections_under_an_id_that_nobody_holds_the_newest_counts(store: Store) -> None:
    first = a_decision(decision="rejected", code="envelope.expired")
    second = replace(first, digest=OTHER_DIGEST, code="envelope.key-unknown", decided_at=NOW + SECOND)
    await write(store, Effects(inserts=[second, first]))
    view = await SqlQueries(store).decision(MA, MESSAGE)
    assert view is not None
    assert view.decision == second


# --- envelopes


async def test_each_reader_gets_the_envelope_with_its_own_wrap(store: Store) -> None:
    await deliver(store)
    for reader in (MA, BE, FR):
        readable = await SqlQueries(store).envelope(reader, MESSAGE)
        assert readable is not None
        entry, envelope = a_mailbox_entry(reader), an_envelope()
        assert (readable.kid, readable.wrap, readable.delivered_at) == (entry.kid, entry.wrap, entry.delivered_at)
        assert (readable.message, readable.dossier, readable.sender) == (MESSAGE, DOSSIER, MA)
        assert (readable.digest, readable.jws) == (envelope.digest, envelope.jws)
        assert readable.is_sender == (reader == MA)


async def test_an_envelope_of_others_is_as_absent_as_one_that_does_not_exist(store: Store) -> None:
    queries = SqlQueries(store)
    await deliver(store)
    assert await queries.envelope(OUTSIDER, MESSAGE) is None
    assert await queries.envelope(BE, new_id()) is None


# --- evidences


async def test_the_sender_sees_every_evidence_of_its_message_with_its_place(store: Store) -> None:
    await deliver(store)
    await place(store, LEAF_DIGEST, an_evidence(FR).leaf_digest)
    views = await SqlQueries(store).evidences(MA, MESSAGE)
    assert views is not None
    assert [(view.evidence.kind, view.evidence.recipient, view.leaf_index) for view in views] == [
        ("submission-acceptance", MA, 0),
        ("delivery", BE, None),
        ("delivery", FR, 1),
        ("retrieval", BE, None),
    ]


async def test_a_recipient_sees_the_evidences_that_concern_itself(store: Store) -> None:
    await deliver(store)
    views = await SqlQueries(store).evidences(BE, MESSAGE)
    assert views is not None
    assert [(view.evidence.kind, view.evidence.recipient) for view in views] == [
        ("submission-acceptance", MA),
        ("delivery", BE),
        ("retrieval", BE),
    ]


async def test_evidences_of_others_are_as_absent_as_those_of_no_message(store: Store) -> None:
    queries = SqlQueries(store)
    await deliver(store)
    assert await queries.evidences(OUTSIDER, MESSAGE) is None
    assert await queries.evidences(MA, new_id()) is None


async def test_the_sender_of_a_rejected_message_sees_the_rejection_as_its_evidence(store: Store) -> None:
    await write(store, Effects(inserts=[a_decision(decision="rejected", code="envelope.expired")]))
    views = await SqlQueries(store).evidences(MA, MESSAGE)
    assert views is not None
    assert [(view.evidence.kind, view.evidence.recipient) for view in views] == [("submission-rejection", MA)]


@pytest.mark.parametrize("intruder", [BE, OUTSIDER])
async def test_who_sends_something_under_the_id_of_another_learns_of_its_own_rejection_only(
    store: Store, intruder: str
) -> None:
    """It was refused as reused; that must not make it the sender of the message that holds the id."""
    await deliver(store)
    attempt = a_decision(digest=OTHER_DIGEST, sender=intruder, decision="rejected", code="message.id-reused")
    await write(store, Effects(inserts=[attempt]))
    views = await SqlQueries(store).evidences(intruder, MESSAGE)
    assert views is not None
    own = [("submission-acceptance", MA), ("delivery", BE), ("retrieval", BE)] if intruder == BE else []
    found = sorted((view.evidence.kind, view.evidence.recipient) for view in views)
    assert found == sorted([("submission-rejection", intruder), *own])
    for_sender = await SqlQueries(store).evidences(MA, MESSAGE)
    assert for_sender is not None
    assert intruder not in {view.evidence.recipient for view in for_sender if view.evidence.kind.startswith("sub")}


# --- dossiers


async def test_the_requesting_party_sees_all_legs_and_each_requested_one_its_own(store: Store) -> None:
    queries = SqlQueries(store)
    await deliver(store)
    for reader, legs in ((MA, [BE, FR]), (BE, [BE]), (FR, [FR])):
        view = await queries.dossier(reader, DOSSIER)
        assert view is not None
        assert [leg.requested for leg in view.legs] == legs
        assert (view.dossier, view.requesting, view.profile, view.opened_at) == (DOSSIER, MA, "mla-request", NOW)
        assert view.transport == dict.fromkeys(legs, "delivered")
        assert await queries.dossiers(reader, None, 10) == [view]


async def test_a_dossier_of_others_is_as_absent_as_one_that_does_not_exist(store: Store) -> None:
    queries = SqlQueries(store)
    await deliver(store)
    assert await queries.dossier(OUTSIDER, DOSSIER) is None
    assert await queries.dossier(MA, new_id()) is None
    assert await queries.dossiers(OUTSIDER, None, 10) == []


async def test_a_leg_is_submitted_until_its_message_lies_in_the_mailbox(store: Store) -> None:
    rows: list[Record] = [a_dossier(), a_leg(requested=BE), a_leg(requested=FR), a_mailbox_entry(FR)]
    await write(store, Effects(inserts=rows))
    view = await SqlQueries(store).dossier(MA, DOSSIER)
    assert view is not None
    assert view.transport == {BE: "submitted", FR: "delivered"}


async def test_dossiers_come_newest_first_page_by_page_each_once(store: Store) -> None:
    ids = sorted(new_id() for _ in range(7))
    rows: list[Record] = []
    for number, dossier in enumerate(ids):
        rows += [a_dossier(dossier=dossier), a_leg(dossier=dossier, requested=BE)]
        rows += [a_leg(dossier=dossier, requested=FR)] if number % 2 else []
    for dossier in (new_id(), new_id()):
        rows += [a_dossier(dossier=dossier, requesting=OUTSIDER), a_leg(dossier=dossier, requested=ES)]
    await write(store, Effects(inserts=rows))

    async def all_pages(reader: str) -> list[str]:
        found: list[str] = []
        for _ in ids:
            page = await SqlQueries(store).dossiers(reader, found[-1] if found else None, 2)
            assert len(page) <= 2
            found += [view.dossier for view in page]
        return found

    assert await all_pages(MA) == ids[::-1]
    assert await all_pages(BE) == ids[::-1]
    assert await all_pages(FR) == ids[1::2][::-1]


# --- what else the gateway asks


async def test_key_events_are_found_in_the_ledger_once_they_have_their_place(store: Store) -> None:
    leaves = {1: b"\x01" * 32, 2: b"\x02" * 32, 3: None, 4: b"\x04" * 32}
    await write(store, Effects(inserts=[KeyEventRecord(seq, b"event", NOW, leaf) for seq, leaf in leaves.items()]))
    await place(store, b"\x02" * 32, b"\x01" * 32)
    queries = SqlQueries(store)
    places = [KeyEventPlace(1, 1), KeyEventPlace(2, 0), KeyEventPlace(3, None), KeyEventPlace(4, None)]
    assert await queries.key_event_places(0, 10) == places
    assert await queries.key_event_places(1, 2) == places[1:3]
    assert await queries.key_event_places(4, 2) == []


async def test_the_newest_registry_of_instruments_counts(store: Store) -> None:
    queries = SqlQueries(store)
    assert await queries.instruments() is None
    await write(store, Effects(inserts=[InstrumentsRecord(number, b"%d" % number, NOW) for number in (1, 3, 2)]))
    assert await queries.instruments() == InstrumentsRecord(3, b"3", NOW)


async def test_readiness_tells_what_waits_and_what_failed(store: Store) -> None:
    queries = SqlQueries(store)
    assert await queries.ping() == {
        "outbox_age_s": 0.0,
        "dead_letters": 0,
        "ledger_size": 0,
        "ledger_logged_at": None,
        "leaves_waiting": 0,
        "parked": 0,
        "parked_due_at": None,
    }
    await write(store, Effects(publishes=[a_notice()], leaves=[b"one", b"two"]), "routing")
    await let_outbox_pass(store, 70, "routing")
    for service in ("intake", "notification"):
        async with units_of(store, service).begin() as unit:
            await unit.bury([a_dead_letter()])
            await unit.park([(a_parked_item(), NOW + timedelta(seconds=len(service)), "later")])
            await unit.commit()
    await place(store, b"x", b"y", b"z")
    figures = await queries.ping()
    assert 59 < figures.pop("outbox_age_s") < 70
    assert figures == {
        "dead_letters": 2,
        "ledger_size": 3,
        "ledger_logged_at": NOW,
        "leaves_waiting": 1,
        "parked": 2,
        "parked_due_at": NOW + timedelta(seconds=len("intake")),
    }
