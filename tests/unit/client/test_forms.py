"""Every kind of message has a form, which says before sealing what is missing or wrong, in words and with its path."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from client.forms import schema_files
from client.forms.faults import MOST_FAULTS, check_content, faults, faults_of, unknown_members
from client.forms.form import Shape, form_of
from client.forms.schema_files import schemas
from shared.domain.catalogue import COVERT_MEASURES, OPEN_MEASURES
from shared.domain.profile_format import Condition, Kind
from shared.domain.profiles import PROFILES
from shared.errors import BodyIncomplete
from tests.unit.client.letters import CONTENT, FR, MA, a_request
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.domain.letters import a_header, a_message, the_leg

FILES = sorted(schema_files.FOLDERS[0].rglob("*.json"))
FOR_ALL = {"urn:comity:form:1:every-message", "urn:comity:form:1:fields"}
KINDS = [(profile.name, kind) for profile in PROFILES.values() for kind in profile.kinds.values()]
PERSON = {"name": "A. B."}


def _id_of(file: Path) -> str:
    """What the address of a file says it is."""
    return ":".join([schema_files.PREFIX, *file.relative_to(schema_files.FOLDERS[0]).with_suffix("").parts])


@pytest.mark.parametrize("file", FILES, ids=_id_of)
def test_each_schema_is_one_and_is_called_as_it_lies(file: Path) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(document)
    assert document["$id"] == _id_of(file)


def test_every_kind_has_one_schema_and_every_schema_is_used() -> None:
    used = {str(schema["$id"]) for profile, kind in KINDS if (schema := schemas().find(profile, kind.name)) is not None}
    assert used | FOR_ALL == {_id_of(file) for file in FILES}
    assert not [f"{profile} {kind.name}" for profile, kind in KINDS if schemas().find(profile, kind.name) is None]


@pytest.mark.parametrize(("profile", "kind"), KINDS, ids=[f"{profile}-{kind.name}" for profile, kind in KINDS])
def test_form_and_profile_ask_for_the_same_in_the_same_words(profile: str, kind: Kind) -> None:
    form = form_of(profile, kind.name)
    assert form is not None
    assert form.title == kind.label
    for field in (*kind.body, *PROFILES[profile].body):
        asked = form.field(field.name)
        assert asked is not None
        assert asked.label == field.label
        assert asked.shape in (Shape.text, Shape.group, Shape.listed)
    always = {field.name for field in kind.body if field.when is Condition.always}
    assert {field.name for field in form.fields if field.required} == always


def test_the_types_of_measure_are_those_of_the_catalogue() -> None:
    types = schemas().at("urn:comity:form:1:fields#/$defs/measure")["properties"]["type"]["enum"]
    assert sorted(types) == sorted({**OPEN_MEASURES, **COVERT_MEASURES})


def test_no_schema_leads_to_a_file_that_is_not_here() -> None:
    for name, document in schemas().documents.items():
        for reference in _references(document):
            assert schemas().at(reference), f"{name} → {reference}"


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


def test_a_complete_request_passes_the_senders_check() -> None:
    check_content(a_header(), CONTENT)


@pytest.mark.parametrize("field", CONTENT)
@pytest.mark.parametrize("empty", [None, "", " \n", [], {}])
def test_each_field_of_untoc_18_15_is_asked_for_by_name(field: str, empty: object) -> None:
    with pytest.raises(BodyIncomplete, match=rf"\({field}\) is missing"):
        check_content(a_header(), {**CONTENT, field: empty})


def test_the_facts_may_be_missing_where_only_documents_are_served() -> None:
    without_facts = {name: text for name, text in CONTENT.items() if name != "facts"}
    check_content(a_header(measures={"M1": "service-of-documents"}), without_facts)
    with pytest.raises(BodyIncomplete):
        check_content(a_header(measures={"M1": "service-of-documents", "M2": "testimony"}), without_facts)


def test_a_deadline_is_given_with_its_reasons_and_an_emergency_with_its_justification() -> None:
    urgent = a_header(act={"deadline": "2026-12-12"}, urgency="emergency")
    with pytest.raises(BodyIncomplete) as refused:
        check_content(urgent, CONTENT)
    assert "deadline_reasons" in str(refused.value)
    assert "emergency_justification" in str(refused.value)
    check_content(urgent, {**CONTENT, "deadline_reasons": "The trial begins", "emergency_justification": "A hostage"})


def test_a_refusal_gives_its_reasons_in_the_body() -> None:
    with pytest.raises(BodyIncomplete, match=r"Reasons for the refusal \(reasons\) is missing"):
        check_content(a_message(the_leg(), "refuse"), {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"facts": ["Money moved"]}, "Summary of the relevant facts (facts) is not text"),
        ({"persons": "A. B."}, "Persons concerned (persons) is not a list"),
        ({"persons": [PERSON, {"born": "1979"}]}, "Persons concerned 2 › Name (persons.2.name) is missing"),
        ({"persons": [{"name": " "}]}, "Persons concerned 1 › Name (persons.1.name) is missing"),
        ({"persons": [{**PERSON, "nam": "C"}]}, "Persons concerned 1 › nam (persons.1.nam) is no field of this form"),
        ({"persons": [PERSON, "C. D."]}, "Persons concerned 2 (persons.2) is not a group of fields"),
        ({"file_number": "9" * 201}, "Our file number (file_number) has more than 200 characters"),
        ({"language": "French"}, "Language of this message (language) is not written as in: fr, ar, es, en"),
        (
            {"related_files": [{"type": "divorce"}]},
            "Related files 1 › How it is related (related_files.1.type) is none",
        ),
        ({"measures": {"M1": {"target": "x"}}}, "Measures M1 › Type of measure (measures.M1.type) is missing"),
        ({"measures": {"X1": {"type": "freezing"}}}, "Measures X1 (measures.X1) is no number such as M1, M2"),
        ({"form": 2}, "request (form): this program does not know version 2"),
        ({"form": "1"}, "request (form): this program does not know version 1"),
        ({"form": True}, "request (form): this program does not know version True"),
    ],
)
def test_what_is_wrong_is_named_in_words_and_with_its_path(content: dict[str, Any], said: str) -> None:
    (fault,) = faults(a_header(), {**CONTENT, **content})
    assert fault.told().startswith(said)


def test_every_fault_is_named_at_once_in_the_order_of_the_form() -> None:
    content = {name: text for name, text in CONTENT.items() if name not in ("purpose", "subject_matter")}
    found = faults(a_header(), {**content, "persons": [{}], "file_number": 7})
    assert [one.path for one in found] == ["subject_matter", "purpose", "persons.1.name", "file_number"]


def test_a_hostile_content_is_told_in_few_lines() -> None:
    assert len(faults(a_header(), {**CONTENT, "persons": [7] * 20_000})) == MOST_FAULTS


def test_a_sender_may_say_more_and_a_slip_of_the_pen_is_shown() -> None:
    content = {**CONTENT, "contatcs": [{"name": "A."}], "weather": "rain"}
    check_content(a_header(), content)
    assert [(one.name, one.meant) for one in unknown_members(a_header(), content)] == [
        ("contatcs", "contacts"),
        ("weather", None),
    ]


def test_what_came_without_mandatory_content_is_opened_and_shown_with_what_is_missing(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    careless = replace(composed, content={**composed.content, "purpose": "", "persons": [{}]})
    message = ma.seal_and_store(careless, ())
    ma.outbox.send(message)
    fr.mailbox.read_feed()
    opened = fr.mailbox.open(message)
    assert opened.content["facts"] == CONTENT["facts"]
    assert [fault.path for fault in faults_of(opened)] == ["purpose", "persons.1.name"]
