"""What a checkpoint must carry before this reader believes anything under it: the log's signatures, and a quorum.

The steps, everywhere that a checkpoint is believed:
1. it is of this log, and both of the log's keys signed it (`checkpoint`)
2. every cosignature by a witness of the policy verifies; lines of other keys are nobody's word
3. the witnesses whose cosignatures state a time are a quorum of the trust file's policy

A cosignature without a time says that the tree is consistent and not that it is the largest one known, so it does not
count. How old a time may be is for whoever knows what time it is; this module asks no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.audit.checkpoint import LogKeys, VerifiedCheckpoint, parse_log_keys, verify_checkpoint
from shared.audit.notes import SignatureType, VerifierKey, parse_vkey
from shared.audit.proofs import TlogProof, VerifiedProof, verify_parsed_proof
from shared.errors import KeyRefused, QuorumMissing, TrustFileInvalid
from shared.keys.trust import Trust
from shared.keys.witness_policy import WitnessPolicy, parse_witness_policy


@dataclass(frozen=True)
class CheckpointRule:
    """Made by `rule_of`. `keys` are those of the policy's witnesses, by their names in it."""

    log: LogKeys
    policy: WitnessPolicy
    keys: dict[str, VerifierKey]

    def read(self, note: bytes) -> VerifiedCheckpoint:
        """Steps 1 and 2. Raises LedgerInvalid."""
        return verify_checkpoint(note, self.log, self.keys.values())

    def verify(self, note: bytes) -> VerifiedCheckpoint:
        """Steps 1 to 3. Raises LedgerInvalid, QuorumMissing."""
        return self.require_quorum(self.read(note))

    def verify_carried(self, proof: TlogProof) -> VerifiedProof:
        """What a tlog-proof proves about the entry that it carries as extra data, by steps 1 to 3. Raises
        LedgerInvalid, QuorumMissing."""
        proven = verify_parsed_proof(proof, proof.extra, self.log, self.keys.values())
        self.require_quorum(proven.checkpoint)
        return proven

    def require_quorum(self, checkpoint: VerifiedCheckpoint) -> VerifiedCheckpoint:
        """Step 3. Raises QuorumMissing."""
        witnesses = self.witnesses_of(checkpoint)
        if not self.policy.is_met_by(witnesses):
            cosigned = ", ".join(witnesses) or "no witness"
            raise QuorumMissing(size=checkpoint.head.size, cosigned=cosigned, quorum=self.policy.told())
        return checkpoint

    def witnesses_of(self, checkpoint: VerifiedCheckpoint) -> list[str]:
        """Who cosigned it with a time, by their names in the policy, in its order."""
        counted = {each.key for each in checkpoint.cosignatures if each.timestamp_s > 0}
        return [name for name, key in self.keys.items() if key in counted]


def rule_of(trust: Trust) -> CheckpointRule:
    """Raises KeyRefused for the log's keys, TrustFileInvalid for a policy whose keys cannot be those of witnesses."""
    of_before = tuple((parse_log_keys(one.vkeys), one.size) for one in trust.former_log_keys)
    log = replace(parse_log_keys(trust.log_vkeys), former=of_before)
    policy = parse_witness_policy(trust.witness_policy)
    if not set(policy.logs) <= {*trust.log_vkeys, *(vkey for one in trust.former_log_keys for vkey in one.vkeys)}:
        raise TrustFileInvalid(why="the witness policy names a log that is not the one of the trust file")
    keys: dict[str, VerifierKey] = {}
    own = [log, *(keys for keys, _ in of_before)]
    taken = {key.public_key.raw: log.origin for keys in own for key in (keys.ed25519, keys.mldsa44)}
    for witness in policy.witnesses.values():
        try:
            key = parse_vkey(witness.vkey)
        except KeyRefused as bad:
            raise TrustFileInvalid(why=f"the key of the witness {witness.name}: {bad}") from None
        if key.type is SignatureType.ED25519:
            raise TrustFileInvalid(why=f"the key of the witness {witness.name} is not one for cosignatures")
        if key.public_key.raw in taken:
            raise TrustFileInvalid(why=f"{witness.name} has the same key as {taken[key.public_key.raw]}")
        taken[key.public_key.raw] = witness.name
        keys[witness.name] = key
    return CheckpointRule(log, policy, keys)
