"""What nobody could process is set aside with its reason, and tried again when an operator says so: once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.audit.leaves import parse_leaf
from shared.contracts.messages import EnvelopeRetrieved, RetryRoutingLetter, ServiceMessage
from shared.contracts.records import Claim, Key
from shared.contracts.registry import encode_message
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import RecipientUnknown, RetryLater
from shared.frame.items import Item
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import EARLIER_REASONS, Effects, View
from shared.runtime.batch import Settler
from shared.runtime.crash_points import Reach, reach_nothing
from tests.conformance.stores import OpenStore, rows_of, units_of, waiting_leaves
from tests.fakes import FakeClock
from tests.unit.frame.services import NOW, opener, sealer

SERVICE = "routing"
REQUEST = '"@method": POST\n'


class Killed(BaseException):
    """The end of a process, as far as a test can play it."""


@dataclass
class Moody:
    """One row for each message, as long as nothing is broken; what is broken is an error of its own."""

    broken: Exception | None = None
    handled: list[str] = field(default_factory=list)

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        assert isinstance(message, EnvelopeRetrieved)
        return [Key(Claim, (message.message,))]

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        assert isinstance(message, EnvelopeRetrieved)
        if self.broken is not None:
            raise self.broken
        assert view.get(Claim, message.message) is None, "handled twice"
        return Effects(inserts=[Claim(message.message, "BE.PF", "d" * 43)])


@dataclass
class Desk:
    """One service on one database, its clock and its handler; several may share a database."""

    store: Store
    handler: Moody = field(default_factory=Moody)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    reach: Reach = reach_nothing

    def settler(self, reader: Any = None) -> Settler:
        keyring = SqlKeyRing(self.store, "comity.test/log", [], 2)
        return Settler(
            SERVICE,
            self.handler,
            units_of(self.store, SERVICE, self.clock),
            reader or opener(SERVICE),
            keyring,
            self.clock,
            lambda point: self.reach(point),
        )

    async def post(self, *messages: ServiceMessage) -> None:
        await self.settler().settle([self.seal(*messages)])

    def seal(self, *messages: ServiceMessage) -> bytes:
        items = [Item(new_uuid7(self.clock.now()), one.TYPE, one.VERSION, encode_message(one)) for one in messages]
        return sealer("gateway").seal(SERVICE, items, self.clock.now())

    async def retry(self, letter: int) -> None:
        """The operator's order comes, and what is due is done."""
        await self.post(an_order(letter, self.clock))
        await self.settler().settle_due()

    async def letters(self) -> list[Any]:
        return await rows_of(self.store, f"{SERVICE}_dead_letter")

    async def parked(self) -> list[Any]:
        return await rows_of(self.store, f"{SERVICE}_parked")

    async def effects(self) -> list[str]:
        return [row.message for row in await rows_of(self.store, "claim")]

    async def retried(self) -> list[Any]:
        """What the ledger will say of it."""
        leaves = [parse_leaf(leaf) for leaf in await waiting_leaves(self.store)]
        assert all(leaf.type == "exchange.letter-retried" for leaf in leaves)
        return [leaf.fields for leaf in leaves]


def a_message() -> EnvelopeRetrieved:
    at = encode_time(NOW)
    return EnvelopeRetrieved(message=new_uuid7(NOW), recipient="BE.PF", request="", retrieved_at=at)


def an_order(letter: int, clock: FakeClock) -> RetryRoutingLetter:
    return RetryRoutingLetter(letter=letter, request=REQUEST, requested_at=encode_time(clock.now()))


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_a_poisoned_message_is_set_aside_mended_and_retried_to_its_one_effect(desk: Desk) -> None:
    desk.handler.broken = ZeroDivisionError("what the message says")
    message = a_message()
    await desk.post(message)
    (letter,) = await desk.letters()
    assert letter.reason.startswith("ZeroDivisionError at ")
    assert (letter.type, letter.attempts, letter.retries, letter.earlier) == ("envelope-retrieved", 1, 0, "")
    desk.handler.broken = None
    await desk.retry(letter.id)
    assert await desk.effects() == [message.message]
    assert await desk.letters() == []
    assert await desk.parked() == []
    assert await desk.retried() == [
        {"service": SERVICE, "letter": letter.id, "reason": "unexpected", "request": REQUEST}
    ]


async def test_an_order_that_comes_again_has_no_effect_and_no_leaf(desk: Desk) -> None:
    desk.handler.broken = ZeroDivisionError()
    await desk.post(a_message())
    (letter,) = await desk.letters()
    desk.handler.broken = None
    for _ in range(3):
        await desk.retry(letter.id)
    await desk.post(an_order(letter.id, desk.clock), an_order(letter.id, desk.clock))
    assert len(await desk.effects()) == len(await desk.retried()) == 1


