"""Clients and auditors believe nothing under a checkpoint that lacks the trust file's quorum of witnesses."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.auditor import verify_ledger
from client.ledger_export import export_ledger
from client.ledger_source import DirectoryLedger
from client.proving import prove_evidences
from shared.audit.notes import encode_vkey
from shared.errors import QuorumMissing
from shared.keys.trust import Trust
from tests.unit.audit.paper_log import WITNESS, WITNESSED, PaperLog, cosign, witness_signer
from tests.unit.client.letters import BE, FR, MA, open_dossier
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.test_swapped_keys import new_entries
from tests.unit.client.told_ledgers import copy_of

SECOND = witness_signer("witness.example/w2")
BOTH = WITNESSED.replace("quorum w1", f"witness w2 {encode_vkey(SECOND.vkey)}\ngroup both all w1 w2\nquorum both")


def witnessed(exchange: PaperExchange, policy: str = WITNESSED) -> Trust:
    """As in production, where the ceremony pinned every key."""
    kids = [key.kid for known in exchange.directory.parties() for key in known.keys]
    return exchange.trust(environment="production", witness_policy=policy, pinned_keys=tuple(kids))


def without_witnesses(exchange: PaperExchange) -> None:
    """From now on nobody cosigns what this exchange shows."""
    exchange.log.cosigners = ()


def test_a_letter_is_received_under_cosigned_checkpoints(exchange: PaperExchange, tmp_path: Path) -> None:
    open_dossier(exchange.correspond(MA, tmp_path, witnessed(exchange)))
    fr = exchange.correspond(FR, tmp_path, witnessed(exchange))
    assert fr.mailbox.read_feed().alarms == ()
    assert [one.sender for one in fr.register.received()] == [MA]


def test_a_key_whose_event_no_witness_saw_is_not_believed(exchange: PaperExchange, tmp_path: Path) -> None:
    """The exchange shows this client a tree of its own: both log keys sign it, no witness does."""
    ma = exchange.correspond(MA, tmp_path, witnessed(exchange))
    ma.directory()
    without_witnesses(exchange)
    exchange.record_event("recover", FR, keys=new_entries(exchange, FR))
    with pytest.raises(QuorumMissing):
        ma.directory(anew=True)


def test_a_first_contact_believes_no_key_before_the_quorum(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path, witnessed(exchange, BOTH))
    with pytest.raises(QuorumMissing, match=r"cosigned by w1; the trust file asks for 2 of \(w1, w2\)"):
        ma.directory()
    exchange.log.files["checkpoint"] = cosign(exchange.log.files["checkpoint"], exchange.log.head(), SECOND)
    assert ma.directory(anew=True).latest.party(BE) is not None


def test_a_message_is_not_judged_by_a_decision_that_no_witness_saw(exchange: PaperExchange, tmp_path: Path) -> None:
    fr = exchange.correspond(FR, tmp_path, witnessed(exchange))
    fr.directory()
    without_witnesses(exchange)
    open_dossier(exchange.correspond(MA, tmp_path))
    with pytest.raises(QuorumMissing):
        fr.mailbox.read_feed()
    assert fr.register.received() == []


def test_an_evidence_without_the_quorum_proves_nothing(exchange: PaperExchange, tmp_path: Path) -> None:
    ma = exchange.correspond(MA, tmp_path)
    open_dossier(ma)
    [message] = exchange.envelopes
    items, digest = ma.exchange.evidences(message).items, exchange.envelopes[message].digest
    assert {
        one.state
        for one in prove_evidences(items, message, digest, witnessed(exchange), exchange.directory.key, exchange.now)
    } == {"verified"}
    [first, *_] = prove_evidences(
        items, message, digest, witnessed(exchange, BOTH), exchange.directory.key, exchange.now
    )
    assert first.state == "does not verify"
    assert "w2" in str(first.why)


def test_an_audit_reads_on_and_says_who_did_not_sign(exchange: PaperExchange, tmp_path: Path) -> None:
    ledger = DirectoryLedger(exchange.write_ledger(tmp_path))
    report = verify_ledger(ledger, witnessed(exchange), workers=0)
    assert (report.ok, report.witnesses) == (True, ["w1"])
    report = verify_ledger(ledger, witnessed(exchange, BOTH), workers=0)
    assert [one.what for one in report.differences] == ["witnesses"]
    assert (report.ok, report.finished, report.as_json()["witnesses"]) == (False, True, ["w1"])


def test_two_auditors_who_are_shown_two_trees_cannot_both_be_satisfied(exchange: PaperExchange, tmp_path: Path) -> None:
    """The operator signs both with the log's own keys; an honest witness signs one."""
    other = copy_of(exchange)
    other.log = PaperLog(cosigners=())
    other.log.append(exchange.log.entries[:-1])
    one = verify_ledger(DirectoryLedger(exchange.write_ledger(tmp_path / "one")), witnessed(exchange), workers=0)
    two = verify_ledger(DirectoryLedger(other.write_ledger(tmp_path / "two")), witnessed(exchange), workers=0)
    assert (one.ok, two.ok) == (True, False)
    assert [each.what for each in two.differences] == ["witnesses"]


def test_a_cosignature_is_of_one_tree(exchange: PaperExchange, tmp_path: Path) -> None:
    """The line of the honest tree, put under the other one of the same size."""
    other = copy_of(exchange)
    other.log = PaperLog(cosigners=())
    other.log.append([*exchange.log.entries[:-1], exchange.log.entries[0]])
    line = exchange.log.files["checkpoint"].splitlines(keepends=True)[-1]
    assert WITNESS.vkey.name.encode() in line
    other.log.files["checkpoint"] += line
    report = verify_ledger(DirectoryLedger(other.write_ledger(tmp_path)), witnessed(exchange), workers=0)
    assert [each.what for each in report.differences] == ["checkpoint"]


def test_nothing_is_exported_without_the_quorum(exchange: PaperExchange, tmp_path: Path) -> None:
    source = DirectoryLedger(exchange.write_ledger(tmp_path / "source"))
    with pytest.raises(QuorumMissing):
        export_ledger(source, tmp_path / "out", witnessed(exchange, BOTH))
    assert not (tmp_path / "out" / "checkpoint").exists()
    export_ledger(source, tmp_path / "out", witnessed(exchange))
    assert (tmp_path / "out" / "checkpoint").read_bytes() == exchange.log.files["checkpoint"]
