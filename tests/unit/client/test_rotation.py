"""An authority renews its keys: under the old ones, or by a recovery; what was under way still arrives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.callers import check_receipts
from client.correspondence import Correspondence
from client.exchange import Exchange
from client.keystore import load_keystore, save_keystore, stage_keys
from client.rotation import Rotated, make_rotation, recovery_request, rotate_keys, settle_rotation
from client.sealing import seal_message
from client.signing import generate_authority_keys
from shared.domain.ids import encode_time
from shared.errors import CallKeyUnknown, ExchangeUnreachable, KeyChangeUnexplained, KeyEventRefused, RecipientKeyEnded
from shared.keys.directory import ROTATION_OVERLAP, Compromise
from shared.keys.event_document import USES_OF_ROLE
from shared.keys.public import parse_xwing
from tests.unit.client.letters import FR, MA, a_request, open_dossier, post, reply
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.told_ledgers import audit
from tests.unit.envelope.workshop import party

pytestmark = pytest.mark.usefixtures("cheap_guesses")
PASSPHRASE = "correct horse battery"
ALL = USES_OF_ROLE["authority"]


@pytest.fixture
def exchange() -> PaperExchange:
    """Its clock is the machine's, as that of key files is."""
    exchange = PaperExchange(now=datetime.now(UTC))
    exchange.enrol(MA, FR)
    exchange.load_registry()
    return exchange


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_keystore(tmp_path / "keys.json", PASSPHRASE, party(FR))
    return tmp_path / "keys.json"


def rotate(exchange: PaperExchange, file: Path) -> Rotated:
    keys = load_keystore(file, PASSPHRASE)
    trust = exchange.trust()
    calls = Exchange(exchange.calls_of(keys.api, FR), check_receipts(trust, FR))
    return rotate_keys(calls, trust, file, PASSPHRASE, lambda: exchange.now, ALL, sleep=exchange.pass_time)


def french(exchange: PaperExchange, file: Path, home: Path) -> Correspondence:
    return exchange.correspond_with(load_keystore(file, PASSPHRASE), home, exchange.trust())


def seal_late(ma: Correspondence, exchange: PaperExchange) -> str:
    """A request that was sealed before the rotation, by one who has not been online since."""
    composed = ma.compose_request(a_request(), (FR,), "quadripartite")
    sealed = seal_message(composed.header, composed.content, (), ma.keys, {FR: parse_xwing(party(FR).sealing.public)})
    return ma.outbox.store(sealed, encode_time(exchange.now))


def test_new_keys_act_and_what_was_sealed_to_the_old_one_opens(
    exchange: PaperExchange, file: Path, tmp_path: Path
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    dossier = open_dossier(ma)
    late = seal_late(ma, exchange)
    rotated = rotate(exchange, file)
    assert (rotated.seq, set(rotated.keys)) == (3, set(ALL))
    keys = load_keystore(file, PASSPHRASE)
    assert {use: key.kid(FR) for use, key in keys.acting.items()} == {use: key.kid for use, key in rotated.keys.items()}
    ma.outbox.send(late)
    fr = french(exchange, file, tmp_path)
    assert not fr.mailbox.read_feed().alarms
    for message in [one.message for one in fr.register.received()]:
        assert fr.mailbox.open(message).content["facts"] == "Money moved."
    assert len(fr.register.received()) == 2
    reply(fr, dossier, "acknowledge")
    assert not ma.mailbox.read_feed().alarms
    assert ma.directory(anew=True).sealing_key(FR).kid == keys.sealing_kid
    assert audit(exchange, tmp_path / "ledger").ok


def test_after_the_overlap_what_is_sealed_to_the_old_key_is_refused(
    exchange: PaperExchange, file: Path, tmp_path: Path
) -> None:
    ma = exchange.correspond(MA, tmp_path)
    rotate(exchange, file)
    exchange.pass_time(ROTATION_OVERLAP.total_seconds())
    late = seal_late(ma, exchange)
    with pytest.raises(RecipientKeyEnded):
        ma.outbox.send(late)
    post(ma, late)
    assert exchange.decisions[late]["code"] == "envelope.recipients-mismatch"


def test_a_rotation_that_broke_off_goes_on_with_the_same_keys(exchange: PaperExchange, file: Path) -> None:
    """The event was admitted, and this machine died before it heard of that."""
    staged = stage_keys(file, PASSPHRASE)
    exchange.admit_event(make_rotation(staged, exchange.directory, exchange.trust(), exchange.now))
    rotated = rotate(exchange, file)
    assert rotated.seq == exchange.directory.index == 3
    assert staged.coming is not None
    assert {key.kid for key in rotated.keys.values()} == {key.kid(FR) for key in staged.coming.keys.values()}


def test_a_lost_answer_does_not_make_two_rotations(exchange: PaperExchange, file: Path) -> None:
    exchange.lost_answers = 1
    try:
        rotate(exchange, file)
    except (KeyEventRefused, ExchangeUnreachable):
        rotate(exchange, file)
    assert exchange.directory.index == 3


def test_a_rotation_that_was_overtaken_is_made_anew(
    exchange: PaperExchange, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = exchange.admit_event
    overtaken: list[bytes] = []

    def overtake(document: bytes) -> None:
        if not overtaken:
            overtaken.append(document)
            monkeypatch.setattr(exchange, "admit_event", admit)
            exchange.enrol("BE.PF")
        else:
            admit(document)

    monkeypatch.setattr(exchange, "admit_event", overtake)
    assert rotate(exchange, file).seq == 4
    assert overtaken


def test_compromised_keys_are_recovered_with_the_keys_that_were_made_for_it(
    exchange: PaperExchange, file: Path, tmp_path: Path
) -> None:
    staged = stage_keys(file, PASSPHRASE)
    stolen = Compromise((party(FR).signing_kids[0], party(FR).api_kid), exchange.now - timedelta(hours=1))
    exchange.record_event("compromise", FR, compromise=stolen)
    with pytest.raises(CallKeyUnknown):
        rotate(exchange, file)
    exchange.record_event("recover", FR, keys=recovery_request(staged, exchange.now).keys)
    settled = settle_rotation(exchange.directory, staged, file, PASSPHRASE)
    assert settled is not None
    assert settled.seq == 4
    fr = french(exchange, file, tmp_path)
    open_dossier(exchange.correspond(MA, tmp_path))
    assert not fr.mailbox.read_feed().alarms


def test_a_recovery_with_other_keys_than_ones_own_stops_its_victim(
    exchange: PaperExchange, file: Path, tmp_path: Path
) -> None:
    """A quorum of operators gives France keys of their own: France sees it at its next call."""
    french(exchange, file, tmp_path).directory()
    theirs = generate_authority_keys(FR)
    entries = theirs.prove(exchange.now - timedelta(minutes=5), exchange.now + timedelta(days=9))
    exchange.record_event("recover", FR, keys=[one for one in entries if one.use != "api-ed25519"])
    with pytest.raises(KeyChangeUnexplained, match="not yours"):
        french(exchange, file, tmp_path).directory()
