"""A recovered key that signs counts 72 hours after the ledger logged the recovery, or once a person compared it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from shared.keys.directory import Compromise
from shared.keys.event_document import Use
from shared.keys.events import draft_event
from shared.keys.waiting import NOT_LOGGED, WAIT_FOR_NEW_KEY, Waits, told_end
from tests.unit.keys.parties import NOW, ExchangeOnTest, PartyOnTest

SIGN: tuple[Use, ...] = ("sign-ed25519", "sign-mldsa65", "api-ed25519")
USES: tuple[Use, ...] = (*SIGN, "seal-xwing")
TICK = timedelta(microseconds=1)
END = NOW + WAIT_FOR_NEW_KEY


def counting(exchange: ExchangeOnTest, party: PartyOnTest, at: datetime) -> set[Use]:
    """The uses of which this party's key is accepted."""
    accepted = {use: [key.kid for key in exchange.directory.accepted(party.id, use, at)] for use in party.keys}
    return {use for use, kids in accepted.items() if party.kid(use) in kids}


@pytest.fixture
def old(exchange: ExchangeOnTest) -> PartyOnTest:
    return exchange.enrol("MA.PGR")


def test_a_recovered_key_signs_72_hours_after_the_ledger_logged_its_recovery(
    exchange: ExchangeOnTest, old: PartyOnTest
) -> None:
    new = exchange.recover(old)
    assert counting(exchange, new, NOW + timedelta(days=300)) == {"seal-xwing"}, "its time does not run yet"
    exchange.log(NOW + timedelta(hours=20))
    end = END + timedelta(hours=20)
    assert counting(exchange, new, end - TICK) == {"seal-xwing"}
    assert counting(exchange, new, end) == set(USES)
    assert counting(exchange, old, end) == set(), "what it replaced never comes back"
    assert exchange.directory.waits_until(new.kid("api-ed25519"), end - TICK) == end
    assert exchange.directory.waits_until(new.kid("api-ed25519"), end) is None
    assert timedelta(hours=72) == WAIT_FOR_NEW_KEY


def test_a_key_that_waits_can_be_told_from_one_that_nobody_knows(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    new = exchange.recover(old, "api-ed25519")
    kid = new.kid("api-ed25519")
    assert exchange.directory.api_key(kid, NOW) is None
    assert exchange.directory.api_key(kid, NOW, even_waiting=True) is not None
    assert exchange.directory.waits_until(kid, NOW) == NOT_LOGGED
    assert told_end(NOT_LOGGED) == "72 hours after the ledger logs the recovery"
    assert exchange.directory.api_key(old.kid("api-ed25519"), NOW, even_waiting=True) is None


def test_a_recovery_cannot_be_dressed_up_as_a_rotation(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    """Thieves who recover a party renew the keys at once, signed by those that they recovered."""
    theirs = exchange.recover(old)
    exchange.log()
    renewed = exchange.rotate(exchange.rotate(theirs, *USES), *USES)
    assert counting(exchange, renewed, END - TICK) == {"seal-xwing"}
    assert counting(exchange, renewed, END) == set(USES)


def test_one_recovered_key_of_two_holds_up_what_both_sign(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    half = exchange.recover(old, "sign-mldsa65")
    exchange.log()
    assert counting(exchange, half, NOW) == {"sign-ed25519", "api-ed25519", "seal-xwing"}
    assert counting(exchange, exchange.rotate(half, *SIGN), NOW) == {"seal-xwing"}


def test_a_later_recovery_waits_by_itself(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    first = exchange.recover(old)
    exchange.log()
    second = exchange.recover(first, at=END)
    exchange.log(END)
    assert counting(exchange, second, END) == {"seal-xwing"}
    assert counting(exchange, second, END + WAIT_FOR_NEW_KEY) == set(USES)


def test_keys_that_the_trust_file_pins_or_a_person_compared_need_not_wait(
    exchange: ExchangeOnTest, old: PartyOnTest
) -> None:
    new = exchange.recover(old)
    exchange.directory = exchange.directory.under(Waits(compared=frozenset(map(new.kid, SIGN))))
    assert counting(exchange, new, NOW) == set(USES)
    assert counting(exchange, exchange.rotate(new, *USES), NOW) == set(USES), "nor what they signed for"
    exchange.directory = exchange.directory.under(Waits(compared=frozenset({new.kid("sign-ed25519")})))
    assert counting(exchange, new, NOW) & set(SIGN) == {"sign-ed25519"}


def test_nobody_waits_in_development(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    new = exchange.recover(old)
    exchange.directory = exchange.directory.under(Waits(is_waived=True))
    assert counting(exchange, new, NOW) == set(USES)


def test_waiting_or_not_a_suspended_party_and_a_compromised_key_are_refused(
    exchange: ExchangeOnTest, old: PartyOnTest
) -> None:
    told = Compromise(tuple(old.kid(use) for use in SIGN), NOW)
    exchange.admit(exchange.decide(draft_event("compromise", exchange.directory, NOW, old.id, compromise=told)))
    new = exchange.recover(old)
    exchange.log()
    assert counting(exchange, old, NOW) == counting(exchange, old, END) == set()
    exchange.suspend(new)
    assert counting(exchange, new, END) == set()
    assert exchange.directory.api_key(new.kid("api-ed25519"), NOW, even_waiting=True) is None


def test_enrolled_keys_and_their_rotations_do_not_wait(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    assert counting(exchange, old, NOW) == set(USES)
    assert counting(exchange, exchange.rotate(old, *USES), NOW) == set(USES)


def test_a_party_that_rotates_without_end_holds_nobody_up(exchange: ExchangeOnTest, old: PartyOnTest) -> None:
    """Two keys sign for each: what a key hangs on must not double with every generation."""
    party = exchange.recover(old)
    exchange.log()
    for _ in range(30):
        party = exchange.rotate(party, "sign-ed25519", "sign-mldsa65")
    began = time.process_time()
    assert exchange.directory.waits_until(party.kid("sign-ed25519"), NOW) == END
    assert time.process_time() - began < 0.1
