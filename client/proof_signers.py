"""What the key events of a bundle say of the keys that signed its message."""

from __future__ import annotations

from datetime import datetime

from client.proof_claims import ProvenDecision
from client.proof_ledger import ShownLedger
from shared.envelope.verify import VerifiedEnvelope
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence


def doubts_about(
    ledger: ShownLedger, verified: VerifiedEnvelope | None, decision: ProvenDecision | None
) -> tuple[Sentence, ...]:
    """Why the signatures may be of another hand: keys that were in other hands when the message was logged."""
    declared = _("{key} was declared to be in other hands since {since}, before this was logged.")
    found = []
    for kid in () if verified is None else verified.signing_kids:
        key = ledger.key(kid)
        since = None if key is None else key.compromised_since
        if since is not None and (decision is None or decision.logged_at >= since):
            found.append(Sentence(declared, {"key": kid, "since": since}))
    return tuple(found)


def recovered_at(ledger: ShownLedger, verified: VerifiedEnvelope | None) -> datetime | None:
    """When the operators gave the sender the keys that signed, if its old keys did not sign for them."""
    for kid in () if verified is None else verified.signing_kids:
        key = ledger.key(kid)
        if key is not None and key.by == "recover":
            return ledger.events[key.seq - 1].logged_at
    return None
