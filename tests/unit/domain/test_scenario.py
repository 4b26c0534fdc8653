"""The four-country scenario: one request, three legs, three ends."""

from __future__ import annotations

from shared.domain.dossier import dossier_status, encode_leg, leg_status, parse_leg
from tests.unit.domain.letters import BE, ES, FR, after, opened


def test_one_request_opens_a_leg_for_each_requested_party() -> None:
    legs = opened()
    assert [leg.requested for leg in legs] == [FR, BE, ES]
    assert {leg_status(leg) for leg in legs} == {"submitted"}
    assert legs[0].basis.primary == "ma-fr-2008"


def test_each_leg_goes_its_own_way_to_its_own_end() -> None:
    france, belgium, spain = opened()
    france = after(france, "acknowledge", "accept", "start-execution", "deliver-result", "confirm-receipt")
    belgium = after(belgium, "acknowledge", "ask-information", "supply-information", "accept", "deliver-result")
    spain = after(spain, "refuse")
    assert [leg_status(leg) for leg in (france, belgium, spain)] == ["result-delivered", "result-delivered", "refused"]
    assert dossier_status([france, belgium, spain]) == "result-delivered"
    closed = [after(leg, "close") for leg in (france, belgium, spain)]
    assert dossier_status(closed) == "closed"
    assert all(leg.obligations == () for leg in closed)


def test_a_leg_survives_its_json_form() -> None:
    for leg in opened(act={"deadline": "2026-12-12"}):
        asked = after(leg, "acknowledge", "ask-information")
        assert parse_leg(encode_leg(asked)) == asked
