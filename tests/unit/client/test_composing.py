"""What cannot be composed by the rules is refused with its reason, before anything is sealed or sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client.request_file import load_request
from shared.errors import BasisMissing, BodyIncomplete, ComityError, GroundMissing, IllegalMove, ReasonMissing
from tests.unit.client.letters import BE, CONTENT, FR, MA, a_request, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange


def test_each_leg_of_a_group_cites_its_own_convention(exchange: PaperExchange, tmp_path: Path) -> None:
    composed = exchange.correspond(MA, tmp_path).compose_request(a_request(), (FR, BE), "quadripartite")
    basis = composed.header.basis or {}
    assert {one: (basis[one].primary, basis[one].group) for one in basis} == {
        FR: ("ma-fr-2008", "quadripartite"),
        BE: ("ma-be-1997", "quadripartite"),
    }


def test_a_covert_measure_shows_as_covert_and_keeps_its_name_inside(exchange: PaperExchange, tmp_path: Path) -> None:
    request = a_request(measures={"M1": {"type": "interception", "target": "a number"}})
    composed = exchange.correspond(MA, tmp_path).compose_request(request, (FR,), "quadripartite")
    assert composed.header.measures == {"M1": "covert"}
    assert composed.content["measures"]["M1"]["type"] == "interception"


def test_missing_content_is_named_field_by_field_and_nothing_is_sent(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    with pytest.raises(BodyIncomplete) as refused:
        ma.compose_request(a_request(content={**CONTENT, "facts": " ", "purpose": None}), (FR,), "quadripartite")
    assert "Summary of the relevant facts (facts)" in refused.value.sentence()
    assert "(purpose)" in refused.value.sentence()
    assert not any("POST" in call for call in exchange.calls)


def test_a_pair_without_convention_in_the_group_is_named(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.enrol("BR.MJSP")
    with pytest.raises(BasisMissing, match=r"BR\.MJSP"):
        exchange.correspond(MA, tmp_path).compose_request(a_request(), ("BR.MJSP",), "quadripartite")


@pytest.mark.parametrize(
    "wish", [{"act": {}, "content": {"reasons": "no"}}, {"act": {"grounds": ["essential-interests"]}, "content": {}}]
)
def test_a_refusal_without_ground_or_reasons_never_leaves(
    exchange: PaperExchange, tmp_path: Path, wish: dict[str, Any]
) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    with pytest.raises(GroundMissing):
        reply(fr, dossier, "refuse", **wish)


def test_an_illegal_move_is_refused_before_it_is_sealed(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(ma)
    with pytest.raises(IllegalMove):
        reply(ma, dossier, "close")


def test_a_typing_mistake_in_a_request_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"v": 1, "measures": {"M1": {"typ": "bank-data"}}, "content": {}}))
    with pytest.raises(ComityError, match=r"measures\.M1"):
        load_request(file)


@pytest.mark.parametrize(
    ("content", "is_warned"),
    [
        ({"language": "nl"}, True),
        ({"language": "nl", "translations": "Into French"}, False),
        ({"language": "fr"}, False),
    ],
)
def test_a_language_that_the_other_side_does_not_take_needs_a_reason(
    exchange: PaperExchange, tmp_path: Path, content: dict[str, str], is_warned: bool
) -> None:
    ma, request = exchange.correspond(MA, tmp_path), a_request(content={**CONTENT, **content})
    if not is_warned:
        assert ma.compose_request(request, (FR,), "quadripartite").flags == ()
        return
    with pytest.raises(ReasonMissing, match="language-not-accepted"):
        ma.compose_request(request, (FR,), "quadripartite")
    [flag] = ma.compose_request(request.despite("Nobody translates at night."), (FR,), "quadripartite").flags
    assert flag.code == "language-not-accepted"


def test_a_leg_on_reciprocity_has_its_assurance_in_the_content(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    with pytest.raises(BodyIncomplete, match=r"Assurance of reciprocity \(reciprocity\)"):
        ma.compose_request(a_request(), (FR,), "reciprocity")
    assured = a_request(content={**CONTENT, "reciprocity": "Morocco will do the same."})
    assert [flag.code for flag in ma.compose_request(assured, (FR,), "reciprocity").flags] == ["basis-reciprocity"]
