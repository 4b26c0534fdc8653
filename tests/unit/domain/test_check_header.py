"""A header must fit its kind before anybody looks at a dossier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import profiles
from shared.domain.header import Basis
from shared.domain.ids import new_uuid7
from shared.domain.profile_data.mla_request import MLA_REQUEST
from shared.domain.profiles import check_header, mandatory_body_fields
from shared.errors import (
    ActMalformed,
    ForeignSigner,
    GroundMissing,
    HeaderInconsistent,
    KindUnknown,
    ProfileUnknown,
    Rejection,
)
from tests.unit.domain.letters import BE, DAY, ES, FR, MA, a_header, a_message, after, digest_of, the_leg

SOME_ID = new_uuid7(DAY)
BASIS = Basis(primary="ma-es-2009", cited=(), group=None)


def test_the_usual_request_fits() -> None:
    assert check_header(a_header()).name == "request"


@pytest.mark.parametrize("approvals", [0, 20])
def test_approvals_are_a_small_number(approvals: int) -> None:
    check_header(a_header(act={"approvals": approvals}))


def test_a_profile_for_one_recipient_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    single = replace(MLA_REQUEST, several_recipients=False)
    monkeypatch.setattr(profiles, "PROFILES", {single.name: single})
    check_header(a_header(recipients=(ES,)))
    with pytest.raises(HeaderInconsistent):
        check_header(a_header(recipients=(ES, FR)))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"profile": "notice-of-mars"}, ProfileUnknown, id="unknown profile"),
        pytest.param({"kind": "greet"}, KindUnknown, id="unknown kind"),
        pytest.param({"leg": ES}, HeaderInconsistent, id="an opening names no leg"),
        pytest.param({"basis": None}, HeaderInconsistent, id="no basis"),
        pytest.param({"basis": {ES: BASIS}}, HeaderInconsistent, id="a recipient without basis"),
        pytest.param(
            {"recipients": (ES,), "basis": {ES: BASIS, FR: BASIS}}, HeaderInconsistent, id="a basis for a stranger"
        ),
        pytest.param({"seen": digest_of("x")}, HeaderInconsistent, id="an opening has seen nothing"),
        pytest.param({"in_reply_to": SOME_ID}, HeaderInconsistent, id="an opening replies to nothing"),
        pytest.param({"measures": {}}, HeaderInconsistent, id="no measure"),
        pytest.param({"measures": {"M1": "mind-reading"}}, HeaderInconsistent, id="unknown measure"),
        pytest.param({"measures": {"M1": "interception"}}, HeaderInconsistent, id="a covert measure shown"),
        pytest.param({"handling": ("tlp:red",)}, HeaderInconsistent, id="handling of another profile"),
        pytest.param({"act": {"deadline": "soon"}}, ActMalformed, id="a deadline that is no date"),
        pytest.param({"act": {"deadline": "2026-02-30"}}, ActMalformed, id="a day that does not exist"),
        pytest.param({"act": {"deadline": "20261212"}}, ActMalformed, id="a date in another form"),
        pytest.param({"act": {"note": "call me"}}, ActMalformed, id="free text in the act"),
        pytest.param({"act": {"approvals": True}}, ActMalformed, id="a boolean for a number"),
        pytest.param({"act": {"approvals": -1}}, ActMalformed, id="fewer approvals than none"),
        pytest.param({"act": {"approvals": 21}}, ActMalformed, id="more approvals than can be"),
    ],
)
def test_an_opening_that_does_not_fit_is_refused(changes: dict[str, Any], refusal: type[Rejection]) -> None:
    with pytest.raises(refusal):
        check_header(a_header(**changes))


@pytest.mark.parametrize(
    ("kind", "changes", "refusal"),
    [
        pytest.param("accept", {"leg": None}, HeaderInconsistent, id="no leg"),
        pytest.param("accept", {"basis": {MA: BASIS}}, HeaderInconsistent, id="a new basis"),
        pytest.param("accept", {"recipients": (MA, FR, BE, ES)}, HeaderInconsistent, id="a copy to all"),
        pytest.param("accept", {"leg": BE}, HeaderInconsistent, id="somebody else's leg"),
        pytest.param("accept", {"seen": None}, HeaderInconsistent, id="nothing seen"),
        pytest.param("acknowledge", {"in_reply_to": None}, HeaderInconsistent, id="acknowledges nothing in particular"),
        pytest.param("supply-information", {"in_reply_to": None}, HeaderInconsistent, id="answers no question"),
        pytest.param("accept", {"sender": MA, "recipients": (ES,)}, ForeignSigner, id="accepts its own request"),
        pytest.param("close", {"sender": ES, "recipients": (MA,)}, ForeignSigner, id="closes what it was asked"),
        pytest.param("refuse", {"act": {}}, GroundMissing, id="a refusal without ground"),
        pytest.param("refuse", {"act": {"grounds": []}}, GroundMissing, id="an empty list of grounds"),
        pytest.param("refuse", {"act": {"grounds": "essential-interests"}}, ActMalformed, id="a ground, not a list"),
        pytest.param("refuse", {"act": {"grounds": ["Because we say so"]}}, ActMalformed, id="a sentence for a ground"),
        pytest.param("refuse", {"act": {"grounds": ["a", "a"]}}, ActMalformed, id="a ground twice"),
        pytest.param("refuse", {"act": {"grounds": [["a"]]}}, ActMalformed, id="a list for a ground"),
        pytest.param("refuse", {"act": {"grounds": [f"g{n}" for n in range(21)]}}, ActMalformed, id="too many grounds"),
        pytest.param("ask-information", {"act": {}}, ActMalformed, id="a question without date"),
        pytest.param("ask-information", {"act": {"due": "0206-12-01"}}, ActMalformed, id="a slip in the year"),
        pytest.param(
            "report-delay", {"act": {"estimate": "9999-12-31"}}, ActMalformed, id="a date no pause can move on"
        ),
        pytest.param("deliver-result", {"act": {}}, ActMalformed, id="a result without outcome"),
        pytest.param("deliver-result", {"act": {"outcomes": {"M1": "executed"}}}, ActMalformed, id="M2 left out"),
        pytest.param(
            "deliver-result",
            {"act": {"outcomes": {"M1": "executed", "M2": "done"}}},
            ActMalformed,
            id="unknown outcome",
        ),
        pytest.param("deliver-result", {"act": {"outcomes": ["executed"]}}, ActMalformed, id="outcomes as a list"),
        pytest.param("acknowledge", {"act": {"holder": "Court No 3"}}, ActMalformed, id="a holder by name"),
        pytest.param("report-status", {"act": {"stage": "somewhere"}}, ActMalformed, id="unknown stage"),
    ],
)
def test_a_later_message_that_does_not_fit_is_refused(
    kind: str, changes: dict[str, Any], refusal: type[Rejection]
) -> None:
    with pytest.raises(refusal):
        check_header(a_message(the_leg(), kind, **changes))


def test_every_later_kind_fits_as_it_is_usually_sent() -> None:
    leg = after(the_leg(), "acknowledge")
    for kind in ("accept", "refuse", "ask-information", "deliver-result", "remind", "ask-status", "report-status"):
        assert check_header(a_message(leg, kind)).name == kind


def test_a_refusal_gives_its_reasons_in_the_body() -> None:
    refusal = a_message(the_leg(), "refuse")
    assert [field.name for field in mandatory_body_fields(refusal)] == ["reasons"]
