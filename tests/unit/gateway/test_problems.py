"""One map from codes to statuses, complete for what the gateway answers, and pages that cannot differ from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.make_openapi import openapi_document
from docs.make_problems import problems_page
from gateway.problems import STATUS, error_classes, problem_response, sentence_of, told
from shared.errors import (
    BusUnavailable,
    Busy,
    CallClockSkew,
    ComityError,
    DossierStale,
    LedgerForked,
    NotThere,
    SettingsRefused,
    StoreConflict,
)
from tests.unit.gateway.world import World, code_of

SPEC = Path(__file__).parents[3] / "docs" / "spec"


def test_every_code_with_a_status_is_one_of_the_tree() -> None:
    codes = [cls.code for cls in error_classes()]
    assert set(STATUS) <= set(codes)


def test_no_two_errors_share_a_code() -> None:
    codes = [cls.code for cls in error_classes()]
    assert len(set(codes)) == len(codes)


def test_every_refusal_of_a_call_has_a_status_of_its_own_choice() -> None:
    """A new `call.` error without a status would be answered as a fault of the exchange."""
    assert {cls.code for cls in error_classes() if cls.code.startswith("call.")} <= set(STATUS)


@pytest.mark.parametrize("error", [BusUnavailable(why="amqp://user:pass@host"), StoreConflict(), Busy(retry_after_s=3)])
def test_passing_trouble_is_one_answer_that_says_when_to_come_back(error: ComityError) -> None:
    response = problem_response(error)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert b"amqp" not in bytes(response.body)
    assert json.loads(bytes(response.body))["code"] == "call.busy"


@pytest.mark.parametrize("error", [LedgerForked(why="size"), SettingsRefused(why="path"), DossierStale(leg="BE.PF")])
def test_what_is_no_callers_business_is_a_bare_500(error: ComityError) -> None:
    response = problem_response(error)
    assert response.status_code == 500
    assert json.loads(bytes(response.body)) == {
        "type": "/problems/comity.error",
        "title": "Comity error",
        "status": 500,
        "detail": "Something went wrong in the exchange.",
        "code": "comity.error",
        "facts": {},
    }


def test_a_problem_carries_the_sentence_and_its_facts() -> None:
    body = json.loads(bytes(problem_response(CallClockSkew(created="a", now="b", limit_s=60)).body))
    assert body["detail"].startswith("The call is dated a, the exchange's clock says b; the limit is 60 s.")
    assert body["facts"] == {"created": "a", "now": "b", "limit_s": "60"}


def test_the_title_is_the_same_for_every_occurrence() -> None:
    assert CallClockSkew.title() == "Call clock skew"
    assert NotThere.title() == "Not there"


def test_a_decision_made_elsewhere_is_told_in_its_words() -> None:
    assert sentence_of("dossier.stale", {"leg": "BE.PF"}) == DossierStale(leg="BE.PF").sentence()
    assert sentence_of("of.a-newer-version", {}) == "of.a-newer-version"


def test_what_is_told_has_a_status() -> None:
    assert all(told(cls()).code in STATUS for cls in error_classes())


async def test_the_type_of_every_problem_leads_to_its_page(world: World) -> None:
    for code, status in STATUS.items():
        page = await world.bare("GET", f"/problems/{code}")
        assert page.status_code == 200
        assert (page.json()["code"], page.json()["status"]) == (code, status)
    assert code_of(await world.bare("GET", "/problems/no.such")) == "call.not-there"
    assert code_of(await world.bare("GET", "/problems/client.ambiguous")) == "call.not-there"


def test_the_page_of_problems_is_what_the_code_says() -> None:
    """Otherwise: python docs/make_problems.py"""
    assert (SPEC / "problems.md").read_text(encoding="utf-8") == problems_page()


def test_the_committed_api_is_what_the_code_answers() -> None:
    """Otherwise: python docs/make_openapi.py, and review the difference."""
    assert (SPEC / "openapi.json").read_text(encoding="utf-8") == openapi_document()


def test_every_operation_says_whether_it_is_signed_and_how_it_refuses() -> None:
    document = json.loads(openapi_document())
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert "security" in operation, path
            refusals = {status for status in operation["responses"] if status >= "400"}
            assert {"401", "403", "503"} <= refusals or operation["security"] == [], path
            for status in refusals - {"503"} if path == "/readyz" else refusals:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"], path


def test_title_and_sentence_are_told_in_the_callers_language() -> None:
    response = problem_response(CallClockSkew(created="a", now="b", limit_s=60), language="es")
    body = json.loads(bytes(response.body))
    assert body["title"] == "Desfase de reloj de la llamada"
    assert body["detail"].startswith(
        "La llamada lleva fecha a, el reloj de la plataforma dice b; el límite es de 60 s."
    )
    assert (body["code"], body["type"]) == ("call.clock-skew", "/problems/call.clock-skew")
    assert response.headers["content-language"] == "es"


async def test_a_refused_call_is_answered_in_the_language_that_it_asks_for(world: World) -> None:
    for accepted, title in (("ar-MA,fr;q=0.5", "غير موجود"), ("de, fr;q=0.5", "Inexistant"), ("la", "Not there")):
        answer = await world.bare("GET", "/v1/nowhere", headers={"Accept-Language": accepted})
        assert answer.json()["title"] == title
    page = await world.bare("GET", "/problems/call.clock-skew", headers={"Accept-Language": "fr"})
    assert page.json()["title"] == "Écart d'horloge de l'appel"
    assert page.headers["vary"] == "Accept-Language"
