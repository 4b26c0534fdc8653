"""An instrument in the course of time: amended, suspended, resumed, denounced; and what it says of the road."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.admissibility import admissibility
from shared.domain.dossier import Leg, decide_move, open_legs
from shared.domain.header import Basis, Header
from shared.domain.instrument_changes import changes_between
from shared.domain.instruments import Registry, parse_registry
from shared.domain.routes import Route, addressee, routes_of, terms_of
from shared.errors import InstrumentsInvalid
from tests.unit.domain.letters import DAY, ES, FR, MA, a_header, a_message, digest_of

SAMPLE = (Path(__file__).parents[3] / "deploy" / "samples" / "instruments.json").read_bytes()
TODAY = date(2026, 11, 3)
TOMORROW, DAY_AFTER = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
Edit = Callable[[dict[str, Any]], object]


def edited(*edits: Edit, code: str = "ma-es-2009") -> Registry:
    document = json.loads(SAMPLE)
    entry = next(one for one in document["instruments"] if one["code"] == code)
    for edit in edits:
        edit(entry)
    return parse_registry(json.dumps(document).encode())


def spain(**members: Any) -> Edit:
    return lambda entry: entry["parties"]["ES"].update(members)


def amended(on: date, **members: Any) -> Edit:
    amendment = {"in_force": on.isoformat(), "title": "A protocol", "source": "sample", **members}
    return lambda entry: entry.setdefault("amendments", []).append(amendment)


def opening(registry: Registry, to: str = ES, sender: str = MA, **changes: Any) -> tuple[Header, Leg]:
    basis = {to: Basis(primary="ma-es-2009", cited=(), group=None)}
    header = a_header(sender=sender, recipients=(to,), basis=basis, **changes)
    return header, open_legs(header, digest_of("request"), DAY, *terms_of(header, registry, DAY))[0]


def codes(registry: Registry, to: str = ES, sender: str = MA) -> list[str]:
    header, leg = opening(registry, to, sender)
    return [flag.code for flag in admissibility(header, leg, registry, DAY)]


def test_an_amendment_counts_from_its_day_and_what_was_said_before_stays() -> None:
    registry = edited(amended(TOMORROW, measures=["bank-data"]), amended(DAY_AFTER, clock="eio.1", channels=["direct"]))
    today, tomorrow, after = (registry.instrument("ma-es-2009", on) for on in (TODAY, TOMORROW, DAY_AFTER))
    assert today
    assert tomorrow
    assert after
    assert (today.measures, tomorrow.measures, after.measures) == (None, ("bank-data",), ("bank-data",))
    assert [str(one) for one in after.channels] == ["direct"]
    assert registry.clocks(TOMORROW)["ma-es-2009"] == "none.1"
    assert registry.clocks(DAY_AFTER)["ma-es-2009"] == "eio.1"


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([amended(TOMORROW)], id="amending nothing"),
        pytest.param([amended(TOMORROW, measures=["mind-reading"])], id="an unknown measure"),
        pytest.param([amended(TOMORROW, clock="hourglass")], id="an unknown clock"),
        pytest.param([amended(DAY_AFTER, clock="eio.1"), amended(TOMORROW, clock="none.1")], id="out of order"),
        pytest.param([spain(resumed="2026-01-01")], id="resuming what was not suspended"),
        pytest.param([spain(suspended="2026-02-01", resumed="2026-01-01")], id="resuming before suspending"),
    ],
)
def test_an_impossible_course_of_time_is_not_read(edits: list[Edit]) -> None:
    with pytest.raises(InstrumentsInvalid):
        edited(*edits)


def test_a_suspension_ends_on_the_day_of_its_end() -> None:
    registry = edited(spain(suspended=TODAY.isoformat(), resumed=DAY_AFTER.isoformat()))
    entry = registry.instrument("ma-es-2009")
    assert entry
    bound = [entry.parties["ES"].is_bound(TODAY + timedelta(days=n)) for n in (-1, 0, 1, 2)]
    assert bound == [True, False, False, True]


@pytest.mark.parametrize(("member", "word"), [("suspended", "suspended it"), ("denounced", "denounced it")])
def test_the_warning_says_who_left_and_since_when(member: str, word: str) -> None:
    registry = edited(spain(**{member: "2026-10-01"}))
    header, leg = opening(registry)
    [flag] = admissibility(header, leg, registry, DAY)
    assert flag.code == "not-in-force"
    assert f"ES {word}" in flag.text
    assert "2026-10-01" in flag.text


def test_every_change_of_the_registry_has_a_code() -> None:
    before = edited()
    after = edited(
        spain(denounced="2027-01-01", filing="accepted"),
        amended(TOMORROW, clock="eio.1"),
        lambda entry: entry["notes"].append("a note"),
    )
    assert changes_between(before, before) == ()
    assert changes_between(before, after) == (
        "ma-es-2009:amended:2026-11-04",
        "ma-es-2009:es:denounced:2027-01-01",
        "ma-es-2009:es:practice",
        "ma-es-2009:rewritten",
    )
    assert "ma-es-2009:es:denounced:none" in changes_between(after, before)
    assert "ma-es-2009:amendment-withdrawn" in changes_between(after, before)
    assert "eio:added" in changes_between(None, before)


def test_a_request_to_the_central_authority_goes_by_that_channel() -> None:
    registry = edited()
    header, leg = opening(registry)
    assert routes_of(header, [leg], registry, TODAY) == {ES: Route.central_authority}
    assert codes(registry) == []


def test_whoever_is_passed_by_is_told_and_nobody_is_stopped() -> None:
    registry = edited(lambda entry: entry.update(channels=["central-authority"]))
    for to, sender in (("ES.JCI3", MA), (ES, "MA.RAB")):
        assert codes(registry, to, sender) == ["channel-not-admitted"]
    header, leg = opening(registry, "ES.JCI3")
    assert routes_of(header, [leg], registry, TODAY) == {"ES.JCI3": Route.outside_channel}
    assert codes(edited(), "ES.JCI3") == []  # the convention admits direct contact


@pytest.mark.parametrize(
    ("registry", "route"),
    [(None, Route.unregistered), (edited(lambda entry: entry["parties"].pop("ES")), Route.unregistered)],
)
def test_what_the_registry_does_not_say_is_told_so(registry: Registry | None, route: Route) -> None:
    header, leg = opening(edited())
    assert routes_of(header, [leg], registry, TODAY) == {ES: route}


def test_a_later_message_goes_to_the_parties_and_to_the_holder() -> None:
    _, leg = opening(edited())
    holder = "ES.JCI3"
    forward = a_message(leg, "forward", {"holder": holder, "original": leg.original}, recipients=(MA, holder))
    moved = decide_move(leg, forward, digest_of("forward"), DAY)
    assert routes_of(forward, [moved], None, TODAY) == {MA: Route.party, holder: Route.holder}


def test_a_country_is_answered_for_by_its_authority_and_in_haste_by_its_desk() -> None:
    registry = edited(lambda entry: entry["parties"]["ES"].update(desk="ES.DESK"), code="budapest")
    entry = registry.instrument("budapest")
    assert entry
    assert addressee(entry, "ES", desk_first=True) == "ES.DESK"
    assert addressee(entry, "ES", desk_first=False) == ES
    assert addressee(entry, "FR", desk_first=True) == FR
    assert addressee(entry, "DE", desk_first=True) is None


def test_a_hard_copy_that_follows_is_owed_on_that_leg_and_ends_with_its_discharge() -> None:
    registry = edited(spain(filing="hard-copy-follows"))
    assert codes(registry) == ["hard-copy-follows"]
    _, leg = opening(registry)
    [owed] = [one for one in leg.obligations if one.act == "hard-copy"]
    assert (owed.debtor, owed.basis, owed.measures) == (MA, "policy", ("M1", "M2"))
    assert owed.due
    assert owed.due.date() == TODAY + timedelta(days=30)
    sent = a_message(leg, "discharge", {"duties": ["hard-copy"]}, sender=MA, recipients=(ES,))
    after = decide_move(leg, sent, digest_of("discharge"), DAY)
    assert not [one for one in after.obligations if one.act == "hard-copy"]


def test_a_day_named_for_the_hard_copy_takes_the_place_of_the_target() -> None:
    registry = edited(spain(filing="hard-copy-follows"))
    _, leg = opening(registry, act={"duties": {"hard-copy": "2026-11-20"}})
    assert [(one.basis, one.due and one.due.date()) for one in leg.obligations if one.act == "hard-copy"] == [
        ("deadline", date(2026, 11, 20))
    ]


def test_who_takes_paper_by_the_diplomatic_channel_only_is_told() -> None:
    assert codes(edited(spain(filing="diplomatic-channel"))) == ["filing-not-electronic"]
