"""The pump: every message has its effects once, and one that fails takes nobody with it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import update
from typing_extensions import override

from shared.adapters.tables.bus import BUS_MESSAGE
from shared.contracts.topology import DELIVERY_LIMIT
from shared.frame.items import Item
from shared.frame.seal import MAX_FRAME_BYTES
from shared.ports.unit_of_work import OVERSIZE_KEPT
from shared.runtime.batch import BUS_GAVE_UP, Settled, Settler
from shared.runtime.pump import BATCH_FRAMES, CAUTIOUS_FRAMES
from tests.conformance.stores import let_outbox_pass, rows_of
from tests.unit.frame.services import RETENTION_S, sealer
from tests.unit.runtime.workplace import READY_AFTER, SECRET, SERVICE, Workplace, a_message, an_item, until


async def test_each_message_of_a_frame_has_its_effects_and_the_next_service_is_told(place: Workplace) -> None:
    messages = [a_message() for _ in range(7)]
    await place.post(place.seal(*messages[:5]), place.seal(*messages[5:]))
    await place.work_off()
    ids = sorted(message.message for message in messages)
    assert await place.handled() == ids
    assert sorted((await place.told()).values()) == ids
    assert await place.reasons() == []


async def test_what_was_confirmed_does_not_stay_in_the_outbox(place: Workplace) -> None:
    await place.post(place.seal(a_message(), a_message()))
    await place.work_off()
    assert await rows_of(place.store, f"{SERVICE}_outbox") == []
    await let_outbox_pass(place.store, 20, SERVICE)
    assert await place.relay().relay_once() == 0


async def test_a_poisoned_message_is_set_aside_with_its_reason_and_its_49_neighbours_go_through(
    place: Workplace,
) -> None:
    messages = [a_message() for _ in range(48)]
    poisoned = [a_message("poison"), a_message("poison before")]
    mixed = [*messages[:20], poisoned[0], *messages[20:30], poisoned[1], *messages[30:]]
    await place.post(place.seal(*mixed))
    await place.work_off()
    ids = sorted(message.message for message in messages)
    assert await place.handled() == ids
    assert sorted((await place.told()).values()) == ids
    letters = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert sorted(letter.ordinal for letter in letters) == [20, 31]
    for letter in letters:
        assert letter.reason.startswith("ValueError at workplace.py:")
        assert SECRET not in letter.reason, "an exception may quote the message"
        assert letter.item is not None


async def test_a_poisoned_message_that_comes_again_is_not_set_aside_again(place: Workplace) -> None:
    frame = place.seal(a_message("poison"), a_message())
    await place.post(frame, frame)
    await place.work_off()
    assert len(await place.reasons()) == 1
    assert len(await place.handled()) == 1


async def test_a_frame_that_cannot_be_opened_is_kept_whole_with_its_reason(place: Workplace) -> None:
    good, broken = place.seal(a_message()), bytearray(place.seal(a_message()))
    broken[-1] ^= 1
    for_another = sealer("gateway").seal("intake", [an_item(a_message())], place.clock.now())
    from_a_stranger = sealer("notification").seal(SERVICE, [an_item(a_message())], place.clock.now())
    await place.post(b"no frame", good, bytes(broken), for_another, from_a_stranger)
    await place.work_off()
    assert len(await place.handled()) == 1
    letters = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert sorted(letter.frame for letter in letters) == sorted(
        [b"no frame", bytes(broken), for_another, from_a_stranger]
    )
    assert all(letter.reason.startswith("frame.refused: ") for letter in letters)
    assert {letter.item for letter in letters} == {None}


async def test_an_item_of_an_unknown_type_or_form_is_set_aside_alone(place: Workplace) -> None:
    message, item = a_message(), an_item(a_message())
    unknown = Item(item.id, "from-the-future", 1, b"{}")
    malformed = Item(an_item(message).id, message.TYPE, message.VERSION, b'{"message":1}')
    frame = sealer("gateway").seal(SERVICE, [unknown, an_item(message), malformed], place.clock.now())
    await place.post(frame, frame)
    await place.work_off()
    assert await place.handled() == [message.message]
    letters = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert [(letter.item, letter.ordinal, letter.reason.split(":")[0]) for letter in letters] == [
        (unknown.id, 0, "frame.unknown-type"),
        (malformed.id, 2, "frame.refused"),
    ], "once each, though the frame came twice"


async def test_a_message_that_cannot_be_written_is_set_aside_alone(place: Workplace) -> None:
    messages = [a_message() for _ in range(12)]
    unwritable = a_message("unwritable")
    await place.post(place.seal(*messages[:4]), place.seal(*messages[4:8], unwritable, *messages[8:]))
    await place.work_off()
    assert await place.handled() == sorted(message.message for message in messages)
    [letter] = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert (letter.ordinal, letter.reason.split(":")[0]) == (4, "store.refused")
    assert sorted((await place.told()).values()) == await place.handled()


async def test_the_same_item_has_one_effect_however_often_and_in_whatever_frame_it_comes(place: Workplace) -> None:
    message = a_message()
    item = an_item(message)
    frames = [sealer("gateway").seal(SERVICE, [item, item], place.clock.now()) for _ in range(3)]
    await place.post(*frames, frames[0])
    await place.work_off()
    await place.post(frames[1])
    await place.work_off()
    assert await place.handled() == [message.message]
    assert list((await place.told()).values()) == [message.message]
    assert await place.reasons() == []


async def test_a_message_that_asks_for_time_waits_alone_and_is_decided_when_its_time_has_come(
    place: Workplace,
) -> None:
    later, prompt = a_message("later"), a_message()
    began = place.clock.now()
    await place.post(place.seal(later, prompt))
    await place.work_until(lambda: _is(place.handled, [prompt.message]))
    [waiting] = await rows_of(place.store, f"{SERVICE}_parked")
    assert (waiting.first_at, waiting.ordinal) == (began, 0)
    assert "it is early" in waiting.reason
    while place.clock.now() - began < READY_AFTER:
        assert (await place.settler.settle_due()).handled <= 1
        assert await place.handled() == [prompt.message]
        place.clock.advance(0.7)
    place.clock.advance(1)
    settled = await place.settler.settle_due()
    assert [item.type for row in settled.outbox for item in row.items] == ["retrieval-recorded"]
    assert await place.handled() == sorted([later.message, prompt.message])
    assert await rows_of(place.store, f"{SERVICE}_parked") == []
    assert (await place.settler.settle_due()).handled == 0


async def test_a_parked_message_is_not_taken_before_its_time(place: Workplace) -> None:
    await place.settler.settle([place.seal(a_message("later"))])
    [before] = await rows_of(place.store, f"{SERVICE}_parked")
    place.clock.advance(0.99)
    assert (await place.settler.settle_due()).handled == 0
    assert await rows_of(place.store, f"{SERVICE}_parked") == [before]
    place.clock.advance(0.01)
    assert (await place.settler.settle_due()).handled == 1
    [after] = await rows_of(place.store, f"{SERVICE}_parked")
    assert (after.attempts, after.first_at) == (2, before.first_at)


async def test_a_frame_older_than_the_inbox_remembers_is_refused_unless_it_was_parked_here(place: Workplace) -> None:
    parked, late = a_message("later"), place.seal(a_message())
    frame = place.seal(parked)
    place.clock.advance(RETENTION_S / 2)
    await place.settler.settle([frame])
    place.clock.advance(RETENTION_S / 2 + 60)
    await place.settler.settle([late])
    await place.settler.settle_due()
    assert await place.handled() == [parked.message]
    [reason] = await place.reasons()
    assert "older than the inbox remembers" in reason


async def test_the_pump_itself_takes_parked_messages_and_publishes_what_they_do(place: Workplace) -> None:
    message = a_message("later")
    await place.post(place.seal(message))
    async with place.running():
        await until(lambda: _has_parked(place))
        place.clock.advance(READY_AFTER.total_seconds() + 1)
        await until(lambda: _is(place.handled, [message.message]))
    assert list((await place.told()).values()) == [message.message]


async def test_of_a_frame_too_large_to_be_one_only_the_beginning_is_kept(place: Workplace) -> None:
    """Who can write to the queue could fill the database with letters that nobody can ever open."""
    good = a_message()
    huge = place.seal(a_message()) + secrets.token_bytes(MAX_FRAME_BYTES)
    await place.post(huge, place.seal(good))
    await place.work_off()
    assert await place.handled() == [good.message]
    [letter] = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert letter.frame == huge[:OVERSIZE_KEPT]
    assert "more than 8388608 bytes" in letter.reason


async def test_frames_that_the_bus_gave_up_on_are_kept_with_the_dead_letters(place: Workplace) -> None:
    frame = place.seal(a_message())
    await place.post(frame)
    async with place.store.write() as connection:
        await connection.execute(update(BUS_MESSAGE).values(deliveries=DELIVERY_LIMIT + 1))
    await place.work_off()
    [letter] = await rows_of(place.store, f"{SERVICE}_dead_letter")
    assert (letter.frame, letter.reason) == (frame, BUS_GAVE_UP)
    assert await place.handled() == []


async def test_it_begins_with_one_frame_at_a_time_and_opens_up_after_twenty(place: Workplace) -> None:
    """A frame that kills the process must not take its neighbours to the dead letters."""
    sizes: list[int] = []

    class Counting(Settler):
        @override
        async def settle(self, frames: Sequence[bytes], confirmed: Sequence[str] = ()) -> Settled:
            sizes.append(len(frames))
            return await super().settle(frames, confirmed)

    place.settler.__class__ = Counting
    await place.post(*(place.seal(a_message()) for _ in range(120)))
    await place.work_off()
    assert len(await place.handled()) == 120
    taken = [size for size in sizes if size]
    assert taken[:CAUTIOUS_FRAMES] == [1] * CAUTIOUS_FRAMES
    assert max(taken[CAUTIOUS_FRAMES:]) == BATCH_FRAMES


async def _is(found: object, expected: list[str]) -> bool:
    return await found() == expected  # type: ignore[operator,no-any-return]  # a method without arguments


async def _has_parked(place: Workplace) -> bool:
    return bool(await rows_of(place.store, f"{SERVICE}_parked"))
