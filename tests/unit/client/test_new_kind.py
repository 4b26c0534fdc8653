"""A kind that nobody thought of is added as data and a schema of its content, and no line of code beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from client.act_text import hint_of, read_act
from client.forms import schema_files
from shared.domain import profiles
from shared.domain.dossier import possible_kinds
from shared.domain.profile_data.mla_request import MLA_REQUEST
from shared.domain.profile_format import STAY, ActField, BodyField, FieldType, Kind, Opens, Side
from shared.domain.status import status_lines
from shared.errors import BodyIncomplete
from tests.unit.client.letters import FR, MA, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange

VISIT = Kind(
    "announce-visit",
    "Officials of the requesting party ask to be present",
    frozenset({Side.requesting}),
    dict.fromkeys(("accepted", "executing"), STAY),
    act={"on": ActField(FieldType.date, True, "the day of the visit")},
    body=(BodyField("visitors", "Who comes", "UNTOC 18(17) (k)"),),
    opens=(Opens(Side.requested, "answer-visit", 10, dated_by="on"),),
)
ANSWER = Kind(
    "answer-visit",
    "Answer to that",
    frozenset({Side.requested}),
    dict.fromkeys(("accepted", "executing"), STAY),
    closes=frozenset({"answer-visit"}),
)


def _schema(kind: Kind) -> str:
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:comity:form:1:mla-request:{kind.name}",
            "title": kind.label,
            "type": "object",
            "allOf": [{"$ref": "urn:comity:form:1:every-message"}],
            "required": [field.name for field in kind.body],
            "properties": {
                field.name: {"title": field.label, "$ref": "urn:comity:form:1:fields#/$defs/text"}
                for field in kind.body
            },
        }
    )


GROWN = replace(
    MLA_REQUEST,
    kinds=MappingProxyType({**MLA_REQUEST.kinds, VISIT.name: VISIT, ANSWER.name: ANSWER}),
    owed=MappingProxyType({**MLA_REQUEST.owed, "answer-visit": "answer to a visit"}),
)


def test_a_new_kind_is_sent_admitted_owed_shown_and_answered(
    exchange: PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    for kind in (VISIT, ANSWER):
        (schemas / f"{kind.name}.json").write_text(_schema(kind))
    monkeypatch.setattr(schema_files, "FOLDERS", (*schema_files.FOLDERS, schemas))
    monkeypatch.setattr(profiles, "PROFILES", {**profiles.PROFILES, GROWN.name: GROWN})
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    reply(fr, dossier, "accept")
    ma.mailbox.read_feed()
    assert possible_kinds(ma.leg(dossier), MA)["announce-visit"] == ("M1",)
    assert hint_of("on", VISIT.act["on"]).startswith("on=2026-12-12")
    with pytest.raises(BodyIncomplete, match="Who comes"):
        reply(ma, dossier, "announce-visit", act=read_act(VISIT, ["on=2026-12-20"]))
    visit = reply(ma, dossier, "announce-visit", act={"on": "2026-12-20"}, content={"visitors": "Judge Alami"})
    assert exchange.decisions[visit]["decision"] == "accepted"
    fr.mailbox.read_feed()
    assert fr.mailbox.open(visit).content["visitors"] == "Judge Alami"
    lines = status_lines([fr.leg(dossier)], FR, exchange.now)
    assert any("answer to a visit · waiting on FR.BEPI (you)" in line and "20 Dec" in line for line in lines)
    assert exchange.decisions[reply(fr, dossier, "answer-visit")]["decision"] == "accepted"
    ma.mailbox.read_feed()
    assert not any("visit" in line for line in status_lines([ma.leg(dossier)], MA, exchange.now))
