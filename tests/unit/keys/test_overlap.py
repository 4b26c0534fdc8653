"""Rotated keys are accepted beside their successors for a week; recovered and compromised ones are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.keys.directory import ROTATION_OVERLAP, Compromise
from shared.keys.event_document import Use
from shared.keys.events import draft_event
from tests.unit.keys.parties import NOW, YEAR, ExchangeOnTest, PartyOnTest, new_keys
from tests.unit.keys.refused_events import Edit, edited, refused

USES: tuple[Use, ...] = ("sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519")
LATER = NOW + timedelta(days=100)
TICK = timedelta(microseconds=1)


def kids(exchange: ExchangeOnTest, use: Use, days: float) -> list[str]:
    """Those accepted of Rabat, so many days after its rotation."""
    return [key.kid for key in exchange.directory.accepted("MA.PGR", use, LATER + timedelta(days=days))]


@pytest.fixture
def old(exchange: ExchangeOnTest) -> PartyOnTest:
    return exchange.enrol("MA.PGR")


@pytest.mark.parametrize("use", USES)
def test_a_rotated_key_is_accepted_for_a_week_beside_its_successor(
    exchange: ExchangeOnTest, old: PartyOnTest, use: Use
) -> None:
    new = exchange.rotate(old, *USES, at=LATER)
    assert kids(exchange, use, 0) == kids(exchange, use, 6.99) == [new.kid(use), old.kid(use)]
    assert kids(exchange, use, 7) == [new.kid(use)]
    assert timedelta(days=7) == ROTATION_OVERLAP


def test_calls_may_be_signed_with_either_key_in_the_overlap(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    exchange.rotate(old, "api-ed25519", at=LATER)
    assert exchange.directory.api_key(old.kid("api-ed25519"), LATER + ROTATION_OVERLAP - TICK) is not None
    assert exchange.directory.api_key(old.kid("api-ed25519"), LATER + ROTATION_OVERLAP) is None


def test_each_of_several_rotations_has_its_own_week(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    second = exchange.rotate(old, "api-ed25519", at=LATER)
    third = exchange.rotate(second, "api-ed25519", at=LATER + timedelta(days=3))
    three = [one.kid("api-ed25519") for one in (third, second, old)]
    assert kids(exchange, "api-ed25519", 4) == three
    assert kids(exchange, "api-ed25519", 8) == three[:2]
    assert kids(exchange, "api-ed25519", 10) == three[:1]


def test_an_overlap_does_not_lengthen_a_keys_life(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    eve = NOW + YEAR - timedelta(days=1)
    new = exchange.rotate(old, "seal-xwing", at=eve)
    found = exchange.directory.accepted("MA.PGR", "seal-xwing", eve + timedelta(days=2))
    assert [key.kid for key in found] == [new.kid("seal-xwing")]


def test_a_recovery_ends_the_keys_before_it_at_once(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    rotated = exchange.rotate(old, *USES, at=LATER)
    recovered = replace(rotated, keys=new_keys())
    event = draft_event("recover", exchange.directory, LATER, old.id, keys=recovered.entries(LATER))
    exchange.admit(exchange.decide(event))
    assert kids(exchange, "seal-xwing", 1) == [recovered.kid("seal-xwing")]


def test_nothing_is_accepted_of_a_suspended_party(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    exchange.rotate(old, *USES, at=LATER)
    exchange.suspend(old, at=LATER)
    assert kids(exchange, "seal-xwing", 1) == []


# --- compromise


def compromise(exchange: ExchangeOnTest, party: PartyOnTest, *uses: Use, at: timedelta = timedelta(0)) -> bytes:
    """The event of `LATER`, which says since when."""
    told = Compromise(tuple(party.kid(use) for use in uses), LATER + at)
    return draft_event("compromise", exchange.directory, LATER, party.id, compromise=told)


def test_a_compromised_key_counts_no_more_and_nothing_before_it_comes_back(
    exchange: ExchangeOnTest, old: PartyOnTest
) -> None:
    new = exchange.rotate(old, *USES, at=LATER)
    before = exchange.directory
    exchange.admit(exchange.decide(compromise(exchange, new, "sign-ed25519", "api-ed25519", at=-timedelta(hours=1))))
    assert kids(exchange, "sign-ed25519", 1) == []
    assert exchange.directory.signing_keys("MA.PGR", LATER) is None
    assert exchange.directory.api_key(new.kid("api-ed25519"), LATER) is None
    assert exchange.directory.api_key(old.kid("api-ed25519"), LATER) is None
    assert kids(exchange, "seal-xwing", 1) == [new.kid("seal-xwing"), old.kid("seal-xwing")]
    doubted = exchange.directory.key(new.kid("sign-ed25519"))
    assert doubted is not None
    assert doubted.compromised_since == LATER - timedelta(hours=1)
    assert before.signing_keys("MA.PGR", LATER) is not None, "what was decided before is judged as it was"


def test_an_old_key_is_compromised_and_the_new_one_stands(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    new = exchange.rotate(old, *USES, at=LATER)
    exchange.admit(exchange.decide(compromise(exchange, old, *USES)))
    assert kids(exchange, "seal-xwing", 1) == [new.kid("seal-xwing")]


def test_compromised_keys_cannot_rotate_and_are_recovered(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    exchange.admit(exchange.decide(compromise(exchange, old, "sign-mldsa65")))
    new = replace(old, keys=new_keys())
    entries = new.entries(LATER)
    rotation = draft_event("rotate", exchange.directory, LATER, old.id, keys=entries)
    refused(exchange, old.sign(rotation), "recovered by the operators")
    exchange.admit(exchange.decide(draft_event("recover", exchange.directory, LATER, old.id, keys=entries)))
    assert exchange.directory.signing_keys("MA.PGR", LATER) is not None


def test_the_thief_of_one_operator_key_declares_and_recovers_nothing(
    exchange: ExchangeOnTest, old: PartyOnTest
) -> None:
    refused(exchange, exchange.decide(compromise(exchange, old, "api-ed25519"), signers=1), "2 are needed")
    refused(exchange, old.sign(compromise(exchange, old, "api-ed25519")), "not an operator key")
    stolen = replace(old, keys=new_keys()).entries(LATER)
    recovery = draft_event("recover", exchange.directory, LATER, old.id, keys=stolen)
    refused(exchange, exchange.decide(recovery, signers=1), "2 are needed")
    refused(exchange, exchange.decide(exchange.draft_enrolment(PartyOnTest("FR.BEPI")), signers=1), "2 are needed")


def test_the_point_of_time_moves_to_earlier_ones_only(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    refused(exchange, exchange.decide(compromise(exchange, old, "api-ed25519", at=TICK)), "after its own")
    exchange.admit(exchange.decide(compromise(exchange, old, "api-ed25519", at=-timedelta(hours=2))))
    for later in (timedelta(0), -timedelta(hours=2)):
        refused(exchange, exchange.decide(compromise(exchange, old, "api-ed25519", at=later)), "already")
    exchange.admit(exchange.decide(compromise(exchange, old, "api-ed25519", at=-timedelta(hours=3))))
    key = exchange.directory.key(old.kid("api-ed25519"))
    assert key is not None
    assert key.compromised_since == LATER - timedelta(hours=3)


def test_a_compromise_names_registered_keys_of_its_party_once(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    french = exchange.enrol("FR.BEPI")
    event = compromise(exchange, old, "api-ed25519")
    foreign: Edit = lambda one: one["compromise"].update(kids=[french.kid("api-ed25519")])  # noqa: E731
    refused(exchange, exchange.decide(edited(event, foreign)), "no registered key of MA.PGR")
    refused(exchange, exchange.decide(compromise(exchange, old, "api-ed25519", "api-ed25519")), "twice")


@pytest.mark.parametrize(
    "edit",
    [
        lambda event: event.pop("compromise"),
        lambda event: event.update(compromise=None),
        lambda event: event.update(type="suspend"),
        lambda event: event["compromise"].update(kids=[]),
        lambda event: event["compromise"].update(why="lost"),
        lambda event: event.update(type="suspend", compromise=None),
    ],
)
def test_compromise_stands_in_its_own_events_and_nowhere_else(
    exchange: ExchangeOnTest, old: PartyOnTest, edit: Edit
) -> None:
    refused(exchange, exchange.decide(edited(compromise(exchange, old, "api-ed25519"), edit)))
