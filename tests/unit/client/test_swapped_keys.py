"""The operators play false: a key is swapped for one client alone, a party is recovered, a log is shown twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client.correspondence import Correspondence
from client.directory_history import replay_history
from client.directory_watch import DATED_WITHIN
from client.sealing import seal_message
from client.signing import generate_authority_keys
from shared.apisig.directory_statements import verify_statement
from shared.audit.leaves import encode_entry, encode_leaf
from shared.domain.ids import encode_time
from shared.errors import (
    ComityError,
    KeyChangeUnexplained,
    KeyInDoubt,
    KeyRecovered,
    LedgerInvalid,
    MessageUnverified,
    SignedWhenCompromised,
)
from shared.keys.directory import Compromise
from shared.keys.event_document import KeyEntryDocument
from shared.keys.events import draft_event, encode_event, sign_event
from shared.keys.public import parse_xwing
from tests.unit.audit.paper_log import WITNESSED, PaperLog
from tests.unit.client.letters import BE, FR, MA, a_request, open_dossier, post, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import copy_of
from tests.unit.envelope.workshop import party

YEAR = timedelta(days=365)


def new_entries(exchange: PaperExchange, authority: str) -> tuple[KeyEntryDocument, ...]:
    return generate_authority_keys(authority).prove(exchange.now - timedelta(minutes=5), exchange.now + YEAR)


def swapped(exchange: PaperExchange) -> PaperExchange:
    """The same exchange after a quorum of operators recovered Paris with keys of their own, in a log of its own."""
    copied = copy_of(exchange)
    copied.places = dict(exchange.places)
    copied.record_event("recover", FR, keys=new_entries(exchange, FR))
    return copied


def answers_of(other: PaperExchange, *paths: str) -> Callable[[str, bytes], bytes]:
    """What an exchange answers to one client that shows it another one at these paths."""

    def tamper(path: str, body: bytes) -> bytes:
        if path == "/v1/authorities" in paths:
            return json.dumps({"events": [event.decode() for event in other.events], "parties": []}).encode()
        if path == "/v1/authorities/statement" and "/v1/authorities" in paths:  # it signs what it shows
            other.now = verify_statement(json.loads(body)["statement"], other.trust().receipt_key).at
            return json.dumps({"statement": other.statement()}).encode()
        if path.startswith("/log/tile") and "/log/tile" in paths:
            return other.log.files[path.removeprefix("/log/")]
        return body

    return tamper


def sealing_kid(one: Correspondence, authority: str) -> str:
    return one.directory(anew=True).sealing_key(authority).kid


# --- for one client alone


def test_a_key_that_stands_in_no_ledger_is_not_used_and_stops_everything_after_an_hour(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    ma.directory()
    exchange.tamper = answers_of(swapped(exchange), "/v1/authorities")
    with pytest.raises(KeyInDoubt):
        sealing_kid(ma, FR)
    exchange.pass_time(3601)
    with pytest.raises(KeyChangeUnexplained, match="is in no ledger"):
        exchange.correspond(MA, tmp_path).directory()


def test_another_event_than_the_ledgers_is_seen_at_once(exchange: PaperExchange, tmp_path: Path) -> None:
    other = swapped(exchange)
    exchange.record_event("suspend", BE)
    exchange.tamper = answers_of(other, "/v1/authorities")
    with pytest.raises(KeyChangeUnexplained, match="not the one that stands in the ledger"):
        exchange.correspond(MA, tmp_path).directory()


@pytest.mark.parametrize(("after", "believed"), [(DATED_WITHIN, True), (DATED_WITHIN + timedelta(seconds=1), False)])
def test_an_event_that_was_dated_back_is_not_believed(
    exchange: PaperExchange, tmp_path: Path, after: timedelta, believed: bool
) -> None:
    """Keys that ended would sign for new ones, at a time when they still counted."""
    event = draft_event("suspend", exchange.directory, exchange.now, BE)
    document = encode_event(event, [sign_event(event, operator) for operator in exchange.operators])
    exchange.pass_time(after.total_seconds())
    exchange.admit_event(document)
    with nullcontext() if believed else pytest.raises(KeyChangeUnexplained, match="is dated"):
        exchange.correspond(MA, tmp_path).directory()


@pytest.mark.parametrize("grown", [1, 3])
def test_a_log_of_its_own_is_no_continuation_of_the_one_that_was_seen(
    exchange: PaperExchange, tmp_path: Path, grown: int
) -> None:
    """The log's keys sign a second tree, with the swapped key in it, for this client alone."""
    exchange.correspond(MA, tmp_path).directory()
    other = copy_of(exchange)
    other.places, other.log = dict(exchange.places), PaperLog()
    other.log.append([exchange.log.entries[0], exchange.log.entries[0], *exchange.log.entries[2:]])
    for _ in range(grown):
        other.add_leaf("exchange.started", service="all", version="1")
    other.record_event("recover", FR, keys=new_entries(exchange, FR))
    with pytest.raises(LedgerInvalid, match="that was seen here"):
        other.correspond(MA, tmp_path).directory()


