"""A service is believed only what it is its own business to say, whatever it may send."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.contracts.messages import ServiceMessage
from shared.contracts.registry import encode_message
from shared.contracts.topology import DESTINATION, PRODUCERS, SAID_BY, WAKEUPS
from shared.domain.ids import new_uuid7
from shared.frame.items import Item
from shared.frame.open import FrameOpener
from shared.keys.public import service_owner
from shared.runtime.reading import FrameReader
from tests.fakes import FakeClock
from tests.unit.contracts.test_registry import SAMPLES
from tests.unit.frame.services import NOW, OPENERS, RETENTION_S, ROSTER, SERVICES, sealer

PAIRS = [
    (sample, producer)
    for sample in SAMPLES
    for producer in SERVICES
    if DESTINATION[type(sample)] != WAKEUPS and producer in PRODUCERS[DESTINATION[type(sample)]]
]


@pytest.mark.parametrize(("sample", "producer"), PAIRS, ids=[f"{one.TYPE}-by-{by}" for one, by in PAIRS])
def test_a_message_of_a_service_that_has_no_business_to_say_it_is_set_aside(
    sample: ServiceMessage, producer: str
) -> None:
    queue = DESTINATION[type(sample)]
    item = Item(new_uuid7(NOW), sample.TYPE, sample.VERSION, encode_message(sample))
    frame = sealer(producer).seal(queue, [item], NOW)
    key = OPENERS[queue]
    opener = FrameOpener(queue, {key.kid(service_owner(queue)): key}, ROSTER, PRODUCERS, RETENTION_S)
    [work], letters = FrameReader(queue, opener, FakeClock(NOW)).read_frames([frame])
    assert letters == []
    if producer in SAID_BY[type(sample)]:
        assert work.message == sample
    else:
        assert work.message is None
        assert f"{producer} may not say {sample.TYPE}" in work.why
    parked = FrameReader(queue, opener, FakeClock(NOW)).read_parked(replace(work.waiting, parked_at=NOW))
    assert (parked.message, parked.why) == (work.message, work.why), "an operator's retry changes nothing in that"


def test_the_gateway_which_strangers_reach_cannot_admit_an_envelope_or_tell_of_it() -> None:
    by_gateway = {message.TYPE for message, by in SAID_BY.items() if "gateway" in by}
    assert not by_gateway & {"envelope-admitted", "envelope-decided", "envelope-delivered", "retrieval-recorded"}
