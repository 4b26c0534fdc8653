"""What operators sign, as intake admits it: key events and registries of instruments, verified, kept, logged."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

import pytest

from services.intake.directory import EARLIER_EVENT_WAIT, RecordDocuments
from services.intake.handler import IntakeHandler
from shared.audit.leaves import digest_of_leaf
from shared.contracts.api import MAX_DOCUMENT_BYTES
from shared.contracts.messages import RecordInstruments, RecordKeyEvent
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.domain.ids import encode_time
from shared.domain.instruments import parse_registry
from shared.domain.strict_json import encode_canonical_json
from shared.errors import InstrumentsInvalid, KeyEventRefused, RetryLater
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.events import EVENT_DATE_TOLERANCE
from shared.keys.instruments import publication_after, sign_instruments, verify_instruments
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects
from tests.unit.keys.parties import EXCHANGE, NOW, ExchangeOnTest, PartyOnTest
from tests.unit.services.desk import INSTRUMENTS, Desk, leaves_of

REGISTRY = INSTRUMENTS.read_bytes()
CANONICAL = encode_canonical_json(json.loads(REGISTRY))
NEWER = REGISTRY.replace(b'"note": "', b'"note": "Newer. ', 1)


@pytest.fixture
def exchange() -> ExchangeOnTest:
    return ExchangeOnTest()


def intake_of(exchange: ExchangeOnTest, directory: Directory | None = None) -> Desk:
    documents = RecordDocuments(exchange.operator_keys, 2)
    return Desk(IntakeHandler(EXCHANGE, documents), Directory.empty(EXCHANGE) if directory is None else directory)


def a_key_event(document: bytes) -> RecordKeyEvent:
    return RecordKeyEvent(event=document, received_at=encode_time(NOW))


def published(exchange: ExchangeOnTest, after: bytes | None = None, registry: bytes = REGISTRY) -> bytes:
    """The registry as two operators publish it after another."""
    last = None if after is None else verify_instruments(after, exchange.operator_keys, 2, EXCHANGE)
    return sign_instruments(registry, exchange.operators[:2], EXCHANGE, *publication_after(last))


def in_force(exchange: ExchangeOnTest, document: bytes) -> PublishedInstruments:
    publication = verify_instruments(document, exchange.operator_keys, 2, EXCHANGE)
    return PublishedInstruments(publication.number, parse_registry(publication.registry), publication.digest)


def instruments(document: bytes) -> RecordInstruments:
    return RecordInstruments(document=document, received_at=encode_time(NOW))


# --- key events


def test_a_signed_key_event_is_kept_as_it_came_and_logged_whole(exchange: ExchangeOnTest) -> None:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))
    effects = intake_of(exchange).handle(a_key_event(document), at=NOW)
    assert effects.inserts == [KeyEventRecord(1, document, NOW, digest_of_leaf(effects.leaves[0]))]
    [leaf] = leaves_of(effects)
    assert (leaf.type, leaf.fields["seq"], leaf.fields["event"]) == ("directory.key-event", 1, json.loads(document))
    assert effects.publishes == []


def test_an_event_that_no_quorum_signed_is_refused_without_effect(exchange: ExchangeOnTest) -> None:
    forged = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")), signers=1)
    desk = intake_of(exchange)
    with pytest.raises(KeyEventRefused):
        desk.handle(a_key_event(forged), at=NOW + EARLIER_EVENT_WAIT, first_at=NOW)
    assert not desk.rows


@pytest.mark.parametrize("which", [0, 1], ids=["an older one", "the newest"])
def test_an_event_that_is_recorded_already_has_no_effect(exchange: ExchangeOnTest, which: int) -> None:
    exchange.enrol("MA.PGR")
    exchange.enrol("BE.PF")
    desk = intake_of(exchange, exchange.directory)
    again = a_key_event(exchange.documents[which])
    assert desk.handle(again, at=NOW + EARLIER_EVENT_WAIT, first_at=NOW) == Effects()


def test_an_event_before_its_predecessor_waits_ten_seconds_for_it(exchange: ExchangeOnTest) -> None:
    before = exchange.directory
    exchange.enrol("MA.PGR")
    between = exchange.directory
    exchange.enrol("BE.PF")
    desk, second = intake_of(exchange, before), a_key_event(exchange.documents[1])
    for waited in (timedelta(0), EARLIER_EVENT_WAIT - timedelta(microseconds=1)):
        with pytest.raises(RetryLater):
            desk.handle(second, at=NOW + waited, first_at=NOW)
    with pytest.raises(KeyEventRefused):
        desk.handle(second, at=NOW + EARLIER_EVENT_WAIT, first_at=NOW)
    desk.directory = between
    assert [leaf.fields["seq"] for leaf in leaves_of(desk.handle(second, at=NOW))] == [2]


@pytest.mark.parametrize(
    ("now", "is_admitted"),
    [
        (NOW + EVENT_DATE_TOLERANCE, True),
        (NOW - EVENT_DATE_TOLERANCE, True),
        (NOW + EVENT_DATE_TOLERANCE + timedelta(seconds=1), False),
        (NOW - EVENT_DATE_TOLERANCE - timedelta(seconds=1), False),
    ],
)
def test_an_event_is_dated_within_a_day_of_the_clock(
    exchange: ExchangeOnTest, now: datetime, is_admitted: bool
) -> None:
    desk, event = intake_of(exchange), a_key_event(exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR"))))
    if is_admitted:
        assert len(desk.handle(event, at=now).inserts) == 1
    else:
        with pytest.raises(KeyEventRefused):
            desk.handle(event, at=now)
        assert not desk.rows


# --- instruments


def test_a_signed_registry_is_published_under_the_next_number(exchange: ExchangeOnTest) -> None:
    document, desk = published(exchange), intake_of(exchange)
    effects = desk.handle(instruments(document), at=NOW)
    assert effects.inserts == [InstrumentsRecord(1, document, NOW)]
    [leaf] = leaves_of(effects)
    assert (leaf.type, leaf.fields["version"], leaf.fields["document"]) == (
        "directory.instruments",
        1,
        json.loads(document),
    )
    assert leaf.fields["registry_sha256"] == encode_b64u(hashlib.sha256(CANONICAL).digest())
    assert "ma-fr-2008:added" in leaf.fields["changes"]
    desk.published = in_force(exchange, document)
    newer = published(exchange, after=document, registry=NEWER)
    effects = desk.handle(instruments(newer), at=NOW)
    assert effects.inserts == [InstrumentsRecord(2, newer, NOW)]
    assert leaves_of(effects)[0].fields["changes"] == []


def test_the_publication_in_force_again_has_no_effect_whoever_signs_it(exchange: ExchangeOnTest) -> None:
    desk = intake_of(exchange)
    desk.published = in_force(exchange, published(exchange))
    again = sign_instruments(REGISTRY, exchange.operators[1:], EXCHANGE)
    assert desk.handle(instruments(again), at=NOW) == Effects()


def test_the_thief_of_one_operator_key_cannot_publish_an_old_registry_again(exchange: ExchangeOnTest) -> None:
    """Two operators signed it once; whoever may post a document posts it when a newer one is in force."""
    first = published(exchange)
    second = published(exchange, after=first, registry=NEWER)
    desk = intake_of(exchange)
    desk.published = in_force(exchange, second)
    for old in (first, published(exchange, registry=b'{"v":1,"version":"x","note":"x","instruments":[]}')):
        with pytest.raises(InstrumentsInvalid, match="the next is 3"):
            desk.handle(instruments(old), at=NOW)
    assert not desk.rows


def test_a_registry_for_another_exchange_is_refused(exchange: ExchangeOnTest) -> None:
    desk = intake_of(exchange)
    with pytest.raises(InstrumentsInvalid, match="another"):
        desk.handle(instruments(sign_instruments(REGISTRY, exchange.operators[:2], "another.example/log")), at=NOW)


def test_a_registry_before_its_predecessor_waits_ten_seconds_for_it(exchange: ExchangeOnTest) -> None:
    desk, second = intake_of(exchange), instruments(published(exchange, after=published(exchange), registry=NEWER))
    with pytest.raises(RetryLater):
        desk.handle(second, at=NOW)
    with pytest.raises(InstrumentsInvalid):
        desk.handle(second, at=NOW + EARLIER_EVENT_WAIT, first_at=NOW)


@pytest.mark.parametrize("signers", [0, 1])
def test_a_registry_that_no_quorum_signed_is_refused_without_effect(exchange: ExchangeOnTest, signers: int) -> None:
    desk = intake_of(exchange)
    with pytest.raises(InstrumentsInvalid):
        desk.handle(instruments(sign_instruments(REGISTRY, exchange.operators[:signers], EXCHANGE)), at=NOW)
    assert not desk.rows


def test_a_registry_that_is_none_is_refused_though_it_is_signed(exchange: ExchangeOnTest) -> None:
    desk = intake_of(exchange)
    with pytest.raises(InstrumentsInvalid):
        desk.handle(instruments(sign_instruments(b'{"v":1}', exchange.operators[:2], EXCHANGE)), at=NOW)
    assert not desk.rows


def test_the_largest_document_that_the_gateway_takes_fits_its_leaf(exchange: ExchangeOnTest) -> None:
    registry = json.loads(REGISTRY)
    [first, *_] = registry["instruments"]
    registry["instruments"] = []

    def document() -> bytes:
        return sign_instruments(json.dumps(registry).encode(), exchange.operators[:2], EXCHANGE)

    while len(document()) < MAX_DOCUMENT_BYTES - 3000:
        registry["instruments"].append({**first, "code": f"x{len(registry['instruments'])}"})
    registry["note"] = "x" * 900
    assert MAX_DOCUMENT_BYTES - 3000 <= len(document()) <= MAX_DOCUMENT_BYTES
    assert len(intake_of(exchange).handle(instruments(document()), at=NOW).leaves) == 1
