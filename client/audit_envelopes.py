"""What the envelope in a decision is asked.

Of an envelope, steps 4 to 9 of `docs/spec/envelope.md` are judged: both signatures, the exchange, the times, the
recipients' keys. Wraps and parts never stand in the ledger, so steps 10 and 11 stay between the parties. Only the
signatures, which cost, are asked (`audit_signatures.py`); the rest is answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from client.audit_signatures import EnvelopeQuestion, Refusal, refusal_of
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.encoding import MAX_SKEW_S
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import keys_of_signatures, verify_claims
from shared.errors import EnvelopeKeyUnknown, Rejection
from shared.keys.directory import Directory


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an envelope; or the refusal that comes `before` its signatures. `after` comes after them."""

    question: EnvelopeQuestion | None
    before: Refusal | None = None
    after: Refusal | None = None

    def refusal(self, answer: Refusal | None) -> Refusal | None:
        """The first, in the order of the steps; `answer` is that to the question."""
        return self.before or answer or self.after


def ask(received: ReceivedEnvelope, directory: Directory, at: datetime) -> Asked:
    """By the directory of the decision that was made `at` this time."""
    try:
        keys = valid_keys(received, directory, at)
        if not keys.signing:
            raise EnvelopeKeyUnknown(kid="of both algorithms", sender=received.header.sender)
        signers = keys_of_signatures(received, keys.signing)
    except Rejection as refused:
        return Asked(None, before=refusal_of(refused))
    signatures = zip(signers, received.jws.signatures, strict=True)
    question = EnvelopeQuestion(
        received.jws.payload_text, tuple((key.raw, one.protected, one.text) for key, one in signatures)
    )
    try:
        verify_claims(received, directory.exchange, at, keys.sealing, MAX_SKEW_S)
    except Rejection as refused:
        return Asked(question, after=refusal_of(refused))
    return Asked(question)
