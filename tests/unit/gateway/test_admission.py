"""What is let in follows what is delivered, and nobody's flood takes another's room."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.admission import Admission, Submitted
from gateway.config import Limits, Rates
from gateway.settlement import Settlement
from shared.contracts.api import KEY_EVENT_CONTENT_TYPE
from shared.errors import Busy, SettingsRefused, StoreUnavailable
from shared.keys.public import OPERATOR
from tests.unit.gateway.fakes import FakeClock, FakeQueries
from tests.unit.gateway.letters import CONTENT_TYPE, PATH, a_letter
from tests.unit.gateway.world import SECOND_OPERATOR, World, code_of

NARROW = Limits(window_least=12, window_most=400, submissions_in_flight=1000, submissions_per_party=1000)


class Entrance:
    """An admission, and the submissions that it let in, first come first."""

    def __init__(self, limits: Limits = NARROW) -> None:
        self.clock = FakeClock()
        self.admission = Admission(limits, self.clock)
        self.inside: list[Submitted] = []
        self._number = 0

    def submit(self, party: str) -> bool:
        """One submission, which the bus keeps; False where there is no room."""
        self._number += 1
        submitted = Submitted(party, f"message {self._number}")
        try:
            with self.admission.arrival(party, f"{party}#api"):
                self.admission.kept(submitted)
        except Busy:
            return False
        self.inside.append(submitted)
        return True

    def submit_all_it_takes(self, party: str) -> int:
        count = 0
        while self.submit(party):
            count += 1
        return count

    def deliver(self, count: int) -> None:
        delivered, self.inside = self.inside[:count], self.inside[count:]
        self.admission.settle(delivered)


def test_one_that_floods_has_half_of_the_room_and_leaves_the_rest_to_others() -> None:
    entrance = Entrance()
    assert entrance.submit_all_it_takes("MA.PGR") == 6
    assert entrance.submit("BE.PF")
    assert not entrance.submit("MA.PGR")


def test_of_two_that_flood_each_has_a_third_and_a_third_party_finds_room() -> None:
    entrance = Entrance()
    while entrance.submit("MA.PGR") | entrance.submit("BE.PF"):
        pass
    assert Counter(one.sender for one in entrance.inside) == {"MA.PGR": 4, "BE.PF": 4}
    assert entrance.submit("FR.BEPI")


def test_a_key_that_was_refused_is_refused_unheard_until_room_is_made_and_no_other() -> None:
    entrance = Entrance()
    entrance.submit_all_it_takes("MA.PGR")
    with pytest.raises(Busy):
        entrance.admission.refuse_unheard("MA.PGR#api")
    entrance.admission.refuse_unheard("MA.PGR#another")
    entrance.admission.refuse_unheard("BE.PF#api")
    entrance.deliver(1)
    entrance.admission.refuse_unheard("MA.PGR#api")


def test_a_submission_that_is_not_kept_makes_room_for_those_who_were_refused() -> None:
    entrance = Entrance()
    with entrance.admission.arrival("BE.PF", "BE.PF#api"), entrance.admission.arrival("BE.PF", "BE.PF#api"):
        entrance.submit_all_it_takes("MA.PGR")
    entrance.admission.refuse_unheard("MA.PGR#api")
    assert entrance.submit("MA.PGR")


def test_calls_that_are_refused_unheard_do_not_widen_the_window() -> None:
    entrance = Entrance()
    entrance.submit_all_it_takes("MA.PGR")
    entrance.deliver(1)
    widened = entrance.admission.window
    assert widened > NARROW.window_least
    entrance.admission.settle([])
    for _ in range(3):
        entrance.admission.refuse_unheard("MA.PGR#api")
        entrance.deliver(1)
    assert entrance.admission.window == widened


def test_nothing_is_let_in_while_nothing_is_delivered() -> None:
    entrance = Entrance()
    entrance.submit_all_it_takes("MA.PGR")
    entrance.clock.advance(30)
    entrance.admission.settle([])
    assert not entrance.submit("MA.PGR")
    entrance.deliver(1)
    assert entrance.submit("MA.PGR")
    assert not entrance.submit("MA.PGR")


@pytest.mark.parametrize(("per_second", "found"), [(20, (12, 30)), (100, (70, 140)), (300, (200, 400))])
def test_under_a_flood_the_time_to_delivery_settles_near_its_target(per_second: int, found: tuple[int, int]) -> None:
    entrance, ages, began = Entrance(), [], {}
    for _ in range(600):  # a minute in tenths
        for party in ("MA.PGR", "BE.PF", "FR.BEPI", "ES.SGCJI"):
            while entrance.submit(party):
                began[entrance.inside[-1]] = entrance.clock.monotonic()
        entrance.clock.advance(0.1)
        done = entrance.inside[: per_second // 10]
        ages.append(entrance.clock.monotonic() - began[done[0]])
        entrance.deliver(per_second // 10)
    assert found[0] <= entrance.admission.window <= found[1]
    assert 0.4 <= sum(ages[-100:]) / 100 <= 1.6


def test_a_window_that_nobody_fills_does_not_grow() -> None:
    entrance = Entrance()
    for _ in range(100):
        entrance.submit("MA.PGR")
        entrance.deliver(1)
    assert entrance.admission.window == NARROW.window_least


def test_a_few_that_wait_for_something_of_their_own_do_not_narrow_the_window() -> None:
    entrance = Entrance(Limits(window_least=40, submissions_in_flight=100, submissions_per_party=100))
    entrance.admission.window = 100.0
    waiting = [entrance.submit("MA.PGR") for _ in range(5)]
    entrance.clock.advance(20)
    assert all(waiting)
    assert all(entrance.submit("BE.PF") for _ in range(20))
    entrance.deliver(25)
    assert entrance.admission.window == 100.0


def test_what_is_never_settled_is_counted_for_a_minute() -> None:
    entrance = Entrance()
    entrance.submit_all_it_takes("MA.PGR")
    entrance.clock.advance(59)
    assert len(entrance.admission.next_to_look_for(100)) == 6
    entrance.clock.advance(2)
    assert entrance.admission.next_to_look_for(100) == []
    assert entrance.submit("MA.PGR")


async def test_those_that_stay_undecided_do_not_hide_the_others_from_the_look() -> None:
    limits = Limits(look_most=10)
    clock, queries = FakeClock(), FakeQueries()
    admission = Admission(limits, clock)
    for number in range(30):
        admission.kept(Submitted("MA.PGR", f"{number}"))
    queries.through = {("MA.PGR", f"{number}") for number in range(20, 30)}
    settlement = Settlement(admission, queries, limits, clock)
    for _ in range(3):
        await settlement.look()
    assert len(admission.on_their_way) == 20


async def test_a_rejection_of_anothers_message_under_the_same_id_settles_nothing() -> None:
    admission, queries = Admission(Limits(), FakeClock()), FakeQueries()
    admission.kept(Submitted("MA.PGR", "one"))
    queries.through = {("BE.PF", "one")}
    await Settlement(admission, queries, Limits(), FakeClock()).look()
    assert len(admission.on_their_way) == 1


async def test_a_store_that_does_not_answer_settles_nothing() -> None:
    admission, queries = Admission(Limits(), FakeClock()), FakeQueries(failure=StoreUnavailable(why="gone"))
    admission.kept(Submitted("MA.PGR", "one"))
    with pytest.raises(StoreUnavailable):
        await Settlement(admission, queries, Limits(), FakeClock()).look()
    assert len(admission.on_their_way) == 1


# --- over HTTP


async def test_who_has_no_room_is_told_when_to_come_back_before_a_body_is_read() -> None:
    world = World(Limits(window_least=2))
    assert (await world.post("MA.PGR", PATH, a_letter().submission, CONTENT_TYPE)).status_code == 202
    response = await world.post("MA.PGR", PATH, b"{", CONTENT_TYPE)
    assert code_of(response) == "call.busy"
    assert int(response.headers["retry-after"]) >= 1


async def test_who_calls_too_often_is_told_its_rate_and_others_are_not_hindered() -> None:
    world = World(rates=Rates(reads="3 per 10 seconds"))
    answers = [await world.get("MA.PGR", "/v1/dossiers") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code_of(answers[-1]) == "call.rate-exceeded"
    assert answers[-1].headers["ratelimit-policy"] == '"reads";q=3;w=10'
    wait_s = int(answers[-1].headers["retry-after"])
    assert answers[-1].headers["ratelimit"] == f'"reads";r=0;t={wait_s}'
    assert 1 <= wait_s <= 20
    assert (await world.get("BE.PF", "/v1/dossiers")).status_code == 200


async def test_the_thief_of_one_operators_key_does_not_use_up_the_rate_of_the_others() -> None:
    world = World(rates=Rates(reads="2 per 10 seconds", documents="1 per 10 seconds"))
    path, kind = "/v1/operator/key-events", KEY_EVENT_CONTENT_TYPE
    reads = [await world.get(OPERATOR, "/v1/operator/queues") for _ in range(3)]
    posts = [await world.post(OPERATOR, path, b"{}", kind) for _ in range(2)]
    assert [code_of(answers[-1]) for answers in (reads, posts)] == ["call.rate-exceeded"] * 2
    assert (await world.get(SECOND_OPERATOR, "/v1/operator/queues")).status_code == 200
    assert code_of(await world.post(SECOND_OPERATOR, path, b"{}", kind)) == "keys.event-refused"


async def test_reads_do_not_use_up_the_rate_of_submissions_nor_do_forged_calls() -> None:
    world = World(rates=Rates(reads="2 per 10 seconds", submissions="2 per 10 seconds"))
    for _ in range(3):
        await world.get("MA.PGR", "/v1/dossiers")
        forged = world.signed("MA.PGR", "POST", PATH, b"{}", CONTENT_TYPE) | {"Content-Type": "text/plain"}
        assert code_of(await world.bare("POST", PATH, content=b"{}", headers=forged)) == "call.signature-invalid"
    answers = [await world.post("MA.PGR", PATH, b"{}", CONTENT_TYPE) for _ in range(3)]
    assert [code_of(answer) for answer in answers] == ["envelope.malformed"] * 2 + ["call.rate-exceeded"]


def test_a_rate_that_cannot_be_read_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsRefused, match="5000 per 10 seconds"):
        World(rates=Rates(reads="a lot"))
