"""The proofs that one party holds of one message: the receipt, and each evidence with its place in the ledger.

The steps for an evidence:
1. the tlog-proof's checkpoint is signed by both of the log's keys, and cosigned by the trust file's quorum of witnesses
2. the entry stands at its index in that tree
3. the entry is a leaf of the kind that the evidence claims, about this message, these bytes and this recipient;
   the decision's own leaf is the evidence of the submission
4. a retrieval holds a call for this message that its recipient signed
The entry travels as the proof's `extra` data: the proof decides whether it is the right one.
An evidence that the ledger has not placed yet has no proof: it is pending, and nothing is proved by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.apisig.retrievals import KeyOf, verify_retrieval
from shared.audit.leaves import parse_entry
from shared.audit.proofs import parse_proof
from shared.audit.quorum import CheckpointRule, rule_of
from shared.contracts.api import EvidenceItem
from shared.domain.ids import encode_time
from shared.errors import EvidenceInvalid, LedgerInvalid
from shared.keys.trust import Trust

_DECISIONS: Final = {"submission-acceptance": "decision.accepted", "submission-rejection": "decision.rejected"}
"""The decision's own leaf is the evidence of the submission."""


@dataclass(frozen=True, slots=True)
class ProvenEvidence:
    """One evidence. `logged_at` is null while it is pending; `why` says why it does not verify, null if it does."""

    kind: str
    recipient: str
    at: str
    leaf_index: int | None
    logged_at: str | None
    proof: str | None
    why: str | None

    @property
    def state(self) -> str:
        if self.why is not None:
            return "does not verify"
        return "pending" if self.logged_at is None else "verified"


def prove_evidences(
    items: Sequence[EvidenceItem], message: str, digest: str, trust: Trust, key_of: KeyOf
) -> list[ProvenEvidence]:
    """Every evidence with what its proof is worth. Raises nothing: what does not verify is told beside the others."""
    rule = rule_of(trust)
    return [_prove(item, message, digest, rule, key_of) for item in items]


def _prove(item: EvidenceItem, message: str, digest: str, rule: CheckpointRule, key_of: KeyOf) -> ProvenEvidence:
    logged_at = why = None
    if item.proof is not None:
        try:
            logged_at = _verify(item, item.proof, message, digest, rule, key_of)
        except (EvidenceInvalid, LedgerInvalid) as broken:
            why = broken.sentence()
    return ProvenEvidence(
        kind=item.kind,
        recipient=item.recipient,
        at=item.at,
        leaf_index=item.leaf_index,
        logged_at=logged_at,
        proof=item.proof,
        why=why,
    )


def _verify(item: EvidenceItem, proof: str, message: str, digest: str, rule: CheckpointRule, key_of: KeyOf) -> str:
    """When the entry was logged."""
    raw = proof.encode()
    entry = parse_proof(raw).extra
    rule.verify_proof(raw, entry)  # steps 1 and 2
    logged_at, leaf = parse_entry(entry)
    fields = leaf.fields
    whom = fields.get("recipient", fields.get("sender"))
    said = (fields.get("message"), fields.get("envelope_sha256"), whom)
    types = (f"evidence.{item.kind}", _DECISIONS.get(item.kind))
    if leaf.type not in types or said != (message, digest, item.recipient):  # step 3
        raise EvidenceInvalid(
            what=f"{item.kind} of {message}", why=f"The entry is {leaf.type} of {fields.get('message')} for {whom}."
        )
    if leaf.type == "evidence.retrieval":  # step 4
        verify_retrieval(fields["request"], message, item.recipient, key_of)
    return encode_time(logged_at)
