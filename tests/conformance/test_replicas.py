"""Replicas of one service on one database: what the bus delivers to both has one effect, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.engine import Store
from shared.contracts.messages import EnvelopeRetrieved, ServiceMessage
from shared.contracts.records import Claim, FeedHead, Key
from shared.contracts.registry import encode_message
from shared.domain.ids import encode_time, new_uuid7
from shared.errors import RetryLater
from shared.frame.items import Item
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, View
from shared.runtime.batch import Settler
from tests.conformance.stores import OpenStore, rows_of, units_of, waiting_leaves
from tests.fakes import FakeClock
from tests.unit.frame.services import NOW, opener, sealer

SERVICE = "routing"
WAIT = timedelta(seconds=2)


@dataclass
class Counting:
    """Each message adds one to the count of its recipient and leaves a row of its own, whose sender is its request."""

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        assert isinstance(message, EnvelopeRetrieved)
        return [Key(FeedHead, (message.recipient,))]

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        assert isinstance(message, EnvelopeRetrieved)
        if message.request == "later" and occasion.now - occasion.first_at < WAIT:
            raise RetryLater(why="it is early", after_s=WAIT.total_seconds())
        head = view.get(FeedHead, message.recipient)
        effects = Effects(
            inserts=[Claim(message.message, message.request, "d" * 43)], leaves=[message.message.encode()]
        )
        counted = FeedHead(message.recipient, 1 if head is None else head.position + 1)
        (effects.inserts if head is None else effects.updates).append(counted)
        return effects


def a_frame(*requests: str, recipient: str = "BE.PF") -> bytes:
    items = []
    for request in requests:
        at = encode_time(NOW)
        message = EnvelopeRetrieved(message=new_uuid7(NOW), recipient=recipient, request=request, retrieved_at=at)
        items.append(Item(new_uuid7(NOW), message.TYPE, message.VERSION, encode_message(message)))
    return sealer("gateway").seal(SERVICE, items, NOW)


def replica(store: Store, clock: FakeClock | None = None) -> Settler:
    keyring = SqlKeyRing(store, "comity.test/log", [], 2)
    return Settler(SERVICE, Counting(), units_of(store, SERVICE), opener(SERVICE), keyring, clock or FakeClock(NOW))


async def counts(store: Store) -> tuple[int, int, int]:
    """Rows, leaves, and the sum of the counts: equal if every message had its effects once."""
    rows, leaves = await rows_of(store, "claim"), await waiting_leaves(store)
    return len(rows), len(leaves), sum(head.position for head in await rows_of(store, "feed_head"))


async def test_frames_delivered_to_two_replicas_have_their_effects_once(open_store: OpenStore) -> None:
    stores = [open_store(), open_store()]
    frames = [a_frame("x", "x", "x", recipient=f"BE.P{number}") for number in range(10)]
    for first in range(0, 10, 2):
        both = frames[first : first + 2]
        await asyncio.gather(replica(stores[0]).settle(both), replica(stores[1]).settle(both[::-1]))
    assert await counts(stores[0]) == (30, 30, 30)
    assert await rows_of(stores[0], f"{SERVICE}_dead_letter") == []


async def test_replicas_that_count_for_the_same_recipients_lose_no_count(open_store: OpenStore) -> None:
    """The first message for each recipient finds no row to lock: of two that insert it, one begins anew."""
    recipients = ["BE.PF", "FR.BEPI", "ES.SGCJI"]

    async def work(store: Store) -> None:
        settler = replica(store)
        for number in range(12):
            await settler.settle([a_frame("x", "x", recipient=recipients[(number + turn) % 3]) for turn in range(2)])

    stores = [open_store() for _ in range(3)]
    await asyncio.gather(*(work(store) for store in stores))
    assert await counts(stores[0]) == (144, 144, 144)
    assert await rows_of(stores[0], f"{SERVICE}_parked") == []
    assert await rows_of(stores[0], f"{SERVICE}_dead_letter") == []


async def test_a_parked_message_is_taken_by_one_of_two_replicas(open_store: OpenStore) -> None:
    stores, clock = [open_store(), open_store()], FakeClock(NOW)
    await replica(stores[0], clock).settle([a_frame(*["later"] * 10)])
    assert await counts(stores[0]) == (0, 0, 0)
    clock.advance(WAIT.total_seconds())
    done = await asyncio.gather(*(replica(store, clock).settle_due() for store in stores))
    assert sum(settled.handled for settled in done) == 10
    assert await counts(stores[0]) == (10, 10, 10)
    assert await rows_of(stores[0], f"{SERVICE}_parked") == []


async def test_a_value_too_long_for_its_column_sets_its_message_aside_and_no_neighbour(postgres_url: str) -> None:
    store = Store(postgres_url)  # SQLite has no limits of length
    frames = [a_frame("x", "x"), a_frame("x", "y" * 20, "x")]
    await replica(store).settle(frames)
    assert await counts(store) == (4, 4, 4)
    [letter] = await rows_of(store, f"{SERVICE}_dead_letter")
    assert (letter.frame, letter.ordinal) == (frames[1], 1)
    assert letter.reason.startswith("store.refused: ")
    assert "yyy" not in letter.reason
    await replica(store).settle(frames)
    assert len(await rows_of(store, f"{SERVICE}_dead_letter")) == 1
    await store.close()
