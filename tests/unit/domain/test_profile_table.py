"""What any profile must be, whatever its rows: the data is checked here, so that the code may trust it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from shared.domain.profile_format import BEFORE, CLOSED, LATE, STAY, FieldType, Kind, Profile, State
from shared.domain.profiles import PROFILES

KINDS = [
    pytest.param(profile, kind, id=f"{profile.name} {kind.name}")
    for profile in PROFILES.values()
    for kind in profile.kinds.values()
]
STATES = [
    pytest.param(profile, state, id=f"{profile.name} {state.name}")
    for profile in PROFILES.values()
    for state in profile.states.values()
    if not state.by_transport
]


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_a_kind_moves_between_known_states(profile: Profile, kind: Kind) -> None:
    for state, target in kind.moves.items():
        assert not profile.states[state].by_transport
        assert target in (STAY, BEFORE, LATE) or not profile.states[target].by_transport


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_a_kind_that_changes_nothing_stays_in_every_state(profile: Profile, kind: Kind) -> None:
    assert kind.changes_state or set(kind.moves.values()) == {STAY}


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_a_kind_opens_and_closes_only_what_the_profile_has_a_word_for(profile: Profile, kind: Kind) -> None:
    named = {rule.owed for rule in kind.opens} | kind.closes | kind.pauses | kind.resumes | kind.estimates
    assert named <= set(profile.owed)
    assert all(rule.dated_by is None or kind.act[rule.dated_by].type is FieldType.date for rule in kind.opens)
    assert not kind.estimates or kind.act["estimate"].type is FieldType.date


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_an_obligation_always_has_some_date(profile: Profile, kind: Kind) -> None:
    for rule in kind.opens:
        assert rule.policy_days is not None or (rule.dated_by is not None and kind.act[rule.dated_by].required)


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_what_a_kind_pauses_some_other_kind_resumes(profile: Profile, kind: Kind) -> None:
    resumed = {owed for other in profile.kinds.values() for owed in other.resumes}
    assert kind.pauses <= resumed


@pytest.mark.parametrize(("profile", "state"), STATES)
def test_the_party_whose_turn_it_is_can_leave_the_state(profile: Profile, state: State) -> None:
    ways = [
        kind.name
        for kind in profile.kinds.values()
        if state.turn in kind.senders and kind.moves.get(state.name, STAY) not in (STAY, LATE, state.name)
    ]
    assert bool(ways) == (state.turn is not None)


@pytest.mark.parametrize(("profile", "state"), STATES)
def test_every_state_can_be_reached_and_ends_in_a_final_one(profile: Profile, state: State) -> None:
    def reached_from(start: str) -> set[str]:
        reached, new = {start}, {start}
        while new:
            new = {
                target
                for kind in profile.kinds.values()
                for origin, target in kind.moves.items()
                if origin in new and target not in (STAY, BEFORE, LATE)
            } - reached
            reached |= new
        return reached

    assert state.name in reached_from(profile.first_state)
    assert CLOSED in reached_from(state.name)


@pytest.mark.parametrize(("profile", "state"), STATES)
def test_what_closes_by_silence_is_owed_there_with_a_date(profile: Profile, state: State) -> None:
    assert state.silence is None or (state.silence in state.owes and state.turn is not None)


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_a_duty_ends_by_discharge_by_its_creditor_with_what_it_goes_with_or_for_a_new_date(
    profile: Profile, kind: Kind
) -> None:
    for code in kind.closes & profile.duties.keys():
        duty = profile.duties[code]
        by_creditor = duty.debtor not in kind.senders
        assert by_creditor or duty.goes_with in kind.closes or code in {rule.owed for rule in kind.opens}


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_what_ends_an_appointment_ends_what_goes_with_it(profile: Profile, kind: Kind) -> None:
    for code, duty in profile.duties.items():
        assert duty.goes_with is None or duty.goes_with not in kind.closes or code in kind.closes


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_what_an_answer_settles_some_question_lays_on_the_other_side(profile: Profile, kind: Kind) -> None:
    assert kind.settles | kind.needs_owed <= profile.owed.keys()
    asked = {rule.owed for each in profile.kinds.values() for rule in each.opens if rule.debtor is None}
    assert kind.settles <= asked
    assert not kind.settles or (kind.needs_in_reply_to and len(kind.senders) == 2)


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_duties_in_an_act_are_the_profiles(profile: Profile, kind: Kind) -> None:
    field = kind.act.get("duties")
    assert field is None or field.codes <= profile.duties.keys()
    assert kind.discharges == (field is not None and field.type is FieldType.codes)


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_what_came_late_is_kept_where_a_withdrawal_leads(profile: Profile, kind: Kind) -> None:
    crossed = {target for each in profile.kinds.values() if each.may_be_crossed for target in each.moves.values()}
    assert {state for state, target in kind.moves.items() if target == LATE} <= crossed


def test_page_and_pictures_of_states_are_those_made_from_the_data() -> None:
    docs = Path(__file__).parents[3] / "docs"
    spec = importlib.util.spec_from_file_location("make_states", docs / "make_states.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.states_files()
    assert {path.name for path in (docs / "guide").glob("states*")} == set(made)
    for name, text in made.items():
        assert (docs / "guide" / name).read_text(encoding="utf-8") == text, name
