"""What operators say of a party's keys, as they type it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer

from client.enrolment import EnrolmentRequest, make_event, party_names
from comity.operator import KeysTold
from shared.errors import KeyEventRefused, KeyNotFound
from shared.keys.events import verify_event
from tests.unit.client.letters import FR, MA
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries
from tests.unit.envelope.workshop import party

SINCE = "2026-11-22T09:00:00Z"


@pytest.fixture
def paper() -> PaperExchange:
    exchange = PaperExchange()
    exchange.enrol(MA, FR)
    return exchange


def test_a_key_is_named_by_its_use_or_by_its_id(paper: PaperExchange) -> None:
    told = KeysTold(("sign-ed25519", party(FR).api_kid), SINCE).compromise(paper.directory, FR)
    assert told.kids == (party(FR).signing_kids[0], party(FR).api_kid)
    assert told.since == datetime(2026, 11, 22, 9, tzinfo=UTC)
    trust = paper.trust()
    event = make_event("compromise", FR, paper.directory, paper.operators, trust, paper.now, compromise=told)
    assert verify_event(event, trust.operator_keys, 2, paper.directory).compromise == told


def test_a_use_names_the_newest_key(paper: PaperExchange) -> None:
    entries = new_entries(paper, FR)
    paper.record_event("recover", FR, keys=entries)
    [kid] = KeysTold(("seal-xwing",), SINCE).compromise(paper.directory, FR).kids
    known = paper.directory.sealing_key(FR, paper.now)
    assert known is not None
    assert kid == known.kid != party(FR).sealing_kid


@pytest.mark.parametrize("key", ["seal-rsa", party(MA).api_kid, ""])
def test_a_key_that_is_not_the_partys_is_not_found(paper: PaperExchange, key: str) -> None:
    with pytest.raises(KeyNotFound):
        KeysTold((key,), SINCE).compromise(paper.directory, FR)


def test_a_time_that_is_none_is_told_before_anything_is_signed(paper: PaperExchange) -> None:
    with pytest.raises(typer.BadParameter):
        KeysTold(("api-ed25519",), "yesterday").compromise(paper.directory, FR)


def test_a_recovery_takes_the_keys_of_a_request_and_two_operators(paper: PaperExchange) -> None:
    request = EnrolmentRequest(
        v="comity-enrolment/1",
        party=FR,
        role="authority",
        mandate=None,
        name=party_names({"fr": "Another name"}),
        country="FR",
        keys=new_entries(paper, FR),
    )
    trust, before = paper.trust(), paper.directory
    event = make_event("recover", FR, before, paper.operators, trust, paper.now, request)
    after = before.apply(verify_event(event, trust.operator_keys, 2, before)).party(FR)
    assert after is not None
    assert after.name.official == FR, "a recovery changes no name"
    with pytest.raises(KeyEventRefused, match="2 are needed"):
        make_event("recover", FR, before, paper.operators[:1], trust, paper.now, request)
