"""An appointment is shown by both clocks and in UTC, and nobody is sent an hour that a clock does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.appointments import appointment_lines, completed
from client.correspondence import Correspondence
from shared.errors import ActMalformed, BodyIncomplete, HeaderInconsistent
from tests.unit.client.letters import FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange

PARIS = {"begins": "2027-01-14T10:00", "zone": "Europe/Paris", "other_zone": "America/New_York"}


def hours(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = completed("propose-appointment", {}, {"appointment": {**PARIS, **changes}})["appointment"]
    return found


def test_the_other_sides_hour_and_utc_are_reckoned_for_the_hearing_and_its_test_call() -> None:
    whole = hours(test_call={"begins": "2027-01-13T16:30"})
    assert (whole["utc"], whole["other_begins"]) == ("2027-01-14T09:00Z", "2027-01-14T04:00")
    assert whole["test_call"]["utc"] == "2027-01-13T15:30Z"
    assert list(appointment_lines({"appointment": {**whole, "what": "Hearing of A."}}, "en")) == [
        "Hearing of A.: 2027-01-14 10:00 in Europe/Paris, 2027-01-14 04:00 in America/New_York, 2027-01-14 09:00 UTC",
        "Test call: 2027-01-13 16:30 in Europe/Paris, 2027-01-13 10:30 in America/New_York, 2027-01-13 15:30 UTC",
    ]


def test_an_hour_that_the_clock_skips_is_refused_and_one_that_it_shows_twice_is_told_by_utc() -> None:
    with pytest.raises(BodyIncomplete, match="skips"):
        hours(begins="2027-03-28T02:30")
    with pytest.raises(BodyIncomplete, match="2027-10-31T00:30Z or 2027-10-31T01:30Z"):
        hours(begins="2027-10-31T02:30")
    assert hours(begins="2027-10-31T02:30", utc="2027-10-31T01:30Z")["other_begins"] == "2027-10-30T21:30"


@pytest.mark.parametrize(
    "changes",
    [
        {"utc": "2027-01-14T10:00Z"},
        {"other_begins": "2027-01-14T05:00"},
        {"zone": "Europe/Lutetia"},
        {"other_zone": "../../etc/passwd"},
        {"begins": "2027-02-30T10:00"},
    ],
)
def test_hours_that_contradict_each_other_or_no_clock_has_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BodyIncomplete):
        hours(**changes)


def test_a_reader_whose_zones_are_others_is_told_and_utc_counts() -> None:
    sent = {**hours(), "other_begins": "2027-01-14T05:00"}
    _, doubt = appointment_lines({"appointment": sent}, "en")
    assert doubt.startswith("This machine knows America/New_York otherwise: 2027-01-14 04:00 there.")


@pytest.mark.parametrize("node", [7, "soon", [], {"begins": 7}, {**PARIS, "utc": "\x1b[2J", "other_begins": "x"}])
def test_what_a_hostile_sender_wrote_stops_no_reader(node: Any) -> None:
    assert len(list(appointment_lines({"appointment": node}, "ar"))) <= 1


def test_a_hearing_is_agreed_upon_between_two_desks(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    reply(fr, dossier, "accept")
    content = {"appointment": {**PARIS, "other_zone": "Africa/Casablanca"}}
    with pytest.raises(ActMalformed, match="on is 2027-01-15, and the content says 2027-01-14T10:00"):
        reply(fr, dossier, "propose-appointment", act={"on": "2027-01-15"}, content=content)
    with pytest.raises(BodyIncomplete, match="appointment"):
        reply(fr, dossier, "propose-appointment", act={"on": "2027-01-14"})
    proposal = reply(fr, dossier, "propose-appointment", act={"on": "2027-01-14"}, content=content)
    ma.mailbox.read_feed()
    assert ma.mailbox.open(proposal).content["appointment"]["utc"] == "2027-01-14T09:00Z"
    with pytest.raises(ActMalformed, match="on is 2027-01-20, and was 2027-01-14"):
        reply(ma, dossier, "confirm-appointment", act={"on": "2027-01-20"})
    confirmed = reply(ma, dossier, "confirm-appointment")
    assert exchange.decisions[confirmed]["decision"] == "accepted"
    fr.mailbox.read_feed()
    assert "hold-appointment" in {one.act for one in fr.leg(dossier).obligations}


def test_a_receipt_answers_its_own_parcel_and_says_when_less_came(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    first, second = (_parcel(fr, dossier, bag) for bag in ("b-17", "b-18"))
    ma.mailbox.read_feed()
    came = {"condition": "intact", "received": "2026-11-22", "count": 1}
    with pytest.raises(HeaderInconsistent, match=f"{first}, {second} wait for this answer each"):
        reply(ma, dossier, "confirm-items", act=came)
    with pytest.raises(ActMalformed, match="2 items were announced"):
        _receipt(ma, dossier, came, second)
    _receipt(ma, dossier, {**came, "condition": "incomplete"}, second)
    left = [one.opened_by for one in ma.leg(dossier).obligations if one.act == "receive-items"]
    assert left == [first]
    assert exchange.decisions[reply(ma, dossier, "confirm-items", act={**came, "count": 2})]["decision"] == "accepted"


def _parcel(one: Correspondence, dossier: str, bag: str) -> str:
    act = {"channel": "courier", "sent": "2026-11-20", "bag": bag, "count": 2}
    return reply(one, dossier, "send-items", act=act, content={"items": [{"description": "Ledger", "seal": "S-1"}]})


def _receipt(one: Correspondence, dossier: str, act: dict[str, Any], parcel: str) -> None:
    from client.composition import ReplyWish

    composed = one.compose_reply(dossier, ReplyWish("confirm-items", act, {}), None, parcel)
    one.outbox.send(one.seal_and_store(composed, ()))
