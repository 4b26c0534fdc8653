"""The proofs that one party holds of one message: the receipt, and each evidence with its place in the ledger.

The steps for an evidence:
1. the tlog-proof's checkpoint is signed by both of the log's keys, and cosigned by the trust file's quorum of witnesses
2. the entry stands at its index in that tree
3. the entry is a leaf of the kind that the evidence claims, about this message, these bytes and this recipient;
   the decision's own leaf is the evidence of the submission
4. a retrieval holds a call for this message that its recipient signed
5. the time that is told beside it is the leaf's; a delivery here is told with the time at which the message came
6. it is told once, and not for longer than the merge delay without a place in the ledger
7. once their time has passed the evidence of the submission is there, and, for each recipient that the reader may know
   of, one of the delivery or of its failure, and each one that a missed limit of transport produces: what the exchange
   keeps back is told as missing
The entry travels as the proof's `extra` data: the proof decides whether it is the right one.
An evidence that the ledger has not placed yet has no proof: it is pending, and nothing is proved by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from client.audit_documents import CLOCK_SKEW
from client.audit_evidences import DELIVERY_LIMIT
from client.register_rows import Kept
from shared.apisig.receipts import MERGE_DELAY
from shared.apisig.retrievals import KeyOf, verify_retrieval
from shared.audit.leaves import parse_entry
from shared.audit.proofs import parse_proof
from shared.audit.quorum import CheckpointRule, rule_of
from shared.contracts.api import EvidenceItem
from shared.domain.evidences import Evidence
from shared.domain.header import parse_header
from shared.domain.ids import encode_time, parse_time
from shared.domain.transport_limits import missed_limits
from shared.errors import EvidenceInvalid, LedgerInvalid, NotThere
from shared.keys.trust import Trust
from shared.texts.catalogue import mark as _

if TYPE_CHECKING:
    from client.correspondence import Correspondence

_DECISIONS: Final = {"submission-acceptance": "decision.accepted", "submission-rejection": "decision.rejected"}
"""The decision's own leaf is the evidence of the submission."""


_DELIVERY: Final = "delivery"
_RETRIEVAL: Final = "retrieval"
_SUBMISSION: Final = "submission-acceptance"


@dataclass(frozen=True, slots=True)
class ProvenEvidence:
    """One evidence. `logged_at` is null while it is pending, `at` for one that is missing; `why` says why it does not
    verify, null if it does."""

    kind: str
    recipient: str
    at: str | None
    leaf_index: int | None
    logged_at: str | None
    proof: str | None
    why: str | None

    @property
    def state(self) -> str:
        if self.at is None:
            return _("missing")
        if self.why is not None:
            return _("does not verify")
        return _("pending") if self.logged_at is None else _("verified")


def prove_message(own: Correspondence, kept: Kept, now: datetime) -> list[ProvenEvidence]:
    """Every evidence of a message in the register, and those that are missing. Raises what calls raise."""
    try:
        items = own.exchange.evidences(kept.message).items
    except NotThere:
        items = ()  # nothing is decided yet; the receipt is what there is, and it may be what is needed
    reader, key_of = own.keys.authority, own.directory().latest.key
    proven = prove_evidences(items, kept.message, kept.digest, own.trust, key_of, now)
    told = [_held_against(one, kept, reader) for one in proven]
    decided = (one.logged_at for one in told if (one.kind, one.state) == (_SUBMISSION, "verified"))
    logged_at = next(decided, own.register.places.logged_at(kept.message))
    return [*told, *_missing(told, kept, reader, logged_at, now)]


def prove_evidences(
    items: Sequence[EvidenceItem], message: str, digest: str, trust: Trust, key_of: KeyOf, now: datetime
) -> list[ProvenEvidence]:
    """Every evidence with what its proof is worth. Raises nothing: what does not verify is told beside the others."""
    rule = rule_of(trust)
    proven: list[ProvenEvidence] = []
    for item in items:
        one = _prove(item, message, digest, rule, key_of, now)
        if any((one.kind, one.recipient) == (other.kind, other.recipient) for other in proven):
            one = replace(one, why=one.why or "It is told twice.")  # step 6
        proven.append(one)
    return proven


