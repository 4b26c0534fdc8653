"""Appointments, detained persons and physical items: who owes what, until when, and who says that it is done."""

from __future__ import annotations

import pytest

from shared.domain.dossier import Leg, lapsed, possible_kinds
from shared.domain.obligations import waiting_on
from shared.domain.status import status_lines
from shared.errors import ActMalformed, IllegalMove
from tests.unit.domain.letters import DAY, ES, MA, after, the_leg
from tests.unit.domain.test_turns import end
from tests.unit.domain.test_use import say

ON = {"on": "2027-01-14"}
TRANSFER = {"consent": "2026-12-20", "hand-over": "2027-01-10", "return": "2027-02-10", "safe-conduct": "2027-02-25"}
PARCEL = {"channel": "courier", "sent": "2026-12-01", "bag": "b-17", "count": 2}
CAME = {"condition": "intact", "received": "2026-12-04", "count": 2}


def owed(leg: Leg, *but: str) -> list[tuple[str, str]]:
    return sorted({(one.debtor, one.act) for one in waiting_on(leg) if one.act not in ("execute", *but)})


def agreed() -> Leg:
    proposed, proposal = say(after(the_leg(), "accept"), "propose-appointment", ES, ON, "M2")
    duties = {"duties": {"interpreter": "2027-01-14", "test-call": "2027-01-13"}}
    return say(proposed, "confirm-appointment", MA, {**ON, **duties}, "M2", in_reply_to=proposal)[0]


def test_a_hearing_is_proposed_by_either_side_and_confirmed_by_the_other() -> None:
    leg = after(the_leg(), "accept")
    for one, other in ((MA, ES), (ES, MA)):
        proposed, proposal = say(leg, "propose-appointment", one, {**ON, "interpreter": "requested"}, "M2")
        assert owed(proposed) == [(other, "answer-appointment")]
        with pytest.raises(IllegalMove):
            say(proposed, "confirm-appointment", one, ON, "M2", in_reply_to=proposal)
        confirmed, _ = say(proposed, "confirm-appointment", other, ON, "M2", in_reply_to=proposal)
        assert owed(confirmed) == [(ES, "hold-appointment")]
        assert any("appointment · waiting on ES.SGCJI" in line for line in status_lines([confirmed], ES, DAY))


def test_a_counter_proposal_takes_the_place_of_what_it_answers() -> None:
    leg, first = say(after(the_leg(), "accept"), "propose-appointment", ES, ON, "M2")
    leg, second = say(leg, "propose-appointment", MA, {"on": "2027-01-20"}, "M2")
    assert owed(leg) == [(ES, "answer-appointment")]
    with pytest.raises(IllegalMove):
        say(leg, "confirm-appointment", MA, ON, "M2", in_reply_to=first)
    assert owed(say(leg, "confirm-appointment", ES, {"on": "2027-01-20"}, "M2", in_reply_to=second)[0]) == [
        (ES, "hold-appointment")
    ]


def test_interpreter_and_test_call_are_owed_with_it_and_end_with_it() -> None:
    leg = agreed()
    assert owed(leg) == [(ES, "hold-appointment"), (ES, "interpreter"), (ES, "test-call")]
    tried, _ = say(leg, "discharge", ES, {"duties": ["test-call"]}, "M2")
    assert (ES, "test-call") not in owed(tried)
    for kind, act in (("report-appointment", {"held": "held"}), ("cancel-appointment", {})):
        assert owed(say(tried, kind, ES, act, "M2")[0]) == []
    assert owed(after(tried, "withdraw"), "confirm-stopped") == []
    assert owed(say(leg, "deliver-result", ES, {"outcomes": {"M2": "executed"}}, "M2")[0], "confirm-receipt") == [
        (MA, "query-or-close")
    ]


def test_what_was_not_agreed_upon_is_neither_called_off_nor_reported() -> None:
    leg = agreed()
    for kind, act in (("cancel-appointment", {}), ("report-appointment", {"held": "held"})):
        assert "M1" not in possible_kinds(leg, ES)[kind]
        with pytest.raises(IllegalMove):
            say(leg, kind, ES, act, "M1")


def test_a_transfer_names_consent_hand_over_return_and_safe_conduct_or_is_none() -> None:
    leg = after(the_leg(), "accept")
    for missing in TRANSFER:
        with pytest.raises(ActMalformed):
            say(leg, "arrange-transfer", ES, {name: day for name, day in TRANSFER.items() if name != missing}, "M2")
    arranged, _ = say(leg, "arrange-transfer", ES, TRANSFER, "M2")
    due = {one.act: (one.debtor, one.due) for one in waiting_on(arranged) if one.act != "execute"}
    assert due == {
        "hand-over-detainee": (ES, end(2027, 1, 10)),
        "custody": (MA, end(2027, 2, 10)),
        "return-detainee": (MA, end(2027, 2, 10)),
        "safe-conduct": (MA, end(2027, 2, 25)),
    }


def test_whoever_gets_the_person_says_so_and_a_closure_does_not_end_the_return() -> None:
    leg, _ = say(after(the_leg(), "accept"), "arrange-transfer", ES, TRANSFER, "M2")
    with pytest.raises(IllegalMove):
        say(after(the_leg(), "accept"), "confirm-arrival", MA, {"arrived": "2027-01-10"}, "M2")
    leg, _ = say(leg, "confirm-arrival", MA, {"arrived": "2027-01-10"}, "M2")
    closed = after(leg, "deliver-result", "close")
    assert owed(closed) == [(MA, "custody"), (MA, "return-detainee"), (MA, "safe-conduct")]
    later, _ = say(closed, "arrange-transfer", ES, {**TRANSFER, "return": "2027-03-10"}, "M2")
    assert [one.due for one in later.obligations if one.act == "return-detainee"] == [end(2027, 3, 10)]
    back, _ = say(closed, "confirm-return", ES, {"returned": "2027-02-09"}, "M2")
    assert back.obligations == ()
    with pytest.raises(IllegalMove):
        say(back, "confirm-return", ES, {"returned": "2027-02-09"}, "M2")


def test_each_parcel_has_its_own_receipt_by_the_side_that_gets_it() -> None:
    leg = after(the_leg(), "accept")
    leg, first = say(leg, "send-items", ES, {**PARCEL, "duties": {"return-originals": "2027-06-30"}}, "M1")
    leg, second = say(leg, "send-items", ES, {**PARCEL, "bag": "b-18"}, "M1")
    with pytest.raises(IllegalMove):
        say(leg, "confirm-items", ES, CAME, "M1", in_reply_to=first)
    leg, _ = say(leg, "confirm-items", MA, CAME, "M1", in_reply_to=second)
    left = [one.opened_by for one in leg.obligations if one.act == "receive-items"]
    assert left == [first]


def test_originals_go_back_after_the_closure_and_are_receipted_there() -> None:
    leg = after(the_leg(), "accept")
    leg, parcel = say(leg, "send-items", ES, {**PARCEL, "duties": {"return-originals": "2027-06-30"}}, "M1")
    closed = lapsed(after(leg, "deliver-result"), end(2027, 6, 1))
    assert owed(closed) == [(MA, "receive-items"), (MA, "return-originals")]
    leg, _ = say(closed, "confirm-items", MA, CAME, "M1", in_reply_to=parcel)
    leg, back = say(leg, "send-items", MA, PARCEL, "M1")
    leg, _ = say(leg, "discharge", MA, {"duties": ["return-originals"]}, "M1")
    assert owed(leg) == [(ES, "receive-items")]
    done, _ = say(leg, "confirm-items", ES, CAME, "M1", in_reply_to=back)
    assert done.obligations == ()
