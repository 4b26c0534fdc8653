"""Before a sealing key is destroyed, what it opens moves to its successor: nothing is lost with it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from client.archive import KEPT_AFTER_EXPIRY, Rewrapping
from client.composition import LIFETIME
from client.correspondence import Correspondence
from client.directory_history import replay_history
from client.rewraps import Rewrap
from client.signing import AuthorityKeys, ComingKeys, generate_authority_keys
from shared.domain.header import MAX_LIFETIME
from shared.domain.ids import encode_time
from shared.errors import ExchangeUnreachable, KeyNotFound, KeyStillNeeded, MessageUnverified
from shared.keys.directory import ROTATION_OVERLAP
from shared.keys.events import draft_event, encode_event, sign_event
from tests.unit.client.letters import BE, FR, MA, a_request, open_dossier, reply
from tests.unit.client.paper_exchange import PaperExchange, problem
from tests.unit.envelope.workshop import party

OLD = party(FR)
LONG_AFTER = LIFETIME + KEPT_AFTER_EXPIRY + timedelta(seconds=1)


class France:
    """An authority that got two letters, answered one, and then renewed its keys."""

    def __init__(self, exchange: PaperExchange, home: Path) -> None:
        self.exchange, self.home = exchange, home
        self.rabat = exchange.correspond(MA, home)
        self.before = exchange.correspond(FR, home)
        self.dossiers = [open_dossier(self.rabat, FR, BE) for _ in range(2)]
        self.before.mailbox.read_feed()
        self.answer = reply(self.before, self.dossiers[0], "acknowledge")
        self.received = [one.message for one in self.before.register.received()]
        self.messages = [*self.received, self.answer]
        self.before.close()
        self.keys = _renewed(OLD)
        _rotate(exchange, OLD, self.keys)

    def at_work(self, keys: AuthorityKeys | None = None) -> Correspondence:
        return self.exchange.correspond_with(keys or self.keys, self.home, self.exchange.trust())

    def later(self, by: timedelta) -> None:
        self.exchange.pass_time(by.total_seconds())

    def without_old_key(self) -> Correspondence:
        return self.at_work(replace(self.keys, former_sealing=()))


def rewrap(one: Correspondence) -> Rewrapping:
    return one.archive().rewrap()


def check(one: Correspondence, give_up: tuple[str, ...] = ()) -> int:
    return one.archive().check_destroyable(OLD.sealing_kid, one.directory(anew=True), give_up)


@pytest.fixture
def france(exchange: PaperExchange, tmp_path: Path) -> France:
    return France(exchange, tmp_path)


def test_everything_opens_without_the_old_key_after_it_moved(france: France) -> None:
    with france.at_work() as fr:
        opened = {message: fr.mailbox.open(message) for message in france.messages}
        assert rewrap(fr) == Rewrapping(moved=3, stood=0, failed={})
    with france.without_old_key() as fr:
        for message, before in opened.items():
            again = fr.mailbox.open(message)
            assert (again.content, again.secret) == (before.content, before.secret)


def test_without_a_move_the_old_key_takes_everything_with_it(france: France) -> None:
    with france.without_old_key() as fr, pytest.raises(MessageUnverified, match=r"keys\.not-found"):
        fr.mailbox.open(france.received[0])


def test_a_second_run_moves_nothing_and_proves_what_stands(france: France) -> None:
    with france.at_work() as fr:
        rewrap(fr)
        assert rewrap(fr) == Rewrapping(moved=0, stood=3, failed={})
        spoilt = fr.register.rewraps.of(france.received[1])
        assert spoilt is not None
        fr.register.rewraps.keep(replace(spoilt, wrap=spoilt.wrap[:-1] + bytes([spoilt.wrap[-1] ^ 1])))
        assert rewrap(fr) == Rewrapping(moved=1, stood=2, failed={})


def test_a_run_that_broke_off_goes_on_where_it_was(france: France) -> None:
    def cut_off(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with france.at_work() as fr, pytest.raises(KeyboardInterrupt):
        fr.archive().rewrap(cut_off)
    france.exchange.calls.clear()
    with france.at_work() as fr:
        assert rewrap(fr) == Rewrapping(moved=2, stood=1, failed={})
    fetched = [call for call in france.exchange.calls if re.fullmatch("GET /v1/messages/[^/]+", call)]
    assert len(fetched) == 1  # of the two, its own answer it has itself


def test_an_exchange_that_falls_silent_stops_the_run_and_loses_nothing(france: France) -> None:
    with france.at_work() as fr:
        fr.mailbox.read_feed()
        answers = [problem(503, ExchangeUnreachable(why="closed"))] * 40
        whole = fr.archive()
        france.exchange.failures = []

        def fall_silent(done: int, of: int) -> None:
            france.exchange.failures = list(answers)

        with pytest.raises(ExchangeUnreachable):
            whole.rewrap(fall_silent)
        france.exchange.failures = []
        assert rewrap(fr).failed == {}
    with france.without_old_key() as fr:
        assert all(fr.mailbox.open(message).secret for message in france.messages)


def test_a_second_renewal_moves_from_one_re_wrap_to_the_next(france: France) -> None:
    with france.at_work() as fr:
        rewrap(fr)
    second = _renewed(replace(france.keys, former_sealing=()))
    _rotate(france.exchange, france.keys, second)
    france.exchange.calls.clear()
    with france.at_work(second) as fr:
        assert rewrap(fr) == Rewrapping(moved=3, stood=0, failed={})
    with france.at_work(replace(second, former_sealing=())) as fr:
        assert all(fr.mailbox.open(message).secret for message in france.messages)


def test_what_cannot_be_moved_is_named_and_stops_nothing(france: France) -> None:
    gone = france.received[1]
    del france.exchange.envelopes[gone]
    with france.at_work() as fr:
        done = rewrap(fr)
        assert (done.moved, list(done.failed)) == (2, [gone])
        france.later(LONG_AFTER)
        with pytest.raises(KeyStillNeeded, match=rf"1 messages.*{gone}"):
            check(fr)
        assert check(fr, (gone,)) == 3


def test_a_wrap_that_the_exchange_altered_is_not_moved(france: France) -> None:
    victim = france.received[0]
    received = france.exchange.envelopes[victim]
    altered = {kid: bytes(len(wrap)) for kid, wrap in received.wraps.items()}
    france.exchange.envelopes[victim] = replace(received, wraps=altered)
    with france.at_work() as fr:
        failed = rewrap(fr).failed
        assert list(failed) == [victim]
        assert "does not match the signed manifest" in failed[victim]


def test_a_key_is_kept_while_something_opens_with_it_alone(france: France) -> None:
    france.later(LONG_AFTER)
    with france.at_work() as fr:
        with pytest.raises(KeyStillNeeded, match="3 messages can be read with it alone"):
            check(fr)
        rewrap(fr)
        assert check(fr) == 3


def test_a_re_wrap_that_does_not_open_counts_for_nothing(france: France) -> None:
    france.later(LONG_AFTER)
    with france.at_work() as fr:
        rewrap(fr)
        fr.register.rewraps.keep(Rewrap(france.answer, france.keys.sealing_kid, bytes(1168)))
        with pytest.raises(KeyStillNeeded, match=france.answer):
            check(fr)


def test_a_key_is_kept_for_thirty_days_after_the_last_message_sealed_to_it(france: France) -> None:
    with france.at_work() as fr:
        rewrap(fr)
        france.later(LONG_AFTER - timedelta(minutes=1))
        with pytest.raises(KeyStillNeeded, match="30 days"):
            check(fr)
        france.later(timedelta(minutes=1))
        assert check(fr) == 3


def test_no_sender_keeps_anothers_key_alive_by_a_far_expiry(exchange: PaperExchange, tmp_path: Path) -> None:
    rabat = exchange.correspond(MA, tmp_path)
    composed = rabat.compose_request(a_request(), (FR,), "quadripartite")
    longest = encode_time(composed.header.sent + MAX_LIFETIME)
    longest_lived = composed.header.model_copy(update={"expires_at": longest})
    rabat.outbox.send(rabat.seal_and_store(replace(composed, header=longest_lived), ()))
    new = _renewed(OLD)
    _rotate(exchange, OLD, new)
    with exchange.correspond_with(new, tmp_path, exchange.trust()) as fr:
        rewrap(fr)
        exchange.pass_time((MAX_LIFETIME + KEPT_AFTER_EXPIRY - timedelta(minutes=1)).total_seconds())
        with pytest.raises(KeyStillNeeded, match="30 days"):
            check(fr)
        exchange.pass_time(60)
        assert check(fr) == 1


def test_a_key_is_kept_while_others_may_still_seal_to_it(exchange: PaperExchange, tmp_path: Path) -> None:
    new = _renewed(OLD)
    _rotate(exchange, OLD, new)
    with exchange.correspond_with(new, tmp_path, exchange.trust()) as fr:
        exchange.pass_time((ROTATION_OVERLAP + timedelta(minutes=59)).total_seconds())
        with pytest.raises(KeyStillNeeded, match="may still seal"):
            check(fr)
        exchange.pass_time(60)
        assert check(fr) == 0


def test_an_arrival_that_does_not_verify_keeps_the_key_until_it_is_given_up(france: France) -> None:
    with france.at_work() as fr:
        rewrap(fr)
        france.later(LONG_AFTER)
        late = _sealed_to_the_old_key(france)
        with pytest.raises(KeyStillNeeded, match=rf"1 messages.*{late}"):
            check(fr)
        assert check(fr, (late,)) == 3


def test_the_acting_key_and_strangers_keys_are_not_up_for_destruction(france: France) -> None:
    with france.at_work() as fr:
        for kid in (france.keys.sealing_kid, party(MA).sealing_kid):
            with pytest.raises(KeyNotFound):
                fr.archive().check_destroyable(kid, fr.directory())


def _renewed(old: AuthorityKeys) -> AuthorityKeys:
    return replace(generate_authority_keys(old.authority), former_sealing=(old.sealing, *old.former_sealing))


def _sealed_to_the_old_key(france: France) -> str:
    """As if somebody whose directory is of long ago had sent it, and the exchange had taken it all the same."""
    events, directory = france.exchange.events, france.exchange.directory
    france.exchange.events = events[:-1]
    france.exchange.directory = replay_history([one.decode() for one in events[:-1]], france.exchange.trust()).latest
    with france.exchange.correspond(MA, france.home / "elsewhere") as rabat:
        open_dossier(rabat, FR, BE)
    france.exchange.events, france.exchange.directory = events, directory
    return str(france.exchange.feeds[FR].items[-1]["message"])


def _rotate(exchange: PaperExchange, old: AuthorityKeys, new: AuthorityKeys) -> None:
    staged = replace(old, coming=ComingKeys(None, new.acting))
    keys = staged.prove_coming(exchange.now, exchange.now + timedelta(days=365))
    event = draft_event("rotate", exchange.directory, exchange.now, old.authority, keys=keys)
    document = encode_event(event, [sign_event(event, key, old.authority) for key in (old.ed25519, old.mldsa65)])
    exchange.admit_event(document)
