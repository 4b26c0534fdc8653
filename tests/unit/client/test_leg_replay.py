"""An exchange that shows a leg otherwise than its messages make it is found out, and an honest one never is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from client.leg_replay import check_leg
from client.register_rows import Kept
from shared.domain.clocks import EIO
from shared.domain.dossier import decide_move, open_legs, possible_kinds
from shared.domain.header import Header, encode_header
from shared.domain.ids import encode_time
from shared.domain.leg import Leg
from shared.errors import ComityError, StateContradicted
from tests.unit.domain.letters import DAY, ES, FR, MA, a_header, a_message, digest_of, usual_act


def kept(header: Header, digest: str) -> Kept:
    return Kept(
        header.id,
        "received",
        header.dossier,
        header.profile,
        header.kind,
        header.sender,
        header.recipients,
        header.leg,
        header.in_reply_to,
        digest,
        encode_header(header),
        b"",
        encode_time(DAY),
        None,
    )


def opened(clocks: dict[str, str]) -> tuple[Leg, list[Kept]]:
    header = a_header(recipients=(FR, ES), act={"deadline": "2027-01-15"})
    leg = next(leg for leg in open_legs(header, digest_of("request"), DAY, clocks) if leg.requested == ES)
    return leg, [kept(header, digest_of("request"))]


def step(leg: Leg, number: int, choice: random.Random) -> tuple[Leg, Kept] | None:
    """Any possible message of either side, for some of the measures for which it is possible."""
    sender = choice.choice((MA, ES))
    possible = possible_kinds(leg, sender)
    if not possible:
        return None
    kind = choice.choice(sorted(possible))
    measures = tuple(choice.sample(possible[kind], choice.randint(1, len(possible[kind]))))
    act = usual_act(leg, kind, measures)
    header = a_message(leg, kind, act, *measures, sender=sender, recipients=(ES if sender == MA else MA,))
    digest = digest_of(str(number))
    try:
        return decide_move(leg, header, digest, DAY + timedelta(days=number)), kept(header, digest)
    except ComityError:
        return None


@pytest.mark.parametrize("clocks", [{}, {"ma-es-2009": EIO}], ids=["without a limit of the law", "with one"])
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_an_honest_leg_is_never_contradicted(seed: int, clocks: dict[str, str]) -> None:
    choice = random.Random(seed)
    leg, messages = opened(clocks)
    for number in range(25):
        done = step(leg, number, choice)
        if done is not None:
            leg = done[0]
            messages.insert(choice.randint(0, len(messages)), done[1])
        check_leg(leg, messages)


def all_refused(leg: Leg) -> Leg:
    return leg.with_measures({one.id: replace(one, state="refused") for one in leg.measures})


@pytest.mark.parametrize(
    "lie",
    [
        all_refused,
        lambda leg: replace(leg, obligations=()),
        lambda leg: replace(leg, deadline=date(2027, 6, 1)),
        lambda leg: replace(leg, holder="ES.TC"),
        lambda leg: replace(leg, requesting=FR),
    ],
    ids=["a refusal that nobody signed", "nothing owed", "another deadline", "another holder", "another requester"],
)
def test_a_leg_that_no_message_made_is_contradicted(lie: Callable[[Leg], Leg]) -> None:
    leg, messages = opened({})
    check_leg(leg, messages)
    with pytest.raises(StateContradicted):
        check_leg(lie(leg), messages)


def test_a_hard_copy_that_the_registry_asks_for_contradicts_nobody_and_hides_nothing() -> None:
    header = a_header(recipients=(ES,))
    [leg] = open_legs(header, digest_of("request"), DAY, asking_for_paper=(ES,))
    messages = [kept(header, digest_of("request"))]
    check_leg(leg, messages)
    sent = a_message(leg, "discharge", {"duties": ["hard-copy"]}, sender=MA, recipients=(ES,))
    after = decide_move(leg, sent, digest_of("sent"), DAY)
    messages.append(kept(sent, digest_of("sent")))
    check_leg(after, messages)
    for lie in (all_refused(leg), all_refused(after)):
        with pytest.raises(StateContradicted):
            check_leg(lie, messages[: lie.version])


def test_beyond_what_was_read_nothing_is_compared() -> None:
    leg, messages = opened({})
    check_leg(replace(all_refused(leg), head=digest_of("not read yet")), messages)
