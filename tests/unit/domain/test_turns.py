"""What the parties may come to: returned, forwarded, offered, put off, withdrawn, silent, owed beyond the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.admissibility import admissibility
from shared.domain.dossier import Leg, decide_move, dossier_status, lapsed, leg_status, outcome_of, possible_kinds
from shared.domain.instruments import Registry, parse_registry
from shared.domain.leg import DueBasis
from shared.domain.obligations import waiting_on
from shared.domain.status import status_lines
from shared.errors import ActMalformed, DossierStale, HeaderInconsistent, IllegalMove
from tests.unit.domain.letters import DAY, ES, FR, MA, a_message, after, digest_of, opened, the_leg

COURT = "ES.JCI3"
INSTRUMENTS = Path(__file__).parents[3] / "deploy" / "samples" / "instruments.json"
LATER = DAY + timedelta(days=5)
EMPTY = Registry.model_validate({"v": 1, "version": "1", "note": "none", "instruments": []})


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


def sent(leg: Leg, kind: str, act: dict[str, Any] | None = None, *measures: str, **changes: Any) -> Leg:
    at = changes.pop("at", DAY)
    return decide_move(leg, a_message(leg, kind, act, *measures, **changes), digest_of(f"{leg.version} {kind}"), at)


def due(leg: Leg, act: str, basis: DueBasis = DueBasis.policy) -> list[datetime | None]:
    return [one.due for one in waiting_on(leg) if one.act == act and one.basis is basis]


def handed_on(leg: Leg, at: datetime = DAY) -> Leg:
    return sent(leg, "forward", None, recipients=(MA, COURT), at=at)


def test_a_request_that_cannot_be_opened_stops_every_clock_until_it_is_sent_again() -> None:
    shut = sent(the_leg({"ma-es-2009": "eio.1"}), "cannot-open")
    assert leg_status(shut) == "undelivered"
    assert [(one.debtor, one.act) for one in waiting_on(shut)] == [(MA, "resend")]
    again = sent(shut, "resend", at=LATER)
    assert due(again, "decide", DueBasis.law) == [end(2026, 12, 8)]
    assert again.original != again.request
    by_bag = sent(shut, "other-channel", at=LATER)
    assert (leg_status(by_bag), by_bag.original) == ("delivered", by_bag.request)


def resent(leg: Leg, kind: str = "resend", undelivered: str | None = None, at: datetime = LATER) -> Leg:
    return decide_move(leg, a_message(leg, kind), digest_of(f"{leg.version} {kind}"), at, undelivered)


def test_what_was_not_delivered_may_be_sent_again_or_by_another_channel_and_the_clocks_begin_anew() -> None:
    leg = the_leg({"ma-es-2009": "eio.1"})
    again = resent(leg, undelivered=leg.request)
    assert (leg_status(again), again.original != leg.request) == ("submitted", True)
    assert due(again, "decide", DueBasis.law) == [end(2026, 12, 8)]
    by_bag = resent(leg, "other-channel", leg.request)
    assert (leg_status(by_bag), by_bag.original) == ("delivered", leg.request)
    assert due(by_bag, "acknowledge", DueBasis.law) == due(again, "acknowledge", DueBasis.law)


def test_nothing_is_sent_again_that_came_or_was_answered_or_of_which_only_an_earlier_sending_failed() -> None:
    leg = the_leg()
    for kind in ("resend", "other-channel"):
        with pytest.raises(IllegalMove):
            resent(leg, kind)
        with pytest.raises(IllegalMove):
            resent(after(leg, "acknowledge"), kind, leg.request)
        with pytest.raises(IllegalMove):
            resent(resent(leg, undelivered=leg.request), kind, leg.request)
        assert kind not in possible_kinds(leg, MA)
        assert kind not in possible_kinds(leg, ES, leg.request)
        assert kind in possible_kinds(leg, MA, leg.request)


def test_what_was_not_delivered_may_still_be_withdrawn_and_be_answered_when_it_came_late() -> None:
    leg = the_leg()
    for kind, sender in (("withdraw", MA), ("acknowledge", ES), ("cannot-open", ES)):
        assert kind in possible_kinds(leg, sender, leg.request)


def test_a_return_is_no_refusal_and_names_who_is_competent() -> None:
    returned = sent(the_leg(), "return", {"competent": "ES.FGE"})
    assert (leg_status(returned), outcome_of([returned])) == ("returned", "returned")
    with pytest.raises(IllegalMove):
        sent(after(the_leg(), "acknowledge"), "return")


def test_a_forward_asks_for_a_second_acknowledgement_and_counts_the_decision_from_the_holders_receipt() -> None:
    leg = after(the_leg({"ma-es-2009": "eio.1"}), "acknowledge")
    held = handed_on(leg, LATER)
    assert leg_status(held) == "delivered"
    assert {(one.debtor, one.act, one.due) for one in waiting_on(held)} == {
        (COURT, "acknowledge", end(2026, 11, 15)),
        (COURT, "decide", end(2026, 12, 8)),
    }


def test_whoever_was_asked_before_goes_on_owing_only_until_the_leg_is_handed_on() -> None:
    asked = after(the_leg(), "ask-status")
    held = handed_on(asked)
    assert {one.debtor for one in waiting_on(held)} == {COURT}
    taken_back = sent(held, "forward", {"holder": ES, "original": held.original}, sender=ES, recipients=(MA, COURT))
    assert {one.debtor for one in waiting_on(taken_back)} == {ES}


def test_a_message_on_a_leg_that_is_held_goes_to_both_others() -> None:
    held = handed_on(the_leg())
    for sender, to in ((MA, (ES, COURT)), (ES, (MA, COURT)), (COURT, (MA, ES))):
        assert sent(held, "remind", sender=sender, recipients=to).version == held.version + 1
        with pytest.raises(HeaderInconsistent):
            sent(held, "remind", sender=sender, recipients=to[:1] if ES in to[:1] or sender == ES else to[1:])


@pytest.mark.parametrize(
    ("act", "to"),
    [
        ({"holder": FR}, (MA, FR)),
        ({"holder": COURT}, (MA, FR)),
        ({"holder": MA}, (MA,)),
        ({"holder": ES}, (MA,)),
        ({"holder": COURT, "original": "01a4867a-7d80-7000-8000-0123456789ab"}, (MA,)),
    ],
    ids=["to another country", "with a copy to a stranger", "to the asker", "to itself", "of another message"],
)
def test_a_forward_that_is_none_is_refused(act: dict[str, Any], to: tuple[str, ...]) -> None:
    leg = the_leg()
    with pytest.raises(HeaderInconsistent):
        sent(leg, "forward", {"original": leg.original, **act}, recipients=to)


def test_a_holder_that_takes_part_is_changed_by_a_forward_alone() -> None:
    held = handed_on(the_leg())
    with pytest.raises(HeaderInconsistent, match="by forward"):
        sent(held, "acknowledge", {"holder": "ES.JCI4"}, sender=ES, recipients=(MA, COURT))


@pytest.mark.parametrize(
    ("answer", "state"), [("accept-conditions", "accepted"), ("decline-conditions", "under-review")]
)
@pytest.mark.parametrize("offer", ["propose-conditions", "propose-other-measure"])
def test_an_offer_is_answered_by_the_requesting_side(offer: str, answer: str, state: str) -> None:
    act = {"due": "2026-12-01"} | ({"instead": {"M1": "covert", "M2": "bank-data"}} if "other" in offer else {})
    offered = sent(the_leg(), offer, act)
    assert [(one.debtor, one.act) for one in waiting_on(offered)] == [(MA, "answer-conditions")]
    assert leg_status(after(offered, answer)) == state


def test_another_measure_never_shows_what_is_covert() -> None:
    with pytest.raises(ActMalformed, match="covert"):
        sent(
            the_leg(), "propose-other-measure", {"due": "2026-12-01", "instead": {"M1": "interception", "M2": "covert"}}
        )


def test_a_postponement_stops_the_clock_of_the_investigation_order_and_gives_its_days_back() -> None:
    postponed = after(the_leg({"ma-es-2009": "eio.1"}), "acknowledge", "postpone")
    assert due(postponed, "decide", DueBasis.law) == []
    resumed = after(postponed, "resume", at=DAY + timedelta(days=12))
    assert due(resumed, "decide", DueBasis.law) == [end(2026, 12, 15)]


def test_a_result_that_crossed_the_withdrawal_is_late_and_opens_nothing() -> None:
    leg = after(the_leg(), "accept")
    result = a_message(leg, "deliver-result")
    withdrawn = after(leg, "withdraw")
    late = decide_move(withdrawn, result, digest_of("result"), LATER)
    assert {(one.state, one.late, one.outcome) for one in late.measures} == {("withdrawn", True, "withdrawn")}
    assert (late.head, late.since_head) == (withdrawn.head, (digest_of("result"),))
    assert waiting_on(late) == waiting_on(withdrawn)
    flags = admissibility(result, late, EMPTY, LATER)
    assert (flags[0].code, flags[0].measures) == ("late", ("M1", "M2"))
    assert leg_status(after(late, "confirm-stopped")) == "closed"


def test_what_had_missed_more_than_the_withdrawal_is_stale() -> None:
    leg = after(the_leg(), "accept")
    result = a_message(leg, "deliver-result", None, "M1")
    moved = after(sent(leg, "start-execution", None, "M2"), "withdraw")
    with pytest.raises(DossierStale):
        decide_move(moved, result, digest_of("result"), LATER)


def test_a_result_for_more_than_was_withdrawn_has_to_have_seen_the_withdrawal() -> None:
    leg = after(the_leg(), "accept")
    both = a_message(leg, "deliver-result")
    withdrawn = sent(leg, "withdraw", None, "M1")
    with pytest.raises(DossierStale):
        decide_move(withdrawn, both, digest_of("result"), LATER)
    seen = after(withdrawn, "deliver-result")
    assert {one.id: (one.state, one.late) for one in seen.measures} == {
        "M1": ("withdrawn", True),
        "M2": ("result-delivered", False),
    }


def test_a_withdrawal_that_crossed_a_result_is_stale() -> None:
    leg = after(the_leg(), "accept")
    withdrawal = a_message(leg, "withdraw")
    with pytest.raises(DossierStale):
        decide_move(after(leg, "deliver-result"), withdrawal, digest_of("x"), LATER)


def test_silence_closes_a_result_after_its_sixty_days_and_dates_it_there() -> None:
    leg = after(the_leg(), "deliver-result", "confirm-receipt")
    last = end(2027, 1, 2)
    assert lapsed(leg, last) is leg
    closed = lapsed(leg, last + timedelta(seconds=1))
    assert {(one.state, one.since, one.outcome) for one in closed.measures} == {("closed", last, "executed")}
    assert closed.obligations == ()
    with pytest.raises(IllegalMove):
        after(leg, "query-result", at=last + timedelta(days=1))
    assert status_lines([leg], MA, end(2027, 6, 1)) == ["ES M1–M2 · closed (executed) · since 2 Jan"]


def test_a_duty_outlives_the_closure_until_its_debtor_discharges_it() -> None:
    act = {"outcomes": {"M1": "executed", "M2": "executed-in-part"}, "duties": {"return-originals": "2027-01-31"}}
    closed = after(sent(after(the_leg(), "accept"), "deliver-result", act), "close")
    assert (
        "ES M1–M2 · return of originals · waiting on MA.PGR (you) · since 3 Nov"
        " · no legal limit; ES.SGCJI's deadline 31 Jan 2027"
    ) in status_lines([closed], MA, DAY)
    done = {"duties": ["return-originals"]}
    with pytest.raises(IllegalMove):
        sent(closed, "discharge", done, sender=ES, recipients=(MA,))
    assert sent(closed, "remind", sender=ES, recipients=(MA,)).version == closed.version + 1
    free = sent(closed, "discharge", done, sender=MA, recipients=(ES,))
    assert free.obligations == ()
    for kind in ("discharge", "remind"):
        with pytest.raises(IllegalMove):
            sent(free, kind, done if kind == "discharge" else None, sender=MA, recipients=(ES,))


def test_an_unknown_duty_or_one_without_a_day_is_refused() -> None:
    leg = after(the_leg(), "accept")
    for duties in ({}, {"report-use": "2027-01-31"}, {"costs": "soon"}, ["costs"]):
        with pytest.raises(ActMalformed):
            sent(leg, "deliver-result", {"outcomes": {"M1": "executed", "M2": "executed"}, "duties": duties})


def test_outcomes_roll_up_once_every_measure_has_one() -> None:
    leg = sent(after(the_leg(), "accept"), "nothing-found", None, "M1")
    assert outcome_of([leg]) is None
    both = sent(leg, "refuse", None, "M2")
    assert outcome_of([both]) == "mixed"
    assert outcome_of([after(the_leg(), "refuse"), after(the_leg(), "refuse", "close")]) == "refused"
    assert outcome_of([after(the_leg(), "deliver-result", "query-result")]) is None


@pytest.mark.parametrize(
    ("urgency", "access", "due_at"),
    [
        ("routine", "direct", end(2026, 11, 10)),
        ("urgent", "other", DAY + timedelta(hours=72)),
        ("urgent", "direct", DAY + timedelta(hours=8)),
    ],
)
def test_a_police_request_is_answered_by_its_urgency(urgency: str, access: str, due_at: datetime) -> None:
    for clocks, basis in (({}, DueBasis.policy), ({"ma-es-2009": "2023-977.1"}, DueBasis.law)):
        leg = the_leg(clocks, profile="police-request", urgency=urgency, act={"access": access})
        assert due(leg, "answer", basis) == [due_at]
        asked = after(leg, "ask-information")
        assert due(asked, "answer", basis) == []
        answered = after(asked, "supply-information", at=DAY + timedelta(hours=24))
        assert due(answered, "answer", basis) == [due_at + timedelta(hours=24)]
        [line] = status_lines([leg], None, DAY)
        assert (f"{due_at:%H:%M} UTC" in line) == (urgency == "urgent"), "hours are told where hours count"


def test_preserved_data_is_kept_until_it_is_asked_for_or_silence_releases_it() -> None:
    leg = the_leg(profile="preservation", measures={"M1": "preservation"})
    kept = after(leg, "preserve")
    assert {one.state for one in lapsed(kept, end(2027, 2, 1)).measures} == {"closed"}
    assert leg_status(after(kept, "tie-request")) == "tied"
    extended = sent(after(kept, "ask-extension"), "extend", {"until": "2027-06-30"})
    assert due(extended, "request-or-release", DueBasis.deadline) == [end(2027, 6, 30)]


def test_information_given_unasked_follows_the_acceptance_of_its_conditions() -> None:
    legs = opened(profile="spontaneous", kind="offer", measures={"M1": "information"})
    accepted = sent(legs[0], "accept-conditions", sender=legs[0].requested, recipients=(MA,))
    given = sent(accepted, "provide", sender=MA, recipients=(legs[0].requested,))
    declined = sent(legs[1], "decline-conditions", sender=legs[1].requested, recipients=(MA,))
    assert (leg_status(given), leg_status(declined)) == ("provided", "declined")
    assert dossier_status([given, declined]) == "provided"
    with pytest.raises(IllegalMove):
        after(legs[2], "provide")


@pytest.mark.parametrize(("days", "flags"), [(59, ["preservation-short"]), (60, [])])
def test_a_preservation_of_less_than_sixty_days_is_admitted_with_a_flag(days: int, flags: list[str]) -> None:
    asked = the_leg(profile="preservation", measures={"M1": "preservation"})
    header = a_message(asked, "preserve", {"until": (DAY.date() + timedelta(days=days)).isoformat()})
    assert leg_status(decide_move(asked, header, digest_of("kept"), DAY)) == "preserved"
    named = parse_registry(INSTRUMENTS.read_bytes())
    assert [flag.code for flag in admissibility(header, asked, named, DAY)] == flags