def test_the_same_log_grown_is_believed(exchange: PaperExchange, tmp_path: Path) -> None:
    exchange.correspond(MA, tmp_path).directory()
    leaf = encode_leaf("exchange.started", exchange.now, bytes(16), service="all", version="1")
    exchange.log.append([encode_entry(exchange.now, leaf)] * 300)
    exchange.enrol("ES.SGCJI")
    assert exchange.correspond(MA, tmp_path).directory().latest.index == 4


def test_a_session_that_lasts_watches_keys_while_no_message_comes(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    ma.mailbox.read_feed()
    other = swapped(exchange)
    exchange.record_event("suspend", BE)
    exchange.tamper = answers_of(other, "/v1/authorities")
    ma.mailbox.read_feed()
    exchange.pass_time(61)
    with pytest.raises(KeyChangeUnexplained, match="not the one that stands in the ledger"):
        ma.mailbox.read_feed()


# --- in ones own name


def test_a_recovery_that_was_undone_again_is_seen_by_the_party_itself(exchange: PaperExchange, tmp_path: Path) -> None:
    """The operators used Paris' name for an hour, and then gave it the keys that it has made since."""
    exchange.correspond(FR, tmp_path).directory()
    exchange.record_event("recover", FR, keys=[one for one in new_entries(exchange, FR) if one.use != "api-ed25519"])
    later = generate_authority_keys(FR)
    keys = replace(party(FR), ed25519=later.ed25519, mldsa65=later.mldsa65, sealing=later.sealing)
    entries = later.prove(exchange.now - timedelta(minutes=5), exchange.now + YEAR)
    exchange.record_event("recover", FR, keys=[one for one in entries if one.use != "api-ed25519"])
    with pytest.raises(KeyChangeUnexplained, match="event 4 gave"):
        exchange.correspond_with(keys, tmp_path, exchange.trust()).directory()


def test_a_key_that_is_announced_for_later_is_seen_before_it_counts(exchange: PaperExchange, tmp_path: Path) -> None:
    """Whoever stole both signing keys renews them for next week: their owner sees it today."""
    soon, old = exchange.now + timedelta(days=7), party(FR)
    entries = generate_authority_keys(FR).prove(soon, soon + YEAR)
    event = draft_event("rotate", exchange.directory, exchange.now, FR, keys=entries)
    exchange.admit_event(encode_event(event, [sign_event(event, one, FR) for one in (old.ed25519, old.mldsa65)]))
    with pytest.raises(KeyChangeUnexplained, match="not yours"):
        exchange.correspond(FR, tmp_path).directory()


# --- a recovery


def production(exchange: PaperExchange, tmp_path: Path, authority: str = MA) -> Correspondence:
    trust = exchange.trust(environment="production", witness_policy=WITNESSED)
    return exchange.correspond(authority, tmp_path, trust)


def test_a_recovered_key_waits_and_everybody_is_told(exchange: PaperExchange, tmp_path: Path) -> None:
    production(exchange, tmp_path).directory()
    exchange.pass_time(100 * 3600)
    exchange.record_event("recover", FR, keys=new_entries(exchange, FR))
    ma = production(exchange, tmp_path)
    [waiting] = ma.directory().recovered()
    assert (waiting.event.party, waiting.until) == (FR, exchange.now + timedelta(hours=72))
    with pytest.raises(KeyRecovered, match="did not sign for them"):
        ma.directory().sealing_key(FR)
    exchange.pass_time(72 * 3600)
    later = production(exchange, tmp_path).directory()
    assert later.recovered() == []
    assert later.sealing_key(FR).kid != party(FR).sealing_kid


def test_a_thief_cannot_make_a_recovery_look_like_a_rotation(exchange: PaperExchange, tmp_path: Path) -> None:
    """He recovers Paris with keys of his own and renews these at once, signed by them: the renewal waits as long."""
    production(exchange, tmp_path).directory()
    exchange.pass_time(100 * 3600)
    his = generate_authority_keys(FR)
    since = exchange.now - timedelta(minutes=5)
    exchange.record_event("recover", FR, keys=his.prove(since, exchange.now + YEAR))
    event = draft_event("rotate", exchange.directory, exchange.now, FR, keys=new_entries(exchange, FR))
    exchange.admit_event(encode_event(event, [sign_event(event, one, FR) for one in (his.ed25519, his.mldsa65)]))
    with pytest.raises(KeyRecovered):
        production(exchange, tmp_path).directory().sealing_key(FR)


def test_what_a_new_party_signed_is_believed_after_a_comparison(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    fr = production(exchange, tmp_path, FR)
    [alarm] = fr.mailbox.read_feed().alarms
    assert alarm.error.code == "client.key-too-new"
    known = fr.directory().latest.party(MA)
    assert known is not None
    fr.directory().note_compared(known.keys)
    assert not fr.mailbox.read_feed().alarms


# --- which keys a message is judged by


def test_the_exchange_cannot_choose_the_time_at_which_a_message_is_judged(
    exchange: PaperExchange, tmp_path: Path
) -> None:
    """`delivered_at` is signed by nobody: a message under keys that a recovery ended does not verify by it."""
    ma = exchange.correspond(MA, tmp_path)
    ma.directory()
    then = encode_time(exchange.now)
    exchange.pass_time(3600 * 24)
    exchange.record_event("recover", MA, keys=new_entries(exchange, MA))
    truth = exchange.directory
    exchange.pass_time(3600)
    message = forged_with_old_keys(exchange, ma)
    exchange.directory = truth

    def date_back(path: str, body: bytes) -> bytes:
        if path != f"/v1/messages/{message}":
            return body
        return json.dumps({**json.loads(body), "delivered_at": then}).encode()

    exchange.tamper = date_back
    fr = exchange.correspond(FR, tmp_path)
    [alarm] = fr.mailbox.read_feed().alarms
    assert isinstance(alarm.error, MessageUnverified)
    assert "without key event 4" in alarm.error.sentence()


def forged_with_old_keys(exchange: PaperExchange, ma: Correspondence) -> str:
    """A dishonest intake admits a message under the keys of before, by the directory of before."""
    exchange.directory = replay_history([one.decode() for one in exchange.events[:3]], exchange.trust()).latest
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    sealing = {FR: parse_xwing(party(FR).sealing.public)}
    message = ma.outbox.store(
        seal_message(composed.header, composed.content, (), party(MA), sealing), encode_time(exchange.now)
    )
    post(ma, message)
    return message


@pytest.mark.parametrize(("hours", "stands"), [(-1, False), (0, False), (1, True)])
def test_what_was_logged_before_the_compromise_stands_and_what_came_after_is_refused(
    exchange: PaperExchange, tmp_path: Path, hours: int, stands: bool
) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    fr.directory()
    open_dossier(ma)
    logged_at = exchange.now
    exchange.pass_time(4 * 3600)
    told = Compromise((party(MA).signing_kids[0],), logged_at + timedelta(hours=hours))
    exchange.record_event("compromise", MA, compromise=told)
    fr = exchange.correspond(FR, tmp_path)
    news: Any = fr.mailbox.read_feed()
    message = exchange.feeds[FR].items[0]["message"]
    if stands:
        assert not news.alarms
        assert fr.mailbox.open(message).content["facts"] == "Money moved."
    else:
        assert isinstance(news.alarms[0].error, SignedWhenCompromised)
        with pytest.raises(SignedWhenCompromised):
            fr.mailbox.open(message)


def test_a_compromised_key_signs_nothing_new(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    dossier = open_dossier(ma)
    fr.mailbox.read_feed()
    exchange.record_event("compromise", FR, compromise=Compromise((party(FR).signing_kids[1],), exchange.now))
    message = reply(fr, dossier, "acknowledge")
    assert exchange.decisions[message]["code"] == "envelope.key-unknown"


def test_a_message_without_a_place_in_the_ledger_is_judged_by_now(exchange: PaperExchange, tmp_path: Path) -> None:
    ma, fr = exchange.correspond(MA, tmp_path), exchange.correspond(FR, tmp_path)
    open_dossier(ma)
    exchange.tamper = lambda path, body: (
        json.dumps({"message": path.split("/")[3], "items": []}).encode() if path.endswith("/evidences") else body
    )
    assert not fr.mailbox.read_feed().alarms
    message = exchange.feeds[FR].items[0]["message"]
    exchange.pass_time(15 * 24 * 3600)
    with pytest.raises(ComityError, match="expired"):
        fr.mailbox.open(message)
