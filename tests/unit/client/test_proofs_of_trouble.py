"""Bundles of messages that were rejected, never decided, signed under keys in other hands, or shown by a liar."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from client.proof_bundle import Bundle, encode_bundle, parse_bundle
from client.proof_claims import Proven
from client.proof_making import make_bundle
from client.proof_verification import verify_bundle
from shared.audit.notes import encode_vkey
from shared.errors import (
    LedgerInvalid,
    ProofCheckpointInvalid,
    ProofDecisionInvalid,
    ProofForeign,
    ProofInvalid,
    ProofMalformed,
    QuorumMissing,
)
from shared.keys.directory import Compromise
from shared.keys.public import Ed25519Public
from tests.unit.audit.paper_log import PaperLog, log_signers
from tests.unit.client.letters import BE, FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import seeded
from tests.unit.client.test_witnessed import witnessed
from tests.unit.envelope.workshop import party


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def judged(bundle: Bundle, exchange: PaperExchange) -> Proven:
    return verify_bundle(parse_bundle(encode_bundle(bundle)), exchange.trust())


def test_a_rejected_message_is_proven_with_its_code_and_its_signer(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    ma.mailbox.read_feed()
    exchange.record_event("suspend", BE)
    exchange.events.pop()  # the sender does not know yet
    dossier = open_dossier(ma, BE)
    [kept] = ma.register.messages(dossier)
    proven = make_bundle(ma, kept.message).proven
    assert proven.decision is not None
    assert proven.decision.code == "message.unknown-recipient"
    assert proven.evidences == ()


def test_a_promise_without_decision_is_proven_by_the_receipt_alone(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    exchange.decides = False
    [kept] = ma.register.messages(open_dossier(ma, FR))
    made = make_bundle(ma, kept.message)
    assert (made.proven.decision, made.proven.is_sender_proven) == (None, True)
    assert made.proven.receipt is not None
    with pytest.raises(ProofMalformed, match="neither"):
        judged(replace(made.bundle, receipt=None), exchange)


def test_keys_in_other_hands_before_it_was_logged_are_a_doubt(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    exchange.pass_time(60)
    told = Compromise((party(MA).ed25519.kid(MA),), exchange.now - timedelta(minutes=5))
    exchange.record_event("compromise", MA, compromise=told)
    made = make_bundle(ma, kept.message)
    assert not made.proven.is_sender_proven
    assert "in other hands" in str(made.proven.doubts[0])
    older = replace(made.bundle, key_events=made.bundle.key_events[:-1])
    assert judged(older, exchange).is_sender_proven  # it knows less, and says how far its keys reach
    assert judged(older, exchange).key_events == made.proven.key_events - 1


def test_a_compromise_after_it_was_logged_is_no_doubt(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    exchange.pass_time(60)
    told = Compromise((party(MA).ed25519.kid(MA),), exchange.now - timedelta(seconds=5))
    exchange.record_event("compromise", MA, compromise=told)
    assert make_bundle(ma, kept.message).proven.is_sender_proven


def test_the_trust_file_of_another_exchange_believes_nothing(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    bundle = make_bundle(ma, kept.message).bundle
    vkeys = tuple(encode_vkey(signer.vkey) for signer in log_signers("other.example/log"))
    other = exchange.trust(origin="other.example/log", log_vkeys=vkeys)
    with pytest.raises(ProofForeign):
        verify_bundle(bundle, other)
    strange = exchange.trust(operator_keys=(Ed25519Public(seeded("x").public), Ed25519Public(seeded("y").public)))
    with pytest.raises(ProofInvalid, match=r"key events"):
        verify_bundle(bundle, strange)
    forged = replace(bundle, origin="other.example/log")
    with pytest.raises(ProofCheckpointInvalid):
        verify_bundle(forged, other)


def test_a_decision_by_keys_that_were_not_current_is_refused(exchange: PaperExchange, home: Path) -> None:
    """An exchange that admits what was signed under keys which had been suspended ten minutes before."""
    ma = exchange.correspond(MA, home)
    exchange.decides = False
    [kept] = ma.register.messages(open_dossier(ma, FR))
    honest = exchange.directory
    exchange.record_event("suspend", MA)
    exchange.pass_time(600)
    exchange.directory = honest
    exchange.take(exchange.undecided[0])
    with pytest.raises(ProofDecisionInvalid, match="known by then"):
        make_bundle(ma, kept.message)


def test_a_back_dated_decision_is_refused(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    exchange.decides = False
    [kept] = ma.register.messages(open_dossier(ma, FR))
    exchange.take(exchange.undecided[0])
    index = exchange.log_decision(exchange.undecided[0], "dossier.illegal-move", at=exchange.now - timedelta(hours=3))
    exchange.decisions[kept.message]["leaf_index"] = index
    with pytest.raises(ProofDecisionInvalid, match="it is dated"):
        make_bundle(ma, kept.message)


def test_without_the_quorum_of_witnesses_nothing_is_proven(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home, witnessed(exchange))
    [kept] = ma.register.messages(open_dossier(ma, FR))
    bundle = make_bundle(ma, kept.message).bundle
    log_alone = b"".join(line for line in bundle.checkpoint.splitlines(True) if b"witness.example" not in line)
    with pytest.raises(ProofCheckpointInvalid, match="cosigned"):
        verify_bundle(replace(bundle, checkpoint=log_alone), witnessed(exchange))
    exchange.log.cosigners = ()
    exchange.add_leaf("exchange.started", service="intake", version="0.1.0")
    with pytest.raises(QuorumMissing):
        make_bundle(ma, kept.message)


def test_a_bundle_is_not_made_from_another_tree_than_the_one_seen_before(exchange: PaperExchange, home: Path) -> None:
    ma = exchange.correspond(MA, home)
    [kept] = ma.register.messages(open_dossier(ma, FR))
    ma.mailbox.read_feed()
    ma.mailbox.open(kept.message)
    forked = PaperLog()
    forked.append([*exchange.log.entries[:-1], exchange.log.entries[0]])
    exchange.log = forked
    with pytest.raises(LedgerInvalid):
        make_bundle(ma, kept.message)
