"""What a checkpoint must carry before it is believed (`shared/audit/quorum.py`)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.audit.checkpoint import encode_checkpoint
from shared.audit.notes import NoteSigner, SignatureType, encode_vkey
from shared.audit.proofs import TlogProof
from shared.audit.quorum import CheckpointRule, rule_of
from shared.audit.tree import prove_inclusion
from shared.errors import LedgerInvalid, QuorumMissing, TrustFileInvalid
from shared.keys.private import generate_ed25519
from shared.keys.trust import Trust
from tests.unit.audit.paper_log import ORIGIN, PaperLog, cosign, log_signers, started_entries, witness_signer

LOG = PaperLog(cosigners=())
LOG.append(started_entries(5))
HEAD, CHECKPOINT = LOG.head(), LOG.files["checkpoint"]
ONE, TWO = witness_signer("witness.example/w1"), witness_signer("witness.example/w2")
OLD = witness_signer("witness.example/w3", SignatureType.ED25519_COSIGNATURE)
POLICY = "".join(
    [
        f"log {encode_vkey(log_signers()[0].vkey)}\n",
        *(f"witness {name} {encode_vkey(one.vkey)}\n" for name, one in (("one", ONE), ("two", TWO), ("old", OLD))),
        "group g 2 one two old\nquorum g\n",
    ]
)


def trust(policy: str = POLICY) -> Trust:
    return Trust(
        origin=ORIGIN,
        log_vkeys=(encode_vkey(log_signers()[0].vkey), encode_vkey(log_signers()[1].vkey)),
        operator_keys=(generate_ed25519().public_key(),),
        operator_quorum=1,
        receipt_key=generate_ed25519().public_key(),
        witness_policy=policy,
        environment="development",
    )


RULE: CheckpointRule = rule_of(trust())


def test_two_of_three_are_enough_and_of_either_algorithm() -> None:
    for pair in ((ONE, TWO), (TWO, OLD), (OLD, ONE)):
        assert RULE.verify(cosign(CHECKPOINT, HEAD, *pair)).head == HEAD
    assert RULE.witnesses_of(RULE.verify(cosign(CHECKPOINT, HEAD, OLD, ONE))) == ["one", "old"]


@pytest.mark.parametrize("cosigners", [(), (ONE,), (ONE, ONE), (ONE, witness_signer("witness.example/stranger"))])
def test_fewer_are_not_enough_whoever_else_signs(cosigners: tuple[NoteSigner, ...]) -> None:
    with pytest.raises(QuorumMissing, match=r"asks for 2 of \(one, two, old\)"):
        RULE.verify(cosign(CHECKPOINT, HEAD, *cosigners))


def test_a_cosignature_without_a_time_does_not_count() -> None:
    timeless = cosign(cosign(CHECKPOINT, HEAD, ONE), HEAD, TWO, timestamp_s=0)
    with pytest.raises(QuorumMissing):
        RULE.verify(timeless)


def test_a_cosignature_of_another_tree_refuses_the_checkpoint() -> None:
    other = cosign(CHECKPOINT, replace(HEAD, root=bytes(32)), ONE)
    with pytest.raises(LedgerInvalid, match="does not verify"):
        RULE.read(other)


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    own = encode_checkpoint(replace(HEAD, origin="other.example/log"), *log_signers("other.example/log"))
    with pytest.raises(LedgerInvalid):
        RULE.verify(cosign(own, HEAD, ONE, TWO))


def test_a_proof_counts_under_a_checkpoint_that_counts() -> None:
    hashes = tuple(prove_inclusion(3, 5, LOG.reader(5)))
    proof = TlogProof(3, hashes, cosign(CHECKPOINT, HEAD, ONE, TWO), LOG.entries[3])
    assert RULE.verify_carried(proof).index == 3
    with pytest.raises(QuorumMissing):
        RULE.verify_carried(replace(proof, checkpoint=CHECKPOINT))


def test_without_a_policy_both_signatures_of_the_log_are_enough() -> None:
    assert rule_of(trust("none")).verify(CHECKPOINT).head == HEAD


WRONG = {
    "a key that is none": "witness w key\nquorum w\n",
    "a log's type of key": f"witness w {encode_vkey(log_signers('w')[0].vkey)}\nquorum w\n",
    "the log as its own witness": f"witness w {encode_vkey(log_signers()[1].vkey)}\nquorum w\n",
    "the log's key under another name": "witness w {}\nquorum w\n",
    "one key under two names": f"witness v {encode_vkey(ONE.vkey)}\nwitness w {encode_vkey(ONE.vkey)}\nquorum w\n",
    "another log": POLICY.replace("log ", f"log {encode_vkey(log_signers('other.example/log')[0].vkey)}\nlog ", 1),
}


@pytest.mark.parametrize("policy", WRONG.values(), ids=WRONG)
def test_a_policy_whose_keys_cannot_be_witnesses_is_refused(policy: str) -> None:
    renamed = encode_vkey(replace(log_signers()[1].vkey, name="another.example"))
    with pytest.raises(TrustFileInvalid):
        rule_of(trust(policy.replace("{}", renamed)))