def _held_against(one: ProvenEvidence, kept: Kept, reader: str) -> ProvenEvidence:
    """Step 5, for the delivery here."""
    here = one.kind == _DELIVERY and one.recipient == reader and kept.state == "received"
    if not here or one.state != "verified" or one.at == kept.recorded_at:
        return one
    return replace(one, why=f"The message was handed out as delivered at {kept.recorded_at}.")


def _missing(
    told: Sequence[ProvenEvidence], kept: Kept, reader: str, logged_at: str | None, now: datetime
) -> Iterator[ProvenEvidence]:
    """Step 7, from the decision's place in the ledger on."""
    if logged_at is None or kept.state not in ("accepted", "received"):
        return
    decided = parse_time(logged_at) + CLOCK_SKEW
    concerned = kept.recipients if kept.sender == reader else [one for one in kept.recipients if one == reader]
    there = {(one.kind.removeprefix("non-"), one.recipient) for one in told}
    due = [(_SUBMISSION, kept.sender)] if now > decided + MERGE_DELAY else []
    due += [(_DELIVERY, recipient) for recipient in concerned] if now > decided + DELIVERY_LIMIT else []
    missing = [one for one in due if one not in there]
    said = {(one.kind, one.recipient) for one in told}
    denied = _denied(told, kept, concerned, now - DELIVERY_LIMIT - CLOCK_SKEW)
    for kind, recipient in (*missing, *(one for one in denied if one not in said)):
        why = "It should stand in the ledger by now, and the exchange does not tell it."
        yield ProvenEvidence(kind, recipient, None, None, None, None, why)


def _denied(
    told: Sequence[ProvenEvidence], kept: Kept, concerned: Sequence[str], before: datetime
) -> Iterator[tuple[str, str]]:
    """What must say that a limit was missed which fell before that time, by the evidences that verify; but for that of
    the delivery, which is missing by itself."""
    came = {(one.kind, one.recipient): parse_time(one.at) for one in told if one.at and one.state == "verified"}
    accepted_at = came.get((_SUBMISSION, kept.sender))
    if accepted_at is None:
        return
    urgency = parse_header(kept.header).urgency
    for recipient in concerned:
        delivered_at, retrieved_at = came.get((_DELIVERY, recipient)), came.get((_RETRIEVAL, recipient))
        for limit in missed_limits(urgency, accepted_at, delivered_at, retrieved_at):
            if limit.is_failure and limit.awaited is not Evidence.delivery and limit.falls < before:
                yield limit.said, recipient


def _prove(
    item: EvidenceItem, message: str, digest: str, rule: CheckpointRule, key_of: KeyOf, now: datetime
) -> ProvenEvidence:
    logged_at = why = None
    try:
        if item.proof is None:
            _require_time(item, now)
        else:
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


def _require_time(item: EvidenceItem, now: datetime) -> None:
    """Step 6: what is pending was done within the merge delay."""
    try:
        since = parse_time(item.at)
    except ValueError as malformed:
        raise EvidenceInvalid(what=item.kind, why=malformed) from None
    if not now - MERGE_DELAY - CLOCK_SKEW <= since <= now + CLOCK_SKEW:
        raise EvidenceInvalid(what=item.kind, why=f"It is told as of {item.at}, and stands in no ledger.")


def _verify(item: EvidenceItem, proof: str, message: str, digest: str, rule: CheckpointRule, key_of: KeyOf) -> str:
    """When the entry was logged."""
    proven = rule.verify_carried(parse_proof(proof.encode()))  # steps 1 and 2
    logged_at, leaf = parse_entry(proven.entry)
    fields = leaf.fields
    whom = fields.get("recipient", fields.get("sender"))
    said = (fields.get("message"), fields.get("envelope_sha256"), whom)
    types = (f"evidence.{item.kind}", _DECISIONS.get(item.kind))
    if leaf.type not in types or said != (message, digest, item.recipient):  # step 3
        raise EvidenceInvalid(
            what=f"{item.kind} of {message}", why=f"The entry is {leaf.type} of {fields.get('message')} for {whom}."
        )
    if item.at != encode_time(leaf.at):  # step 5
        raise EvidenceInvalid(
            what=f"{item.kind} of {message}", why=f"It is told as of {item.at}; the entry says {encode_time(leaf.at)}."
        )
    if leaf.type == "evidence.retrieval":  # step 4
        verify_retrieval(fields["request"], message, item.recipient, key_of)
    return encode_time(logged_at)
