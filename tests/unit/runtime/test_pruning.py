"""An inbox forgets, and nothing that it has forgotten is done a second time."""

from __future__ import annotations

from shared.runtime.pruning import CLOCKS_APART, PRUNE_BATCH, InboxPruner
from shared.runtime.reading import TOO_OLD
from tests.conformance.stores import rows_of
from tests.unit.frame.services import RETENTION_S, sealer
from tests.unit.runtime.workplace import SERVICE, Workplace, a_message, an_item

HOUR_S = 3600


def pruner(place: Workplace) -> InboxPruner:
    return InboxPruner(SERVICE, place.units, RETENTION_S, place.clock)


async def remembered(place: Workplace) -> int:
    return len(await rows_of(place.store, f"{SERVICE}_inbox"))


async def test_nothing_is_forgotten_before_its_time_and_everything_after(place: Workplace) -> None:
    await place.post(place.seal(a_message(), a_message()))
    await place.work_off()
    place.clock.advance(RETENTION_S + CLOCKS_APART.total_seconds() - 1)
    assert await pruner(place).prune_once() == 0
    assert await remembered(place) == 2
    place.clock.advance(2)
    assert await pruner(place).prune_once() == 2
    assert await remembered(place) == 0


async def test_whenever_a_frame_comes_again_it_has_its_effect_once(place: Workplace) -> None:
    """The same frame, and its item in a new frame as a relay would publish it after an outage, in every hour until long
    after the inbox has forgotten it."""
    item = an_item(a_message())
    frame = sealer("gateway").seal(SERVICE, [item], place.clock.now())
    again = sealer("gateway")
    await place.post(frame)
    await place.work_off()
    first = await place.handled()
    for _ in range(int(RETENTION_S // HOUR_S) + 5):
        place.clock.advance(HOUR_S)
        await pruner(place).prune_once()
        await place.post(frame, again.seal(SERVICE, [item], place.clock.now()))
        await place.work_off()
        assert await place.handled() == first
    assert len(first) == 1
    reasons = set(await place.reasons())
    assert TOO_OLD in reasons
    assert any("it is older than the inbox remembers" in reason for reason in reasons)


async def test_rows_go_in_batches_and_the_next_process_goes_on(place: Workplace) -> None:
    async with place.units.begin() as unit:
        await unit.claim([an_item(a_message()).id for _ in range(PRUNE_BATCH + 7)])
        await unit.commit()
    place.clock.advance(RETENTION_S + CLOCKS_APART.total_seconds() + 1)
    assert await pruner(place).prune_once() == PRUNE_BATCH
    assert await remembered(place) == 7  # killed here, nothing is half done
    assert await pruner(place).prune_once() == 7