async def test_a_number_is_never_given_to_another_letter(desk: Desk) -> None:
    """Else an old order, sent again, would move what it never named."""
    desk.handler.broken = ZeroDivisionError()
    await desk.post(a_message())
    (first,) = await desk.letters()
    await desk.retry(first.id)
    (second,) = await desk.letters()
    assert second.id > first.id
    await desk.retry(first.id)
    assert [letter.id for letter in await desk.letters()] == [second.id]


async def test_what_fails_again_comes_back_with_every_reason_and_a_count(desk: Desk) -> None:
    desk.handler.broken = ZeroDivisionError()
    await desk.post(a_message())
    desk.handler.broken = RecipientUnknown(party="BE.PF")
    reasons: list[str] = []
    for number in range(EARLIER_REASONS + 2):
        (letter,) = await desk.letters()
        assert (letter.retries, letter.attempts) == (number, 1)
        assert letter.earlier.splitlines() == reasons[:EARLIER_REASONS]
        reasons.insert(0, letter.reason)
        await desk.retry(letter.id)
    (letter,) = await desk.letters()
    assert letter.earlier.splitlines() == reasons[:EARLIER_REASONS]
    assert (await desk.retried())[-1]["reason"] == RecipientUnknown.code


async def test_a_message_that_was_too_early_has_its_whole_patience_again(desk: Desk) -> None:
    desk.handler.broken = ZeroDivisionError()
    await desk.post(a_message())
    (letter,) = await desk.letters()
    desk.clock.advance(86_400)
    desk.handler.broken = RetryLater(why="it is early", after_s=5)
    await desk.retry(letter.id)
    (waiting,) = await desk.parked()
    assert (waiting.first_at, waiting.attempts) == (desk.clock.now(), 1)
    assert waiting.due_at == desk.clock.now() + timedelta(seconds=5)


async def test_an_item_is_retried_however_old_its_frame_is(desk: Desk) -> None:
    desk.handler.broken = ZeroDivisionError()
    await desk.post(a_message())
    desk.handler.broken = None
    desk.clock.advance(30 * 86_400)
    (letter,) = await desk.letters()
    await desk.retry(letter.id)
    assert len(await desk.effects()) == 1


async def test_a_frame_that_did_not_open_is_opened_again_and_all_in_it_has_its_effect(desk: Desk) -> None:
    messages = [a_message(), a_message()]
    frame = desk.seal(*messages)
    await desk.settler(reader=opener("intake")).settle([frame])  # as with another service's keys in the file
    (letter,) = await desk.letters()
    assert (letter.item, letter.type) == (None, None)
    await desk.retry(letter.id)
    assert sorted(await desk.effects()) == sorted(message.message for message in messages)
    assert (await desk.letters(), await desk.parked()) == ([], [])
    await desk.settler().settle([frame])  # the broker had it still
    assert len(await desk.effects()) == 2


async def test_a_frame_that_still_does_not_open_comes_back_with_both_reasons(desk: Desk) -> None:
    await desk.settler().settle([b"no frame"])
    (letter,) = await desk.letters()
    await desk.retry(letter.id)
    (again,) = await desk.letters()
    assert (again.item, again.frame, again.retries, again.earlier) == (None, b"no frame", 1, letter.reason)


async def test_a_frame_that_the_inbox_no_longer_knows_is_not_revived(desk: Desk) -> None:
    """Whatever was in it may have been done, and forgotten."""
    await desk.settler(reader=opener("intake")).settle([desk.seal(a_message())])
    (letter,) = await desk.letters()
    desk.clock.advance(30 * 86_400)
    await desk.retry(letter.id)
    (again,) = await desk.letters()
    assert again.reason.startswith("frame.refused")
    assert await desk.effects() == []


@pytest.mark.parametrize("point", ["claimed", "handled", "written", "committed"])
async def test_a_service_killed_while_it_takes_the_order_does_it_once(open_store: OpenStore, point: str) -> None:
    first = Desk(open_store(), Moody(ZeroDivisionError()))
    await first.post(a_message())
    (letter,) = await first.letters()

    def die(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    first.reach = die
    order = first.seal(an_order(letter.id, first.clock))
    with pytest.raises(Killed):
        await first.settler().settle([order])
    again = Desk(open_store())
    await again.settler().settle([order])
    await again.settler().settle_due()
    assert len(await again.effects()) == len(await again.retried()) == 1


async def test_two_replicas_that_are_given_one_order_each_retry_once(open_store: OpenStore) -> None:
    desks = [Desk(open_store()) for _ in range(2)]
    for _ in range(10):
        desks[0].handler.broken = ZeroDivisionError()
        await desks[0].post(a_message())
    desks[0].handler.broken = None
    for letter in await desks[0].letters():
        await asyncio.gather(*(desk.post(an_order(letter.id, desk.clock)) for desk in desks))
    await asyncio.gather(*(desk.settler().settle_due() for desk in desks))
    assert len(await desks[0].effects()) == len(await desks[0].retried()) == 10
    assert (await desks[0].letters(), await desks[0].parked()) == ([], [])
