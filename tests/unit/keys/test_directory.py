from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.errors import KeyEventRefused
from shared.keys.directory import Directory
from shared.keys.event_document import Use
from shared.keys.events import draft_event
from tests.unit.keys.parties import EXCHANGE, NOW, YEAR, ExchangeOnTest, PartyOnTest, renew

TICK = timedelta(microseconds=1)


def test_an_empty_directory_knows_nobody() -> None:
    empty = Directory.empty(EXCHANGE)
    assert (empty.index, empty.head, empty.parties()) == (0, None, ())
    assert empty.party("MA.PGR") is None
    assert empty.signing_keys("MA.PGR", NOW) is None


def test_an_enrolled_party_has_its_keys_and_its_name(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    directory = exchange.directory
    known = directory.party("MA.PGR")
    assert known is not None
    assert (known.status, known.role, known.country, known.enrolled_at) == ("enrolled", "authority", "MA", NOW)
    assert known.name.languages["fr"] == "Présidence du ministère public"
    signing, sealing = directory.signing_keys("MA.PGR", NOW), directory.sealing_key("MA.PGR", NOW)
    assert signing is not None
    assert sealing is not None
    assert (signing.ed25519_kid, signing.mldsa65_kid) == (party.kid("sign-ed25519"), party.kid("sign-mldsa65"))
    signing.ed25519.verify(party.signers()[0].sign(b"x"), b"x")
    signing.mldsa65.verify(party.signers()[1].sign(b"x"), b"x")
    assert sealing.public.raw == party.keys["seal-xwing"].public
    api = directory.api_key(party.kid("api-ed25519"), NOW)
    assert api is not None
    assert (api.party, api.public.raw) == ("MA.PGR", party.keys["api-ed25519"].public)


def test_every_key_has_its_owner_and_no_other(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    for use in party.keys:
        kid = party.kid(use)
        assert exchange.directory.owner_of(kid) == "MA.PGR"
        assert exchange.directory.owner_of(kid.replace("MA.PGR", "MA.DGSN")) is None
    assert exchange.directory.owner_of("") is None


def test_only_an_api_key_makes_calls(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    for use in ("sign-ed25519", "sign-mldsa65", "seal-xwing"):
        assert exchange.directory.api_key(party.kid(use), NOW) is None


def test_an_auditor_calls_but_neither_signs_nor_is_sealed_to(exchange: ExchangeOnTest) -> None:
    auditor = exchange.enrol_auditor("MA.CDC")
    known = exchange.directory.party("MA.CDC")
    assert known is not None
    assert (known.role, known.mandate) == ("auditor", "full")
    assert exchange.directory.api_key(auditor.kid("api-ed25519"), NOW) is not None
    assert exchange.directory.signing_keys("MA.CDC", NOW) is None
    assert exchange.directory.sealing_key("MA.CDC", NOW) is None


def test_a_key_counts_from_its_first_moment_until_before_its_last(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    counts = {NOW - TICK: False, NOW: True, NOW + YEAR - TICK: True, NOW + YEAR: False}
    for at, expected in counts.items():
        assert (exchange.directory.signing_keys(party.id, at) is not None) is expected
        assert (exchange.directory.sealing_key(party.id, at) is not None) is expected
        assert (exchange.directory.api_key(party.kid("api-ed25519"), at) is not None) is expected


@pytest.mark.parametrize("use", ["sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519"])
def test_a_rotated_key_counts_at_once_instead_of_the_old(exchange: ExchangeOnTest, use: Use) -> None:
    old = exchange.enrol("MA.PGR")
    new = exchange.rotate(old, use, at=NOW + YEAR / 2)
    at = NOW + YEAR / 2
    current = exchange.directory.current("MA.PGR", use, at)
    assert current is not None
    assert current.kid == new.kid(use) != old.kid(use)
    assert exchange.directory.owner_of(old.kid(use)) == "MA.PGR", "old signatures still find their owner"


def test_a_key_announced_for_later_does_not_end_its_predecessor_yet(exchange: ExchangeOnTest) -> None:
    old = exchange.enrol("MA.PGR")
    month = timedelta(days=30)
    new = exchange.rotate(old, "seal-xwing", since=NOW + month)
    for at, kid in {NOW: old.kid("seal-xwing"), NOW + month: new.kid("seal-xwing")}.items():
        sealing = exchange.directory.sealing_key("MA.PGR", at)
        assert sealing is not None
        assert sealing.kid == kid


def test_an_older_key_never_comes_back(exchange: ExchangeOnTest) -> None:
    """The new key is the shorter-lived one; when it ends, the old one, still within its window, does not count."""
    old = exchange.enrol("MA.PGR")
    new = renew(old, "seal-xwing")
    entry = new.entries(NOW, timedelta(days=10), uses=["seal-xwing"])
    exchange.admit(old.sign(draft_event("rotate", exchange.directory, NOW, "MA.PGR", keys=entry)))
    assert exchange.directory.sealing_key("MA.PGR", NOW + timedelta(days=11)) is None


def test_a_suspended_party_shows_and_has_no_key_that_counts(exchange: ExchangeOnTest) -> None:
    party = exchange.enrol("MA.PGR")
    before = exchange.directory
    exchange.suspend(party, NOW + TICK)
    known = exchange.directory.party("MA.PGR")
    assert known is not None
    assert (known.is_suspended, known.suspended_since, known.status) == (True, NOW + TICK, "suspended")
    assert exchange.directory.signing_keys("MA.PGR", NOW + TICK) is None
    assert exchange.directory.sealing_key("MA.PGR", NOW + TICK) is None
    assert exchange.directory.api_key(party.kid("api-ed25519"), NOW + TICK) is None
    assert exchange.directory.owner_of(party.kid("sign-ed25519")) == "MA.PGR"
    assert before.signing_keys("MA.PGR", NOW) is not None, "an earlier snapshot is still what it was"
    exchange.reinstate(party, NOW + 2 * TICK)
    known = exchange.directory.party("MA.PGR")
    assert known is not None
    assert not known.is_suspended
    assert exchange.directory.signing_keys("MA.PGR", NOW + 2 * TICK) is not None


def test_a_snapshot_does_not_change(exchange: ExchangeOnTest) -> None:
    exchange.enrol("MA.PGR")
    snapshot = exchange.directory
    with pytest.raises(FrozenInstanceError):
        snapshot.index = 7  # type: ignore[misc]  # the assignment under test
    exchange.enrol("FR.BEPI")
    assert snapshot.index == 1
    assert snapshot.party("FR.BEPI") is None
    assert [party.id for party in exchange.directory.parties()] == ["FR.BEPI", "MA.PGR"]


def test_only_the_next_event_applies(exchange: ExchangeOnTest) -> None:
    document = exchange.decide(exchange.draft_enrolment(PartyOnTest("MA.PGR")))
    event = exchange.verify(document)
    after = exchange.directory.apply(event)
    for wrong in (event, replace(event, seq=3, prev=after.head), replace(event, seq=2, prev="A" * 43)):
        with pytest.raises(KeyEventRefused, match="after number 1"):
            after.apply(wrong)
    with pytest.raises(KeyEventRefused, match="after number 0"):
        Directory.empty("other.test/log").apply(event)


class DirectoryMachine(RuleBasedStateMachine):
    """Whatever happens to one party: its current keys are those that it holds, unless it is suspended."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = ExchangeOnTest()
        self.party: PartyOnTest | None = None
        self.is_suspended = False

    @precondition(lambda self: self.party is None)
    @rule()
    def enrol(self) -> None:
        self.party = self.exchange.enrol("MA.PGR")

    @precondition(lambda self: self.party is not None and not self.is_suspended)
    @rule(uses=st.sets(st.sampled_from(["sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519"]), min_size=1))
    def rotate(self, uses: set[Use]) -> None:
        assert self.party is not None
        self.party = self.exchange.rotate(self.party, *sorted(uses))

    @precondition(lambda self: self.party is not None and not self.is_suspended)
    @rule()
    def suspend(self) -> None:
        assert self.party is not None
        self.exchange.suspend(self.party)
        self.is_suspended = True

    @precondition(lambda self: self.is_suspended)
    @rule()
    def reinstate(self) -> None:
        assert self.party is not None
        self.exchange.reinstate(self.party)
        self.is_suspended = False

    @invariant()
    def its_current_keys_are_those_it_holds(self) -> None:
        if self.party is None:
            return
        for use in self.party.keys:
            current = self.exchange.directory.current("MA.PGR", use, NOW)
            assert (current.kid if current else None) == (None if self.is_suspended else self.party.kid(use))

    @invariant()
    def the_index_counts_the_events(self) -> None:
        assert self.exchange.directory.index == len(self.exchange.documents)


TestDirectoryMachine = DirectoryMachine.TestCase
TestDirectoryMachine.settings = settings(max_examples=12, stateful_step_count=8)
