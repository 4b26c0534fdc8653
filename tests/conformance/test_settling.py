"""What a batch does when something beside its messages is wrong: a forged directory, rivals, rows in the way."""

import pytest

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.notification.handler import NotificationHandler
from shared.adapters.sql.engine import Store
from shared.contracts.messages import RecordKeyEvent, ServiceMessage
from shared.contracts.records import KeyEventRecord
from shared.contracts.registry import encode_message
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import DirectoryUntrusted
from shared.frame.items import Item
from shared.ports.handler import Handler
from shared.ports.unit_of_work import Effects
from shared.runtime.batch import CONFLICT_PARKS, Settler
from tests.conformance.rows import MA, a_feed_entry, a_notice
from tests.conformance.stores import row_counts, rows_of, units_of, write
from tests.conformance.test_keyring import keyring_of
from tests.fakes import FakeClock
from tests.unit.frame.services import NOW, opener, sealer
from tests.unit.keys.parties import ExchangeOnTest, PartyOnTest


@pytest.fixture(scope="module")
def exchange() -> ExchangeOnTest:
    return ExchangeOnTest()


def settler_of(
    store: Store, exchange: ExchangeOnTest, handler: Handler, service: str, clock: FakeClock | None = None
) -> Settler:
    clock = clock or FakeClock(NOW)
    units = units_of(store, service, clock)
    return Settler(service, handler, units, opener(service), keyring_of(store, exchange), clock)


def intake_of(store: Store, exchange: ExchangeOnTest) -> Settler:
    documents = RecordDocuments(exchange.operator_keys, 2)
    return settler_of(store, exchange, IntakeHandler("comity.test/log", documents), "intake")


def a_frame(producer: str, destination: str, *messages: ServiceMessage) -> bytes:
    items = [Item(new_uuid7(NOW), one.TYPE, one.VERSION, encode_message(one)) for one in messages]
    return sealer(producer).seal(destination, items, NOW)


def an_enrolment(exchange: ExchangeOnTest, party: str) -> RecordKeyEvent:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest(party)))
    return RecordKeyEvent(event=document, received_at=encode_time(NOW))


async def test_no_message_is_judged_or_set_aside_by_a_directory_that_does_not_verify(
    store: Store, exchange: ExchangeOnTest
) -> None:
    await write(store, Effects(inserts=[KeyEventRecord(1, b"not signed by any operator", NOW, None)]))
    settler = intake_of(store, exchange)
    before = await row_counts(store)
    with pytest.raises(DirectoryUntrusted):
        await settler.settle([a_frame("gateway", "intake", an_enrolment(exchange, "MA.PGR"))])
    assert await row_counts(store) == before


async def test_an_event_that_comes_twice_in_one_batch_is_one_leaf(store: Store, exchange: ExchangeOnTest) -> None:
    event = an_enrolment(exchange, "MA.PGR")
    await intake_of(store, exchange).settle([a_frame("gateway", "intake", event, event)])
    counts = await row_counts(store)
    assert (counts["key_event"], counts["leaf_waiting"], counts["intake_inbox"]) == (1, 1, 2)
    assert "intake_dead_letter" not in counts


async def test_of_two_events_with_one_number_the_ledger_holds_the_one_that_counts(
    store: Store, exchange: ExchangeOnTest
) -> None:
    rabat, paris = an_enrolment(exchange, "MA.PGR"), an_enrolment(exchange, "FR.BEPI")
    await intake_of(store, exchange).settle([a_frame("gateway", "intake", rabat, paris)])
    (kept,) = await rows_of(store, "key_event")
    assert kept.event == rabat.event
    assert len(await rows_of(store, "leaf_waiting")) == 1
    assert len(await rows_of(store, "intake_parked")) == 1  # the other one is refused in the end, with its reason


async def test_a_message_that_meets_the_same_conflict_for_ever_stands_in_nobodys_way(
    store: Store, exchange: ExchangeOnTest
) -> None:
    await write(store, Effects(inserts=[a_feed_entry(MA, 1)]), "notification")  # a feed without its head
    clock = FakeClock(NOW)
    settler = settler_of(store, exchange, NotificationHandler(), "notification", clock)
    await settler.settle([a_frame("routing", "notification", a_notice())])
    assert len(await rows_of(store, "notification_parked")) == 1
    for _ in range(CONFLICT_PARKS):
        clock.advance(2)
        await settler.settle_due()
    assert await rows_of(store, "notification_parked") == []
    (letter,) = await rows_of(store, "notification_dead_letter")
    assert letter.reason.startswith("store.conflict")
