"""Who may move a leg, having seen what, and what a move does to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.dossier import (
    decide_move,
    dossier_status,
    encode_leg,
    is_current,
    leg_status,
    open_legs,
    parse_leg,
    possible_kinds,
    shown_state,
)
from shared.domain.ids import new_uuid7
from shared.domain.leg import SEEN_AFTER_HEAD
from shared.domain.profile_format import Side
from shared.errors import DossierStale, ForeignSigner, HeaderInconsistent, IllegalMove, MeasureUnknown
from tests.unit.domain.letters import BE, DAY, ES, FR, MA, a_message, after, digest_of, opened, the_leg

LATER = DAY + timedelta(days=2)


def test_only_the_parties_of_a_leg_move_it() -> None:
    france = opened()[0]
    foreign = a_message(france, "accept", sender=BE, recipients=(FR,))
    with pytest.raises(ForeignSigner):
        decide_move(france, foreign, digest_of("x"), LATER)


def test_a_message_that_passes_as_the_requesting_side_needs_to_be_it() -> None:
    france = opened()[0]
    pretender = a_message(after(france, "refuse"), "close", sender=BE, recipients=(FR,))
    with pytest.raises(ForeignSigner):
        decide_move(after(france, "refuse"), pretender, digest_of("x"), LATER)


@pytest.mark.parametrize(
    "changes",
    [{"dossier": new_uuid7(LATER)}, {"leg": FR, "sender": FR}, {"recipients": (BE,)}, {"recipients": (MA, FR)}],
)
def test_a_message_for_another_leg_or_to_a_third_party_does_not_fit(changes: dict[str, Any]) -> None:
    with pytest.raises(HeaderInconsistent):
        decide_move(the_leg(), a_message(the_leg(), "accept", **changes), digest_of("x"), LATER)


@pytest.mark.parametrize("measures", [{"M3": "testimony"}, {"M1": "testimony"}])
def test_a_measure_that_was_not_asked_for_cannot_be_decided(measures: dict[str, str]) -> None:
    with pytest.raises(MeasureUnknown):
        decide_move(the_leg(), a_message(the_leg(), "accept", measures=measures), digest_of("x"), LATER)


def test_a_decision_that_crossed_another_move_is_stale() -> None:
    leg = the_leg()
    crossed = a_message(leg, "accept")
    with pytest.raises(DossierStale):
        decide_move(after(leg, "acknowledge"), crossed, digest_of("x"), LATER)


def test_a_reminder_makes_no_decision_stale_and_is_never_stale_itself() -> None:
    leg = after(the_leg(), "acknowledge")
    decision = a_message(leg, "accept")
    reminder = a_message(the_leg(), "remind", dossier=leg.dossier)
    reminded = decide_move(leg, reminder, digest_of("reminder"), LATER)
    assert reminded.head == leg.head
    assert leg_status(decide_move(reminded, decision, digest_of("accept"), LATER)) == "accepted"


def test_who_has_seen_the_reminder_has_seen_what_came_before_it() -> None:
    leg = after(the_leg(), "acknowledge")
    reminded = decide_move(leg, a_message(leg, "remind"), digest_of("reminder"), LATER)
    assert is_current(reminded, digest_of("reminder"))
    accepted = decide_move(reminded, a_message(reminded, "accept", seen=digest_of("reminder")), digest_of("a"), LATER)
    assert not is_current(accepted, digest_of("reminder"))
    assert not is_current(accepted, None)


def test_a_flood_of_reminders_neither_grows_the_leg_nor_blocks_a_decision() -> None:
    leg = after(the_leg(), "acknowledge")
    decision = a_message(leg, "accept")
    for number in range(SEEN_AFTER_HEAD + 5):
        leg = decide_move(leg, a_message(leg, "ask-status"), digest_of(f"status {number}"), LATER)
    assert len(leg.since_head) == SEEN_AFTER_HEAD
    assert len([one for one in leg.obligations if one.act == "report-status"]) == 1
    assert leg_status(decide_move(leg, decision, digest_of("x"), LATER)) == "accepted"


def test_measures_of_one_leg_go_their_own_ways() -> None:
    leg = the_leg()
    leg = decide_move(leg, a_message(leg, "refuse", None, "M1"), digest_of("1"), LATER)
    leg = decide_move(leg, a_message(leg, "accept", None, "M2"), digest_of("2"), LATER)
    assert {one.id: one.state for one in leg.measures} == {"M1": "refused", "M2": "accepted"}
    assert leg_status(leg) == "accepted"


def test_either_every_measure_of_a_message_moves_or_none() -> None:
    leg = the_leg()
    leg = decide_move(leg, a_message(leg, "refuse", None, "M1"), digest_of("1"), LATER)
    with pytest.raises(IllegalMove) as refused:
        decide_move(leg, a_message(leg, "accept"), digest_of("2"), LATER)
    assert refused.value.facts == {"measure": "M1", "state": "refused", "kind": "accept"}
    assert {one.id: one.state for one in leg.measures} == {"M1": "refused", "M2": "submitted"}


@pytest.mark.parametrize("before", ["acknowledge", "start-review", "accept"])
def test_an_answered_question_returns_to_the_state_before(before: str) -> None:
    leg = after(the_leg(), before)
    assert leg_status(after(leg, "ask-information", "supply-information")) == leg_status(leg)


def test_a_measure_remembers_when_it_came_into_its_state() -> None:
    leg = after(the_leg(), "accept")
    later = after(leg, "report-delay", at=LATER)
    assert {one.since for one in later.measures} == {DAY}
    assert {one.since for one in after(later, "start-execution", at=LATER).measures} == {LATER}


def test_the_central_authority_names_the_holder_for_which_it_signs() -> None:
    leg = the_leg()
    leg = decide_move(leg, a_message(leg, "acknowledge", {"holder": "ES.JCI3"}), digest_of("1"), LATER)
    assert after(leg, "accept").holder == "ES.JCI3"


def test_the_version_counts_the_admitted_messages() -> None:
    assert the_leg().version == 1
    assert after(the_leg(), "acknowledge", "remind", "accept").version == 4


def test_the_exchange_is_no_party() -> None:
    with pytest.raises(ValueError, match="no party"):
        the_leg().party(Side.exchange)


def test_a_closed_measure_takes_nothing_more_but_the_question_for_what_it_may_be_used() -> None:
    closed = after(the_leg(), "refuse", "close")
    for party in (MA, ES):
        assert possible_kinds(closed, party) == {"ask-use-permission": ("M1", "M2")}
    with pytest.raises(IllegalMove):
        after(closed, "remind")


def test_what_is_possible_is_what_is_admitted() -> None:
    leg = the_leg()
    leg = decide_move(leg, a_message(leg, "refuse", None, "M1"), digest_of("1"), LATER)
    assert possible_kinds(leg, ES)["accept"] == ("M2",)
    assert possible_kinds(leg, MA)["close"] == ("M1",)
    assert possible_kinds(leg, FR) == {}


def test_a_later_kind_opens_no_dossier_and_a_request_moves_no_leg() -> None:
    with pytest.raises(HeaderInconsistent):
        open_legs(a_message(the_leg(), "accept"), digest_of("x"), DAY)
    with pytest.raises(HeaderInconsistent):
        decide_move(the_leg(), a_message(the_leg(), "request", {}), digest_of("x"), DAY)


def test_the_roll_up_is_what_still_keeps_the_dossier_open() -> None:
    france, belgium, spain = opened()
    legs = [after(france, "refuse", "close"), after(belgium, "accept", "deliver-result"), after(spain, "acknowledge")]
    assert dossier_status(legs) == "acknowledged"
    assert dossier_status(legs[:2]) == "result-delivered"
    with pytest.raises(ValueError, match="at least one leg"):
        dossier_status([])


@pytest.mark.parametrize(
    ("transport", "shown"),
    [
        (None, "submitted"),
        ("submitted", "submitted"),
        ("relayed", "transmitted"),
        ("not-relayed", "undelivered"),
        ("not-delivered", "undelivered"),
        ("delivered", "delivered"),
        ("retrieved", "delivered"),
        ("not-retrieved", "delivered"),
    ],
)
def test_a_submitted_measure_shows_how_far_the_transport_has_come(transport: str | None, shown: str) -> None:
    assert shown_state("submitted", transport) == shown
    assert shown_state("accepted", transport) == "accepted"


@pytest.mark.parametrize(
    "spoil",
    [
        {"version": "3"},
        {"version": 0},
        {"head": "short"},
        {"requesting": "Morocco"},
        {"opened_at": "yesterday"},
        {"opened_at": 1793696400},
        {"deadline": 20261212},
        {"extra": 1},
        {"measures": [{"id": "M1"}]},
    ],
)
def test_a_leg_that_was_tampered_with_in_form_is_not_read(spoil: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        parse_leg(encode_leg(the_leg()) | spoil)
