"""A log's keys are changed: what those of before signed counts for the trees of their time, and for no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.audit.checkpoint import encode_checkpoint
from shared.audit.notes import NoteSigner, SignatureType, encode_vkey, sign_note
from shared.audit.proofs import TlogProof
from shared.audit.quorum import rule_of
from shared.audit.signers import signer_from_seed
from shared.audit.tree import prove_inclusion
from shared.audit.tree_head import TreeHead, encode_tree_head
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import LedgerInvalid, QuorumMissing, TrustFileInvalid
from shared.keys.trust import FormerLogKeys, Trust, encode_trust, parse_trust
from tests.unit.audit.paper_log import ORIGIN, PaperLog, cosign, log_signers, started_entries, witness_signer
from tests.unit.audit.test_quorum import trust

LOG = PaperLog(cosigners=())
LOG.append(started_entries(5))
NEW = (
    signer_from_seed(ORIGIN, SignatureType.ED25519, b"1" * 32),
    signer_from_seed(ORIGIN, SignatureType.MLDSA44, b"2" * 32),
)
OLD = log_signers()
NEWEST = (
    signer_from_seed(ORIGIN, SignatureType.ED25519, b"3" * 32),
    signer_from_seed(ORIGIN, SignatureType.MLDSA44, b"4" * 32),
)


def vkeys(signers: tuple[NoteSigner, NoteSigner]) -> tuple[str, str]:
    return encode_vkey(signers[0].vkey), encode_vkey(signers[1].vkey)


def changed(size: int = 5, policy: str = "none") -> Trust:
    """The trust file after the keys were changed, when the log had so many entries."""
    return replace(trust(policy), log_vkeys=vkeys(NEW), former_log_keys=(FormerLogKeys(vkeys(OLD), size),))


def signed(size: int, signers: tuple[NoteSigner, NoteSigner] = OLD) -> bytes:
    return encode_checkpoint(TreeHead(ORIGIN, size, b"r" * 32), *signers)


def test_what_was_signed_before_is_read_and_what_is_signed_now() -> None:
    rule = rule_of(changed())
    for size, signers in ((3, OLD), (5, OLD), (3, NEW), (5, NEW), (900, NEW)):
        assert rule.verify(signed(size, signers)).head.size == size


def test_keys_of_before_sign_no_tree_that_is_news() -> None:
    with pytest.raises(LedgerInvalid, match="up to 5 entries"):
        rule_of(changed()).verify(signed(6))


def test_who_was_not_told_of_the_change_believes_nothing_that_the_new_keys_sign() -> None:
    with pytest.raises(LedgerInvalid):
        rule_of(trust("none")).verify(signed(6, NEW))


@pytest.mark.parametrize("pair", [(OLD[0], NEW[1]), (NEW[0], OLD[1])], ids=["old Ed25519", "old ML-DSA-44"])
def test_one_key_of_each_pair_is_no_pair(pair: tuple[NoteSigner, NoteSigner]) -> None:
    text = encode_tree_head(TreeHead(ORIGIN, 5, b"r" * 32))
    with pytest.raises(LedgerInvalid):
        rule_of(changed()).verify(sign_note(text, pair))


def test_a_proof_of_before_still_proves_its_entry() -> None:
    hashes = tuple(prove_inclusion(3, 5, LOG.reader(5)))
    proof = TlogProof(3, hashes, LOG.files["checkpoint"], LOG.entries[3])
    assert rule_of(changed()).verify_carried(proof).index == 3
    with pytest.raises(LedgerInvalid):
        rule_of(changed(size=4)).verify_carried(proof)


def test_keys_may_be_changed_again_and_each_pair_has_its_own_end() -> None:
    pairs = (FormerLogKeys(vkeys(NEW), 9), FormerLogKeys(vkeys(OLD), 5))
    again = replace(trust("none"), log_vkeys=vkeys(NEWEST), former_log_keys=pairs)
    rule = rule_of(again)
    for size, signers in ((5, OLD), (9, NEW), (10, NEWEST)):
        assert rule.verify(signed(size, signers)).head.size == size
    for size, signers in ((6, OLD), (10, NEW)):
        with pytest.raises(LedgerInvalid):
            rule.verify(signed(size, signers))
    assert again.first_log_vkeys == changed().first_log_vkeys == trust("none").first_log_vkeys


def test_the_quorum_is_asked_for_under_keys_of_before_too() -> None:
    witness = witness_signer()
    policy = f"log {encode_vkey(OLD[0].vkey)}\nwitness w1 {encode_vkey(witness.vkey)}\nquorum w1\n"
    rule = rule_of(changed(policy=policy))
    with pytest.raises(QuorumMissing):
        rule.verify(signed(5))
    assert rule.verify(cosign(signed(5), TreeHead(ORIGIN, 5, b"r" * 32), witness)).head.size == 5


def test_a_witness_with_a_key_of_before_is_refused() -> None:
    policy = f"witness w1 {encode_vkey(OLD[1].vkey)}\nquorum w1\n"
    with pytest.raises(TrustFileInvalid, match="same key"):
        rule_of(changed(policy=policy))


def test_the_trust_file_comes_back_as_it_was() -> None:
    known = changed()
    assert parse_trust(encode_trust(known)) == known
    assert b"former_log_keys" not in encode_trust(trust("none"))


FAULTS: dict[str, object] = {
    "the keys of now": [{"vkeys": list(vkeys(NEW)), "size": 5}],
    "a pair twice": [{"vkeys": list(vkeys(OLD)), "size": 5}] * 2,
    "of another log": [{"vkeys": [one.replace(ORIGIN, "other.test/log") for one in vkeys(OLD)], "size": 5}],
    "one key": [{"vkeys": list(vkeys(OLD))[:1], "size": 5}],
    "a size below nothing": [{"vkeys": list(vkeys(OLD)), "size": -1}],
    "a size that is true": [{"vkeys": list(vkeys(OLD)), "size": True}],
    "no size": [{"vkeys": list(vkeys(OLD))}],
    "older ones with more entries": [
        {"vkeys": list(vkeys(OLD)), "size": 5},
        {"vkeys": list(vkeys(NEWEST)), "size": 6},
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_pairs_of_before_that_cannot_be_are_refused(fault: str) -> None:
    written = parse_strict_json(encode_trust(changed()))
    assert isinstance(written, dict)
    with pytest.raises(TrustFileInvalid):
        parse_trust(encode_canonical_json({**written, "former_log_keys": FAULTS[fault]}))
