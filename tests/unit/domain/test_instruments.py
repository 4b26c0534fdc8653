"""The registry warns, and never blocks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.admissibility import admissibility
from shared.domain.catalogue import GROUNDS
from shared.domain.dossier import Leg, decide_move, open_legs
from shared.domain.header import Basis, Header
from shared.domain.instruments import InstrumentKind, Registry, parse_registry
from shared.errors import InstrumentsInvalid
from tests.unit.domain.letters import BE, DAY, ES, FR, MA, a_header, a_message, digest_of, the_leg

SAMPLE = (Path(__file__).parents[3] / "deploy" / "samples" / "instruments.json").read_bytes()
TODAY = date(2026, 11, 3)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return parse_registry(SAMPLE)


def opening(primary: str, *recipients: str, cited: tuple[str, ...] = (), **changes: Any) -> tuple[Header, Leg]:
    recipients = recipients or (ES,)
    basis = {party: Basis(primary=primary, cited=cited, group=None) for party in recipients}
    header = a_header(recipients=recipients, basis=basis, **changes)
    return header, open_legs(header, digest_of("request"), DAY)[0]


def codes(header: Header, leg: Leg, registry: Registry) -> list[str]:
    return [flag.code for flag in admissibility(header, leg, registry, DAY)]


def test_every_entry_of_the_sample_says_that_it_is_one_and_where_it_comes_from(registry: Registry) -> None:
    assert "SAMPLE" in registry.note
    for entry in registry.instruments:
        assert entry.sample
        assert entry.source
        assert all("(k)" in ground.clause for ground in entry.grounds)
        assert all(ground.code in GROUNDS for ground in entry.grounds)


def test_the_sample_holds_the_instruments_of_the_design(registry: Registry) -> None:
    assert {entry.code for entry in registry.instruments} == {
        *("untoc", "uncac", "budapest", "budapest-2ap", "un-cybercrime", "riyadh"),
        *("ma-fr-2008", "ma-es-2009", "ma-be-1997", "eio", "quadripartite"),
    }


@pytest.mark.parametrize(("requested", "convention"), [(FR, "ma-fr-2008"), (BE, "ma-be-1997"), (ES, "ma-es-2009")])
def test_under_a_group_each_leg_cites_its_own_convention(registry: Registry, requested: str, convention: str) -> None:
    assert registry.basis("quadripartite", MA, requested) == Basis(primary=convention, cited=(), group="quadripartite")


def test_a_group_has_no_convention_with_a_stranger_and_an_unknown_code_no_basis(registry: Registry) -> None:
    assert registry.basis("quadripartite", MA, "DE.BFJ") is None
    assert registry.basis("atlantis", MA, FR) is None
    assert registry.basis("untoc", MA, FR) == Basis(primary="untoc", cited=(), group=None)
    assert registry.basis("reciprocity", MA, "XX.CA") == Basis(primary="reciprocity", cited=(), group=None)


def test_the_bilateral_convention_comes_first(registry: Registry) -> None:
    assert [entry.code for entry in registry.between("MA", "FR", TODAY)] == ["ma-fr-2008", "untoc", "uncac", "budapest"]
    assert next(iter(registry.between("BE", "FR", TODAY))).code == "eio"
    assert registry.between("MA", "FR", date(1999, 1, 1)) == []


def test_a_party_is_bound_from_its_day_until_it_leaves(registry: Registry) -> None:
    entry = registry.instrument("ma-fr-2008")
    assert entry is not None
    france = entry.parties["FR"]
    assert not france.is_bound(date(2011, 8, 18))
    assert france.is_bound(date(2011, 8, 19))
    assert not france.model_copy(update={"denounced": TODAY}).is_bound(TODAY)
    assert not france.model_copy(update={"suspended": TODAY}).is_bound(TODAY)
    assert france.model_copy(update={"denounced": TODAY}).is_bound(TODAY - timedelta(days=1))


def test_an_instrument_is_in_force_from_its_first_day(registry: Registry) -> None:
    entry = registry.instrument("ma-fr-2008")
    assert entry is not None
    assert not entry.is_in_force("MA", "FR", date(2011, 8, 18))
    assert entry.is_in_force("MA", "FR", date(2011, 8, 19))
    assert not entry.is_in_force("MA", "ES", TODAY)
    assert not entry.model_copy(update={"in_force": None}).is_in_force("MA", "FR", TODAY)


def test_only_the_investigation_order_has_a_clock_of_law(registry: Registry) -> None:
    assert registry.clocks(TODAY) == {"eio": "eio.1"}


def test_the_usual_request_raises_no_flag(registry: Registry) -> None:
    assert codes(*opening("ma-es-2009"), registry) == []


@pytest.mark.parametrize(
    ("primary", "recipients", "flag"),
    [
        ("atlantis", (ES,), "instrument-unknown"),
        ("reciprocity", (ES,), "basis-reciprocity"),
        ("ma-fr-2008", (ES,), "party-not-bound"),
        ("un-cybercrime", (ES,), "not-in-force"),
        ("budapest-2ap", (ES,), "not-in-force"),
        ("quadripartite", (ES,), "basis-is-group"),
        ("untoc", (ES,), "yields-to-treaty"),
        ("budapest", (ES,), "measure-not-listed"),
    ],
)
def test_a_doubtful_basis_is_flagged(registry: Registry, primary: str, recipients: tuple[str, ...], flag: str) -> None:
    assert flag in codes(*opening(primary, *recipients), registry)


def test_no_treaty_no_yielding(registry: Registry) -> None:
    assert codes(*opening("untoc", "DE.BFJ"), registry) == []


def test_an_unknown_instrument_among_those_cited_is_flagged(registry: Registry) -> None:
    assert codes(*opening("ma-es-2009", cited=("untoc", "atlantis")), registry) == ["instrument-unknown"]


def test_measures_that_are_listed_raise_no_flag(registry: Registry) -> None:
    assert codes(*opening("budapest", measures={"M1": "stored-data", "M2": "covert"}), registry) == []


def test_the_basis_is_flagged_once_by_the_message_that_opens_the_leg(registry: Registry) -> None:
    for primary in ("un-cybercrime", "reciprocity"):
        _, leg = opening(primary)
        assert codes(a_message(leg, "accept"), leg, registry) == []


def test_the_flag_names_the_measures_that_are_not_listed(registry: Registry) -> None:
    header, leg = opening("budapest", measures={"M1": "stored-data", "M2": "testimony"})
    (flag,) = admissibility(header, leg, registry, DAY)
    assert flag.measures == ("M2",)


def test_a_ground_outside_the_instrument_is_flagged_and_the_refusal_stands(registry: Registry) -> None:
    leg = the_leg()
    inside = a_message(leg, "refuse", {"grounds": ["essential-interests"]})
    outside = a_message(leg, "refuse", {"grounds": ["eio:11(1)(g)"]})
    assert codes(inside, leg, registry) == []
    assert codes(outside, leg, registry) == ["ground-outside-instrument"]
    refused = decide_move(leg, outside, digest_of("x"), DAY)
    assert {one.state for one in refused.measures} == {"refused"}


def test_a_ground_for_some_measures_is_flagged_for_the_others() -> None:
    document = json.loads(SAMPLE)
    document["instruments"][1]["grounds"][0]["measures"] = ["bank-data"]
    limited = parse_registry(json.dumps(document).encode())
    leg = the_leg()
    (flag,) = admissibility(a_message(leg, "refuse", {"grounds": ["political-offence"]}), leg, limited, DAY)
    assert (flag.code, flag.measures) == ("ground-of-other-measure", ("M2",))


def test_a_date_in_the_past_is_flagged(registry: Registry) -> None:
    assert codes(*opening("ma-es-2009", act={"deadline": "2026-11-02"}), registry) == ["date-in-the-past"]
    assert codes(*opening("ma-es-2009", act={"deadline": "2026-11-03"}), registry) == []


@pytest.mark.parametrize(
    ("kind", "act", "flags"),
    [
        ("confirm-items", {"condition": "intact", "received": "2027-11-03", "count": 1}, ["date-in-the-future"]),
        ("confirm-items", {"condition": "intact", "received": "2026-11-04", "count": 1}, []),
        ("confirm-items", {"condition": "intact", "received": "2026-10-01", "count": 1}, []),
        ("postpone", {"review": "2026-11-02"}, ["date-in-the-past"]),
        ("postpone", {"review": "2027-11-03"}, []),
    ],
)
def test_what_was_done_lies_behind_and_what_is_to_come_ahead(
    registry: Registry, kind: str, act: dict[str, Any], flags: list[str]
) -> None:
    header, leg = opening("ma-es-2009")
    found = admissibility(header.model_copy(update={"kind": kind, "act": act, "leg": ES}), leg, registry, DAY)
    assert [flag.code for flag in found] == flags
    assert all(flag.needs_reason for flag in found)


@pytest.mark.parametrize(
    ("kind", "act", "wrong"),
    [
        ("arrange-transfer", {"consent": 1, "hand-over": 2, "return": 3, "safe-conduct": 3}, []),
        ("arrange-transfer", {"consent": 1, "hand-over": 3, "return": 2, "safe-conduct": 3}, ["return"]),
        ("arrange-transfer", {"consent": 1, "hand-over": 2, "return": 4, "safe-conduct": 3}, ["safe-conduct"]),
        ("propose-appointment", {"on": 3, "due": 2, "test-call": 3}, []),
        ("propose-appointment", {"on": 3, "due": 4, "test-call": 4}, ["on", "on"]),
    ],
)
def test_nobody_comes_back_before_he_is_handed_over(
    registry: Registry, kind: str, act: dict[str, int], wrong: list[str]
) -> None:
    header, leg = opening("ma-es-2009")
    days = {name: str(date(2026, 11, 2) + timedelta(days=ahead)) for name, ahead in act.items()}
    found = admissibility(header.model_copy(update={"kind": kind, "act": days, "leg": ES}), leg, registry, DAY)
    assert [(flag.code, dict(flag.gaps)["what"]) for flag in found] == [("dates-out-of-order", one) for one in wrong]
    assert all(flag.needs_reason for flag in found)


def test_who_was_not_handed_over_is_not_back(registry: Registry) -> None:
    header, leg = opening("ma-es-2009")
    named = {"kind": "confirm-return", "act": {"returned": "2026-11-03"}, "leg": ES, "measures": {"M1": "testimony"}}
    back = header.model_copy(update=named)
    owed = replace(leg.obligations[0], act="hand-over-detainee", measures=("M1",))
    for obligations, found in (((owed,), ["not-done-before"]), ((replace(owed, measures=("M2",)),), []), ((), [])):
        assert codes(back, replace(leg, obligations=obligations), registry) == found


def changed(**changes: Any) -> bytes:
    """The sample with UNCAC changed, on which no other entry depends."""
    document = json.loads(SAMPLE)
    next(entry for entry in document["instruments"] if entry["code"] == "uncac").update(changes)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(SAMPLE.replace(b'"v": 1', b'"v": 2'), id="another version of the format"),
        pytest.param(SAMPLE.replace(b'"v": 1', b'"v": 1, "v": 1'), id="a member twice"),
        pytest.param(changed(clock="hourglass"), id="unknown clock"),
        pytest.param(changed(measures=["mind-reading"]), id="unknown measure"),
        pytest.param(changed(code="untoc"), id="a code twice"),
        pytest.param(changed(code="reciprocity"), id="the reserved word"),
        pytest.param(changed(signed="in spring"), id="no date"),
        pytest.param(changed(signed=20080418), id="a number for a date"),
        pytest.param(changed(kind="group"), id="a group without conventions"),
        pytest.param(
            changed(kind="group", conventions=[{"parties": ["MA", "FR"], "instrument": "atlantis"}]),
            id="a group with an unknown convention",
        ),
        pytest.param(changed(colour="red"), id="an unknown member"),
    ],
)
def test_a_registry_that_cannot_be_trusted_in_form_is_not_read(raw: bytes) -> None:
    with pytest.raises(InstrumentsInvalid):
        parse_registry(raw)


def test_a_group_binds_nobody(registry: Registry) -> None:
    groups = [entry for entry in registry.instruments if entry.kind is InstrumentKind.group]
    assert groups
    assert not any(entry.is_in_force("MA", "FR", TODAY) for entry in groups)
