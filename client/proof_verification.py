"""Does this bundle prove what it is for? With the trust file and nothing else; the numbers are those of
`docs/spec/proof-bundle.md`, each with the code that it can end in (all begin with `proof.`).

 1. form: one file, one byte form (`malformed`, `too-large`; `proof_bundle`)
 2. it is of the exchange of the trust file (`wrong-exchange`)
 3. the checkpoint is signed by both of the log's keys, and cosigned by the trust file's quorum of witnesses
    (`checkpoint-invalid`)
 4. the message reads as an envelope for this exchange (`envelope-invalid`)
 5. the receipt, if any, is the exchange's promise for these bytes to this sender (`receipt-invalid`)
 6. every key event stands in the ledger and is the next one, from the first on (`key-event-invalid`)
 7. the decision, if any, stands in the ledger, is about these bytes, and was made by keys that were current
    (`decision-invalid`)
 8. both signatures of the message hold, under keys that counted at the decision (`envelope-invalid`)
 9. every evidence stands in the ledger, is about these bytes and one of their recipients; a retrieval holds the
    recipient's own signed request (`evidence-invalid`)
10. every disclosed part is one that was signed, and opens under its key (`part-invalid`)
11. what the body, if disclosed, says of itself and of the disclosed documents is so (`part-invalid`)
12. the time-stamp, if any, covers a tree that the checkpoint's continues (`time-stamp-invalid`)

Rules:
1. The first step that fails ends it; nothing is said of a bundle that does not verify.
2. A bundle is not signed as a whole: whoever leaves out an evidence, a receipt, a part, a stamp or the last key events
   makes another true bundle, which proves less. It says nothing about what is not in it.
3. Keys that were declared to be in other hands when the message was logged are a doubt and no refusal: the bundle is
   what it says, and who signed is what a person has to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from client.audit_documents import CLOCK_SKEW, DOCUMENTS_STALE
from client.proof_bundle import Bundle, StampedHead
from client.proof_claims import Proven, ProvenDecision, ProvenEvidence, Step, Witnessed
from client.proof_documents import open_disclosed
from client.proof_ledger import ShownLedger, reason_in
from client.proof_signers import doubts_about, recovered_at
from client.proof_stamps import stamp_roots, verify_older_head, verify_stamped_head
from shared.apisig.exchange_word import verify_own_receipt
from shared.apisig.receipts import MERGE_DELAY, Receipt
from shared.apisig.retrievals import verify_retrieval
from shared.audit.time_stamps import StampRoots
from shared.domain.ids import encode_time
from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.jws import read_jws
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import (
    EnvelopePartMismatch,
    EvidenceInvalid,
    ProofDecisionInvalid,
    ProofEnvelopeInvalid,
    ProofEvidenceInvalid,
    ProofForeign,
    ProofMalformed,
    ProofPartInvalid,
    ProofReceiptInvalid,
    ProofStampInvalid,
    ReceiptInvalid,
    Rejection,
)
from shared.keys.trust import Trust
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence


def verify_bundle(
    bundle: Bundle,
    trust: Trust,
    sealed: Mapping[str, bytes] | None = None,
    roots: StampRoots | None = None,
) -> Proven:
    """What it proves. `sealed` holds the sealed bytes of parts that lie beside the bundle, `roots` certificates that
    time-stamps are believed by beside those of the trust file. Raises ProofForeign, ProofMalformed and the kinds of
    ProofInvalid."""
    return _Verification(bundle, trust).run(sealed or {}, roots)


class _Verification:
    def __init__(self, bundle: Bundle, trust: Trust) -> None:
        self._bundle = bundle
        self._trust = trust
        self._steps: list[Step] = []

    def run(self, sealed: Mapping[str, bytes], roots: StampRoots | None) -> Proven:
        bundle = self._bundle
        self._note(1, _("The file is a proof bundle in its one form."))
        if bundle.origin != self._trust.origin:
            raise ProofForeign(given=bundle.origin, expected=self._trust.origin)
        self._note(2, _("It is of the exchange {origin}, which the trust file is for."), origin=bundle.origin)
        ledger = ShownLedger(bundle.checkpoint, self._trust)
        size, cosigned = ledger.head.size, len(ledger.witnessed())
        if cosigned:
            signed = _(
                "Both keys of the ledger signed its tree (entries: {size}), and witnesses cosigned it: {cosigned}."
            )
            self._note(3, signed, size=size, cosigned=cosigned)
        else:
            self._note(3, _("Both keys of the ledger signed its tree (entries: {size})."), size=size)
        received = self._envelope(sealed)
        receipt = self._receipt(received)
        ledger.take_key_events(bundle.key_events)
        chain = _("All key events from the first on are signed and stand in the ledger; there are {count}.")
        self._note(6, chain, count=len(ledger.events))
        decision = self._decision(ledger, received)
        verified = self._signatures(ledger, received, decision, receipt)
        evidences = self._evidences(ledger, received, decision)
        documents = open_disclosed(received, verified, bundle.parts, self._note)
        witnessed = ledger.witnessed()
        if bundle.time_stamp is not None:
            stamp = self._stamp(bundle.time_stamp, ledger, roots)
            if stamp is None:
                unjudged = _("It holds a time-stamp, which was not judged: no root certificate was given for it.")
                self._note(12, unjudged)
            else:
                witnessed.append(stamp)
                judged = _("By a root certificate at hand, {who} stamped the tree at {at} (entries: {size}).")
                self._note(12, judged, who=stamp.who, at=stamp.at, size=stamp.size)
        opened = {one.part for one in documents}
        return Proven(
            header=received.header,
            digest=received.digest,
            signers=None if verified is None else verified.signing_kids,
            decision=decision,
            receipt=receipt,
            evidences=evidences,
            documents=documents,
            sealed_parts=tuple(one.name for one in received.manifest.parts if one.name not in opened),
            names={party: ledger.name(party) for party in (received.header.sender, *received.header.recipients)},
            head=ledger.head,
            witnessed=tuple(witnessed),
            key_events=len(ledger.events),
            keys_known_at=ledger.events[-1].logged_at if ledger.events else None,
            recovered_at=recovered_at(ledger, verified),
            doubts=doubts_about(ledger, verified, decision),
            steps=tuple(self._steps),
        )

    # --- the message -------------------------------------------------------------------------------------------------

    def _envelope(self, sealed: Mapping[str, bytes]) -> ReceivedEnvelope:
        parts = {one.name: one.ct or sealed.get(one.name) for one in self._bundle.parts}
        try:
            at_hand = {name: ct for name, ct in parts.items() if ct is not None}
            received = parse_envelope(self._bundle.jws, parts=at_hand)
        except Rejection as refused:
            raise ProofEnvelopeInvalid(why=reason_in(refused)) from None
        if received.header.exchange != self._trust.origin:
            raise ProofEnvelopeInvalid(why="it was written for another exchange")
        holds = _("It holds the message {message}, whose signed bytes have the digest {digest}.")
        self._note(4, holds, message=received.header.id, digest=received.digest)
        return received

    def _receipt(self, received: ReceivedEnvelope) -> Receipt | None:
        if self._bundle.receipt is None:
            return None
        try:
            receipt = verify_own_receipt(self._bundle.receipt, self._trust)
        except ReceiptInvalid as broken:
            raise ProofReceiptInvalid(why=reason_in(broken)) from None
        given = (receipt.exchange, receipt.sender, receipt.message, receipt.envelope_sha256)
        header = received.header
        if given != (self._trust.origin, header.sender, header.id, received.digest):
            raise ProofReceiptInvalid(why="it is for another exchange, sender, message or other bytes")
        self._note(5, _("The exchange took these bytes at {at} and signed a receipt."), at=receipt.received_at)
        return receipt

    def _decision(self, ledger: ShownLedger, received: ReceivedEnvelope) -> ProvenDecision | None:
        one = self._bundle.decision
        if one is None:
            return None
        leaf, logged_at = ledger.place(one, ProofDecisionInvalid)
        if leaf.type not in ("decision.accepted", "decision.rejected"):
            raise ProofDecisionInvalid(why=f"entry {one.index} is no decision")
        header, fields = received.header, leaf.fields
        said = tuple(fields.get(name) for name in ("message", "envelope_sha256", "sender"))
        if said != (header.id, received.digest, header.sender):
            raise ProofDecisionInvalid(why=f"entry {one.index} decides on another message, or on other bytes")
        if fields["jws"] is not None and not _is_same_jws(fields["jws"], received):
            raise ProofDecisionInvalid(why=f"entry {one.index} holds another envelope")
        index = fields["directory_index"]
        _require_current(ledger, one.index, index, leaf.at, logged_at)
        decided = _("Entry {index} of the ledger is the decision on it, logged at {at}.")
        self._note(7, decided, index=one.index, at=logged_at)
        return ProvenDecision(one.index, leaf.at, logged_at, index, fields.get("code"), tuple(fields["flags"]))

    def _signatures(
        self,
        ledger: ShownLedger,
        received: ReceivedEnvelope,
        decision: ProvenDecision | None,
        receipt: Receipt | None,
    ) -> VerifiedEnvelope | None:
        """None for a message that was rejected and does not verify: then nobody is proven to have signed it."""
        if decision is not None:
            directory, at = ledger.directory(decision.directory_index), decision.at
        elif receipt is not None:
            directory, at = ledger.directory_at(receipt.received_at), receipt.received_at
        else:
            raise ProofMalformed(why="it has neither a decision nor a receipt")
        try:
            keys = valid_keys(received, directory, at)
            verified = verify_envelope(
                received,
                exchange=self._trust.origin,
                now=at,
                signing_keys=keys.signing,
                sealing_kids=keys.sealing,
                wraps_for=(),
            )
        except EnvelopePartMismatch as refused:
            raise ProofPartInvalid(part=refused.facts["part"], why="its sealed bytes are not those signed") from None
        except Rejection as refused:
            if decision is None or decision.code is None:
                raise ProofEnvelopeInvalid(why=reason_in(refused)) from None
            self._note(8, _("Who signed it is not proven: {why}."), why=refused)
            return None
        first, second = verified.signing_kids
        self._note(8, _("Both signatures hold, under {first} and {second}."), first=first, second=second)
        return verified

    # --- what happened to it -----------------------------------------------------------------------------------------

    def _evidences(
        self, ledger: ShownLedger, received: ReceivedEnvelope, decision: ProvenDecision | None
    ) -> tuple[ProvenEvidence, ...]:
        found: dict[tuple[str, str], ProvenEvidence] = {}
        for one, (leaf, logged_at) in ledger.place_all(self._bundle.evidences, ProofEvidenceInvalid):
            header, fields = received.header, leaf.fields
            kind, recipient = leaf.type.removeprefix("evidence."), fields.get("recipient")
            if not leaf.type.startswith("evidence.") or recipient not in header.recipients:
                raise ProofEvidenceInvalid(why=f"entry {one.index} is no evidence for one of its recipients")
            said = tuple(fields.get(name) for name in ("message", "envelope_sha256", "dossier"))
            if said != (header.id, received.digest, header.dossier) or (kind, recipient) in found:
                raise ProofEvidenceInvalid(why=f"entry {one.index} is about something else, or stands twice")
            if decision is None or decision.code is not None or one.index < decision.index:
                raise ProofEvidenceInvalid(why=f"entry {one.index} does not follow an acceptance")
            asked_at = None
            if kind == "retrieval":
                asked_at = _asked_at(ledger, one.index, fields["request"], header.id, recipient)
            found[kind, recipient] = ProvenEvidence(
                kind, recipient, one.index, leaf.at, logged_at, fields.get("code"), asked_at
            )
        if found:
            self._note(9, _("Evidences of what happened to it that stand in the ledger: {count}."), count=len(found))
        return tuple(found.values())

    def _stamp(self, stamped: StampedHead, ledger: ShownLedger, roots: StampRoots | None) -> Witnessed | None:
        """None where nobody vouches for it: the roots of the trust file may be those of other authorities."""
        verify_older_head(stamped, ledger.head)
        believed = stamp_roots(self._trust, roots)
        if believed is None:
            return None
        try:
            return verify_stamped_head(stamped, ledger.head, believed)
        except ProofStampInvalid:
            if roots is not None:
                raise
            return None

    def _note(self, number: int, found: str, /, **gaps: object) -> None:
        self._steps.append(Step(number, Sentence(found, gaps)))


def _require_current(ledger: ShownLedger, place: int, index: int, at: datetime, logged_at: datetime) -> None:
    """The decision is dated when it was logged, and by the keys of then (`message_judge`, step 2)."""
    if not logged_at - MERGE_DELAY - CLOCK_SKEW <= at <= logged_at + CLOCK_SKEW:
        raise ProofDecisionInvalid(why=f"it is dated {encode_time(at)}, and was logged at {encode_time(logged_at)}")
    events = ledger.events
    if index > len(events) or (index and events[index - 1].place > place):
        raise ProofDecisionInvalid(why=f"it names key event {index}, which is not here or was logged after it")
    if index < len(events) and events[index].logged_at + DOCUMENTS_STALE < logged_at:
        raise ProofDecisionInvalid(why=f"it was made without key event {index + 1}, which was known by then")


def _asked_at(ledger: ShownLedger, place: int, request: str, message: str, recipient: str) -> datetime:
    """The recipient's own word that it asked. Raises ProofEvidenceInvalid."""
    try:
        return verify_retrieval(request, message, recipient, ledger.key)
    except EvidenceInvalid as refused:
        raise ProofEvidenceInvalid(why=f"the request in entry {place}: {reason_in(refused)}") from None


def _is_same_jws(node: object, received: ReceivedEnvelope) -> bool:
    try:
        return read_jws(node).encoded == received.jws_bytes
    except Rejection:
        return False
