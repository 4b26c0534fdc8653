"""A directory whose keys changed without explanation stops everything; a new key waits or is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.callers import check_receipts
from client.enrolment import await_event, make_event
from client.exchange import Exchange
from shared.errors import ComityError, EventOvertaken, KeyChangeUnexplained
from shared.keys.public import OPERATOR, Ed25519Public
from tests.unit.audit.paper_log import WITNESSED
from tests.unit.client.letters import BE, FR, MA, a_request
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import seeded
from tests.unit.envelope.workshop import party


def test_a_swapped_operator_key_stops_everything(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(operator_keys=tuple(Ed25519Public(seeded(one).public) for one in ("operator A", "other")))
    with pytest.raises(KeyChangeUnexplained):
        exchange.correspond(MA, tmp_path, trust).directory()


def test_a_directory_that_forgets_is_noticed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).directory()
    exchange.events.pop()
    with pytest.raises(KeyChangeUnexplained, match="seen here before"):
        exchange.correspond(MA, tmp_path).directory()


def test_a_directory_that_rewrites_is_noticed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).directory()
    other = PaperExchange(now=exchange.now)
    other.pass_time(60)
    other.enrol(MA, FR, "ES.SGCJI", BE)
    exchange.events = other.events
    with pytest.raises(KeyChangeUnexplained, match="not the one that was seen"):
        exchange.correspond(MA, tmp_path).directory()


def test_keys_in_ones_own_name_that_are_not_ones_own_stop_everything(exchange: PaperExchange, tmp_path: Path) -> None:
    from client.signing import AuthorityKeys

    own = party(MA)
    forgotten = AuthorityKeys(MA, own.ed25519, own.mldsa65, party(FR).sealing, own.api)
    with pytest.raises(KeyChangeUnexplained, match="not yours"):
        exchange.correspond_with(forgotten, tmp_path, exchange.trust()).directory()


def test_in_production_a_new_key_waits_or_is_compared(exchange: PaperExchange, tmp_path: Path) -> None:
    trust = exchange.trust(environment="production", witness_policy=WITNESSED)
    ma = exchange.correspond(MA, tmp_path, trust)
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    with pytest.raises(ComityError) as refused:
        ma.seal_and_store(composed, ())
    assert refused.value.code == "client.key-too-new"
    french = ma.directory().latest.party(FR)
    assert french is not None
    ma.directory().note_compared(french.keys)
    assert ma.seal_and_store(composed, ()) == composed.header.id
    exchange.pass_time(73 * 3600)
    belgian = ma.compose_request(a_request(), (BE,), "quadripartite")
    assert ma.seal_and_store(belgian, ()) == belgian.header.id


def test_an_operator_who_came_second_is_not_told_that_the_party_is_suspended(exchange: PaperExchange) -> None:
    before, trust = exchange.directory, exchange.trust()
    calls = Exchange(exchange.calls_of(exchange.operators[0], OPERATOR), check_receipts(exchange.trust(), OPERATOR))
    ours = make_event("suspend", FR, before, exchange.operators, trust, exchange.now)
    exchange.record_event("suspend", BE)
    with pytest.raises(EventOvertaken):
        await_event(calls, trust, before.index + 1, ours, 1)
    theirs = exchange.events[-1]
    after = await_event(calls, trust, before.index + 1, theirs, 1).party(BE)
    assert after is not None
    assert after.is_suspended
