"""What was not delivered may be sent again: intake decides by the evidences in the database; on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.intake.transport_keeper import TransportKeeper
from shared.adapters.sql.engine import Store
from shared.adapters.sql.late_messages import SqlLateMessages
from shared.adapters.sql.queries import SqlQueries
from shared.audit.leaves import parse_leaf
from shared.contracts.records import Evidence
from shared.domain.ids import encode_time
from shared.envelope.container import parse_submission
from shared.ports.handler import Occasion
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects
from shared.runtime.batch_view import BatchView
from tests.conformance.rows import BE, FR, MA
from tests.conformance.stores import units_of, write
from tests.fakes import FakeClock
from tests.unit.envelope.workshop import EXCHANGE, NOW
from tests.unit.services.desk import reply, request, submit, usual_directory

BY_BAG = {"channel": "diplomatic-bag", "sent": "2026-11-24", "bag": "ma-2026-41"}
ACCEPTED, ILLEGAL = "accepted", "dossier.illegal-move"


@dataclass
class Sender:
    """A request of Rabat to Brussels and Paris, decided by intake over a database, and what Rabat sends after it."""

    store: Store
    clock: FakeClock
    request: bytes

    async def decide(self, submission: bytes) -> str:
        handler, message = IntakeHandler(EXCHANGE, RecordDocuments([], 2)), submit(submission)
        keys, now = handler.needs(message), self.clock.now()
        async with units_of(self.store, "intake", self.clock).begin() as unit:
            view = BatchView(keys, await unit.load(keys))
            occasion = Occasion(now, now, usual_directory(), PublishedInstruments(0, None))
            effects = handler.handle(message, view, occasion)
            await unit.write(effects)
            await unit.commit()
        leaf = parse_leaf(effects.leaves[0])
        return str(leaf.fields.get("code", ACCEPTED))

    def again(self, kind: str = "resend", **changes: Any) -> bytes:
        act = BY_BAG if kind == "other-channel" else {}
        return reply(self.request, kind, MA, act=act, sent_at=encode_time(self.clock.now()), **changes)

    async def look(self, hours: float) -> None:
        """The keeper of the limits, so much later."""
        self.clock.advance(hours * 3600)

        async def publish(rows: object) -> set[str]:
            return set()

        units = units_of(self.store, "intake", self.clock)
        await TransportKeeper(SqlLateMessages(self.store), units, publish, self.clock, lambda said: None).strike_due()

    async def deliver(self, message: str) -> None:
        evidence = Evidence(message, "delivery", BE, self.clock.now(), b"its leaf")
        await write(self.store, Effects(inserts=[evidence]), "routing")

    async def transport(self) -> dict[str, str]:
        view = await SqlQueries(self.store).dossier(MA, parse_submission(self.request).header.dossier)
        assert view is not None
        return dict(view.transport)


@pytest.fixture
async def sender(store: Store) -> Sender:
    made = Sender(store, FakeClock(NOW), request())
    assert await made.decide(made.request) == ACCEPTED
    return made


async def test_what_was_not_delivered_is_sent_again_once_and_counts_from_then_on(sender: Sender) -> None:
    assert await sender.decide(sender.again()) == ILLEGAL
    await sender.look(25)
    assert await sender.transport() == {BE: "not-delivered", FR: "not-delivered"}
    again = sender.again()
    assert await sender.decide(again) == ACCEPTED
    assert await sender.transport() == {BE: "submitted", FR: "not-delivered"}
    seen = parse_submission(again).digest
    assert await sender.decide(sender.again(seen=seen)) == ILLEGAL  # it names the sending that failed, not the new one
    assert await sender.decide(sender.again(seen=seen, in_reply_to=parse_submission(again).header.id)) == ILLEGAL
    await sender.look(25)
    assert await sender.decide(sender.again(seen=seen, in_reply_to=parse_submission(again).header.id)) == ACCEPTED


async def test_another_channel_is_open_as_soon_as_the_relay_failed(sender: Sender) -> None:
    await sender.look(11)
    assert await sender.decide(sender.again("other-channel")) == ILLEGAL
    await sender.look(2)
    assert await sender.decide(sender.again("other-channel")) == ACCEPTED


async def test_what_came_late_is_not_sent_again(sender: Sender) -> None:
    await sender.look(25)
    await sender.deliver(parse_submission(sender.request).header.id)
    for kind in ("resend", "other-channel"):
        assert await sender.decide(sender.again(kind)) == ILLEGAL


async def test_that_another_message_failed_is_no_reason(sender: Sender) -> None:
    await sender.look(25)
    assert await sender.decide(sender.again(in_reply_to=None)) == ILLEGAL
    assert await sender.decide(sender.again(in_reply_to=parse_submission(request()).header.id)) == ILLEGAL
