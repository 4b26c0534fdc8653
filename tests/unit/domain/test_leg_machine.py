"""Random histories against a small model, written from the table in the design and not from the code's data.

The model knows nothing of obligations, headers or digests: it maps (state, kind) to the next state, and counts how many
changes each party has seen.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.domain.dossier import Leg, decide_move, encode_leg, parse_leg, possible_kinds
from shared.domain.obligations import waiting_on
from shared.errors import DossierStale, ForeignSigner, IllegalMove
from tests.unit.domain.letters import BE, DAY, ES, FR, MA, a_message, digest_of, opened, the_leg

ASKED = "information-requested"
HOLDER_FREE = ["submitted", "acknowledged", "under-review"]
WORKING = ["accepted", "executing"]
OPEN = [*HOLDER_FREE, ASKED, *WORKING, "result-delivered", "refused"]

# kind → (who, {state: next}); None is "as it was", ".." is "the state before the question"
TABLE: dict[str, tuple[str, dict[str, str | None]]] = {
    "acknowledge": ("asked", {"submitted": "acknowledged"}),
    "start-review": ("asked", {"submitted": "under-review", "acknowledged": "under-review"}),
    "ask-information": ("asked", dict.fromkeys([*HOLDER_FREE, *WORKING], ASKED)),
    "supply-information": ("asker", {ASKED: ".."}),
    "accept": ("asked", dict.fromkeys(HOLDER_FREE, "accepted")),
    "refuse": ("asked", dict.fromkeys([*HOLDER_FREE, *WORKING], "refused")),
    "start-execution": ("asked", {"accepted": "executing"}),
    "report-delay": ("asked", dict.fromkeys(WORKING, None)),
    "deliver-partial": ("asked", dict.fromkeys(WORKING, "executing")),
    "deliver-result": ("asked", dict.fromkeys([*HOLDER_FREE, *WORKING], "result-delivered")),
    "confirm-receipt": ("asker", {"result-delivered": None}),
    "query-result": ("asker", {"result-delivered": "executing"}),
    "close": ("asker", {"result-delivered": "closed", "refused": "closed"}),
    "remind": ("both", dict.fromkeys(OPEN, None)),
    "ask-status": ("asker", dict.fromkeys(OPEN, None)),
    "report-status": ("asked", dict.fromkeys(OPEN, None)),
}
CHANGES_NOTHING = {"remind", "ask-status", "report-status"}
TURN = dict.fromkeys([*HOLDER_FREE, *WORKING], "asked") | dict.fromkeys([ASKED, "result-delivered", "refused"], "asker")

kinds = st.sampled_from(sorted(TABLE))
parties = st.sampled_from([FR, BE, ES])
some_measures = st.sets(st.sampled_from(["M1", "M2", "M3"]), min_size=1)


class Exchange(RuleBasedStateMachine):
    """Three legs; every step tries a message that may be legal, illegal, stale or from the wrong side."""

    @initialize(eio=st.booleans(), deadline=st.booleans())
    def open_dossier(self, eio: bool, deadline: bool) -> None:
        measures = {"M1": "bank-data", "M2": "testimony", "M3": "covert"}
        clocks = {"ma-fr-2008": "eio.1"} if eio else {}
        act = {"deadline": "2026-12-12"} if deadline else {}
        self.legs = {leg.requested: leg for leg in opened(clocks, measures=measures, act=act)}
        self.states = {party: dict.fromkeys(measures, "submitted") for party in self.legs}
        self.before: dict[tuple[str, str], str] = {}
        self.heads = {party: [digest_of("request")] for party in self.legs}
        self.now = DAY
        self.step = 0

    @rule(party=parties, kind=kinds, measures=some_measures, swap=st.booleans(), lag=st.sampled_from([0, 0, 0, 1]))
    def somebody_sends(self, party: str, kind: str, measures: set[str], swap: bool, lag: int) -> None:
        self.step += 1
        self.now += timedelta(hours=7)
        leg, states = self.legs[party], self.states[party]
        who, moves = TABLE[kind]
        sender, other = (party, MA) if (who == "asked") != swap else (MA, party)
        seen_index = len(self.heads[party]) - 1 - lag
        seen = self.heads[party][seen_index] if seen_index >= 0 else digest_of("never")
        header = a_message(leg, kind, None, *sorted(measures), sender=sender, recipients=(other,), seen=seen)
        digest = digest_of(f"message {self.step}")
        others = {name: encode_leg(one) for name, one in self.legs.items() if name != party}

        if swap and who != "both":
            with pytest.raises(ForeignSigner):
                decide_move(leg, header, digest, self.now)
        elif lag and kind not in CHANGES_NOTHING:
            with pytest.raises(DossierStale):
                decide_move(leg, header, digest, self.now)
        elif any(states[measure] not in moves for measure in measures):
            with pytest.raises(IllegalMove):
                decide_move(leg, header, digest, self.now)
        else:
            moved = decide_move(leg, header, digest, self.now)
            self.legs[party] = moved
            for measure in measures:
                self._move(party, measure, kind, moves[states[measure]])
            if kind not in CHANGES_NOTHING:
                self.heads[party].append(digest)
            assert moved.version == leg.version + 1
        assert {name: encode_leg(one) for name, one in self.legs.items() if name != party} == others

    def _move(self, party: str, measure: str, kind: str, target: str | None) -> None:
        state = self.states[party][measure]
        if kind == "ask-information":
            self.before[party, measure] = state
        if target == "..":
            target = self.before.pop((party, measure))
        self.states[party][measure] = target or state

    @precondition(lambda self: hasattr(self, "legs"))
    @invariant()
    def the_legs_are_where_the_model_says(self) -> None:
        for party, leg in self.legs.items():
            assert {one.id: one.state for one in leg.measures} == self.states[party]
            assert leg.head == self.heads[party][-1]

    @precondition(lambda self: hasattr(self, "legs"))
    @invariant()
    def every_open_measure_has_a_debtor_whose_turn_it_is_and_a_due_date(self) -> None:
        for party, leg in self.legs.items():
            for measure, state in self.states[party].items():
                waiting = [one for one in waiting_on(leg) if measure in one.measures]
                if state == "closed":
                    assert waiting == []
                else:
                    debtor = party if TURN[state] == "asked" else MA
                    assert any(one.debtor == debtor and one.due is not None for one in waiting)

    @precondition(lambda self: hasattr(self, "legs"))
    @invariant()
    def what_is_offered_is_what_the_model_allows(self) -> None:
        for party, leg in self.legs.items():
            for authority, role in ((party, "asked"), (MA, "asker")):
                expected = {
                    kind: tuple(name for name, state in self.states[party].items() if state in moves)
                    for kind, (who, moves) in TABLE.items()
                    if who in (role, "both")
                }
                assert possible_kinds(leg, authority) == {kind: names for kind, names in expected.items() if names}

    @precondition(lambda self: hasattr(self, "legs"))
    @invariant()
    def what_is_owed_stays_bounded_and_survives_storage(self) -> None:
        for leg in self.legs.values():
            assert len(leg.obligations) <= 8 * len(leg.measures)
            assert parse_leg(encode_leg(leg)) == leg


Exchange.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestExchange = Exchange.TestCase


def _fold(leg: Leg, steps: list[tuple[str, str]]) -> Leg:
    for kind, measure in steps:
        leg = decide_move(leg, a_message(leg, kind, None, measure), digest_of(f"{kind} {measure}"), DAY)
    return leg


def test_moves_on_different_measures_commute() -> None:
    first = [("accept", "M1"), ("deliver-result", "M1")]
    second = [("refuse", "M2"), ("close", "M2")]
    orders = [
        order
        for order in permutations([*first, *second])
        if order.index(first[0]) < order.index(first[1]) and order.index(second[0]) < order.index(second[1])
    ]
    ends = [_fold(the_leg(), list(order)) for order in orders]
    assert len(ends) == 6
    for end in ends:
        assert end.measures == ends[0].measures
        assert {(one.act, one.due, one.measures) for one in end.obligations} == {
            (one.act, one.due, one.measures) for one in ends[0].obligations
        }
