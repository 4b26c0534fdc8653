"""What has nothing to do with each other may come in any order: legs of a dossier, measures of a leg."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from random import Random

import pytest

from shared.domain.dossier import Leg, decide_move, encode_leg, possible_kinds
from shared.domain.header import Header
from shared.domain.profiles import profile_of
from tests.unit.domain.letters import DAY, MA, a_message, digest_of, opened, the_leg, usual_act

Sent = tuple[str, Header, str, datetime]


def history(leg: Leg, chance: Random) -> list[Sent]:
    """Messages that may follow each other on this leg, by either side."""
    sent: list[Sent] = []
    for number in range(12):
        sender, other = chance.choice([(MA, leg.requested), (leg.requested, MA)])
        kinds = profile_of(leg.profile).kinds
        possible = {  # what answers one message among several is drawn by the stateful test
            kind: measures
            for kind, measures in possible_kinds(leg, sender).items()
            if kind != "discharge" and not kinds[kind].settles
        }
        if not possible:
            continue
        kind = chance.choice(sorted(possible))
        measures = tuple(chance.sample(possible[kind], chance.randint(1, len(possible[kind]))))
        act = usual_act(leg, kind, measures)
        if kind == "propose-other-measure":
            act = {"due": "2026-12-01", "instead": dict.fromkeys(measures, "covert")}
        if kind == "forward":
            act |= {"holder": f"{leg.requested[:2]}.COURT"}
        header = a_message(leg, kind, act, *measures, sender=sender, recipients=(other,))
        at, digest = DAY + timedelta(hours=number), digest_of(f"{leg.requested} {number}")
        leg = decide_move(leg, header, digest, at)
        sent.append((leg.requested, header, digest, at))
    return sent


def fold(legs: dict[str, Leg], messages: list[Sent]) -> dict[str, object]:
    for leg, header, digest, at in messages:
        legs = {**legs, leg: decide_move(legs[leg], header, digest, at)}
    return {name: encode_leg(leg) for name, leg in legs.items()}


def interleaved(histories: list[list[Sent]], chance: Random) -> list[Sent]:
    left = [list(one) for one in histories]
    merged = []
    while any(left):
        merged.append(chance.choice([one for one in left if one]).pop(0))
    return merged


@pytest.mark.parametrize("seed", range(30))
def test_messages_on_different_legs_commute(seed: int) -> None:
    chance = Random(seed)
    legs = {leg.requested: leg for leg in opened()}
    histories = [history(leg, chance) for leg in legs.values()]
    ends = [fold(legs, interleaved(histories, chance)) for _ in range(4)]
    assert sum(map(len, histories)) > 6
    assert all(end == ends[0] for end in ends)


def test_moves_on_different_measures_commute() -> None:
    first = [("accept", "M1"), ("deliver-result", "M1")]
    second = [("refuse", "M2"), ("close", "M2")]
    orders = [
        order
        for order in permutations([*first, *second])
        if order.index(first[0]) < order.index(first[1]) and order.index(second[0]) < order.index(second[1])
    ]
    ends = []
    for order in orders:
        leg = the_leg()
        for kind, measure in order:
            leg = decide_move(leg, a_message(leg, kind, None, measure), digest_of(f"{kind} {measure}"), DAY)
        ends.append(leg)
    assert len(ends) == 6
    for end in ends:
        assert end.measures == ends[0].measures
        assert {(one.act, one.due, one.measures) for one in end.obligations} == {
            (one.act, one.due, one.measures) for one in ends[0].obligations
        }
