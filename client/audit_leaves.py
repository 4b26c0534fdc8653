"""What a leaf must say, given all leaves before it: the exchange's decisions made again, from outside.

For each leaf, in the order of the log:
1. `at` is not later than `logged_at` by more than two clocks may differ, and not earlier by more than a receipt allows
   for a decision: within that hour the writer's clock is believed, and no longer.
2. A key event verifies as the next one, by the trust file's operator keys. A registry is signed by them.
3. A decision holds the envelope it decided: the digest, ids and sender are the envelope's, it was decided once, by a
   directory that was not stale when it was logged, by the time that its receipt promised.
4. The decision is the one that intake's own steps give: parties, signatures, times and keys by the directory at
   `directory_index`; the id; the form; the move on the legs as they stood. A rejection has the code of the first step
   that fails; an acceptance fails none, and leaves the measures in the states that it names.
5. An evidence is judged in `audit_evidences.py`.

It fetches nothing and hashes nothing. Differences go into the report; a leaf that differs does not stop the reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.audit_envelopes import Question, question_of
from client.audit_evidences import EvidenceJudge
from client.audit_keys import change_of, look_back_at_keys
from client.audit_memory import AuditMemory, Decided
from client.audit_report import AuditReport
from client.audit_retries import judge_retry
from shared.audit.leaves import leg_states
from shared.audit.log_verification import LoggedLeaf
from shared.domain.dossier import decide_move, open_legs
from shared.domain.header import Header
from shared.domain.ids import encode_time, parse_time
from shared.domain.instruments import Registry, parse_registry
from shared.domain.leg import Leg
from shared.domain.strict_json import encode_canonical_json
from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import (
    DossierExists,
    DossierUnknown,
    EnvelopeKeyUnknown,
    EnvelopePartMismatch,
    EnvelopeWrapMismatch,
    InstrumentsInvalid,
    KeyEventRefused,
    MessageIdReused,
    RecipientUnknown,
    Rejection,
    SenderUnknown,
)
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Directory
from shared.keys.events import verify_event
from shared.keys.instruments import Publication, publication_after, verify_instruments
from shared.keys.trust import Trust

CLOCK_SKEW: Final = timedelta(seconds=MAX_SKEW_S)
MERGE_DELAY: Final = timedelta(hours=1)
"""From the receipt to the ledger, at most. A leaf that is logged later was written earlier than is believable."""
DIRECTORY_STALE: Final = timedelta(seconds=10) + CLOCK_SKEW
"""A decision may use a directory that is 10 s old, and wait for its turn to be written. Both ends are measured by
`logged_at`: by its own `at`, a decision dated before a suspension would pass as made before it."""
_DATED: Final = ("decision.", "evidence.")
"""What has effects in law by its `at`."""
_SEALED_ONLY: Final = frozenset({EnvelopeWrapMismatch.code, EnvelopePartMismatch.code})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A leaf whose envelope, if it has one, is read; `question` is what its signatures are to be asked."""

    logged: LoggedLeaf
    received: ReceivedEnvelope | None
    question: Question | None


class LeafJudge:
    """`prepare` every leaf, then `conclude` every leaf, both in the order of the log; some may lie between the two."""

    def __init__(self, trust: Trust, memory: AuditMemory, report: AuditReport) -> None:
        self._trust = trust
        self._memory = memory
        self._report = report
        self._directories = [Directory.empty(trust.origin)]
        self._events: list[LoggedLeaf] = []
        self._registry: Registry | None = None
        self._published: Publication | None = None
        self._evidences = EvidenceJudge(memory, report)

    def prepare(self, logged: LoggedLeaf) -> Prepared:
        """Key events count from here on; a decision's envelope is parsed and its question put."""
        leaf = logged.leaf
        self._report.leaves[leaf.type] += 1
        if leaf.at > logged.logged_at + CLOCK_SKEW:
            self._differ(logged, "post-dated", f"it is dated {encode_time(leaf.at)}, after it was logged")
        if leaf.type.startswith(_DATED) and leaf.at < logged.logged_at - MERGE_DELAY - CLOCK_SKEW:
            self._differ(logged, "back-dated", f"it is dated {encode_time(leaf.at)}, long before it was logged")
        if leaf.type == "directory.key-event":
            self._take_key_event(logged)
        received, question = None, None
        if leaf.type.startswith("decision."):
            received = self._read_envelope(logged)
        if received is not None:
            directory = self._directory_of(logged)
            question = None if directory is None else question_of(received, directory, leaf.at)
        return Prepared(logged, received, question)

    def conclude(self, prepared: Prepared, refusal: str | None) -> None:
        """Judge the leaf; `refusal` is the answer to its question."""
        logged = prepared.logged
        type_ = logged.leaf.type
        if type_.startswith("decision."):
            self._judge_decision(prepared, refusal)
        elif type_.startswith("evidence."):
            self._evidences.judge(logged, self._directories[-1])
        elif type_ == "directory.instruments":
            self._take_registry(logged)
        elif type_ == "exchange.letter-retried":
            judge_retry(logged, self._trust, self._report)

    def look_back(self, last_logged_at: datetime) -> None:
        """What should have followed by the end of the log and did not."""
        self._evidences.look_back(last_logged_at)
        look_back_at_keys(self._report, self._memory)

    # --- the operators' documents ------------------------------------------------------------------------------------

    def _take_key_event(self, logged: LoggedLeaf) -> None:
        document = encode_canonical_json(logged.leaf.fields["event"])
        latest = self._directories[-1]
        try:
            event = verify_event(document, self._trust.operator_keys, self._trust.operator_quorum, latest)
            self._directories.append(latest.apply(event))
        except KeyEventRefused as refused:
            self._differ(logged, "key-event", refused)
            return
        self._events.append(logged)
        if logged.leaf.fields["seq"] != event.seq:
            self._differ(logged, "key-event", f"its leaf calls event {event.seq} number {logged.leaf.fields['seq']}")
        self._report.key_changes.append(change_of(event, logged))

    def _take_registry(self, logged: LoggedLeaf) -> None:
        fields = logged.leaf.fields
        if "document" not in fields:
            self._differ(logged, "instruments", "its document is not in the ledger")
            return
        document = encode_canonical_json(fields["document"])
        try:
            trust = self._trust
            publication = verify_instruments(document, trust.operator_keys, trust.operator_quorum, trust.origin)
            if (publication.number, publication.prev) != publication_after(self._published):
                raise InstrumentsInvalid(why=f"publication {publication.number} is not the next one")
            self._registry, self._published = parse_registry(publication.registry), publication
        except InstrumentsInvalid as refused:
            self._differ(logged, "instruments", refused)
            return
        if fields["registry_sha256"] != encode_b64u(hashlib.sha256(publication.registry).digest()):
            self._differ(logged, "instruments", "its digest is not that of its document")

    # --- decisions ---------------------------------------------------------------------------------------------------

    def _read_envelope(self, logged: LoggedLeaf) -> ReceivedEnvelope | None:
        jws = logged.leaf.fields["jws"]
        if jws is None:
            self._differ(logged, "envelope", "it was rejected without the envelope that would show why")
            return None
        try:
            received = parse_envelope(encode_canonical_json(jws))  # sorted members: also the JWS's one form
        except Rejection as broken:
            self._differ(logged, "envelope", broken)
            return None
        fields, header = logged.leaf.fields, received.header
        for name, here, there in (
            ("message", fields["message"], header.id),
            ("sender", fields["sender"], header.sender),
            ("envelope_sha256", fields["envelope_sha256"], received.digest),
            ("dossier", fields.get("dossier"), header.dossier),
            ("leg", fields.get("leg"), header.leg),
        ):
            if here != there:
                self._differ(logged, "envelope", f"its {name} is {here}, the envelope's is {there}")
        return received

    def _directory_of(self, logged: LoggedLeaf) -> Directory | None:
        index: int = logged.leaf.fields["directory_index"]
        if index >= len(self._directories):
            self._differ(logged, "directory-index", f"it names key event {index}, which was not logged before it")
            return None
        if index + 1 < len(self._directories):
            missed = self._events[index]
            if missed.logged_at + DIRECTORY_STALE < logged.logged_at:
                self._differ(logged, "directory-index", f"it was judged without key event {index + 1}, known by then")
        return self._directories[index]

    def _judge_decision(self, prepared: Prepared, refusal: str | None) -> None:
        logged, received = prepared.logged, prepared.received
        fields = logged.leaf.fields
        code: str | None = fields.get("code")
        if code is not None:
            self._report.rejections[code] += 1
        if logged.logged_at > parse_time(fields["decide_by"]) + CLOCK_SKEW:
            self._differ(logged, "late", f"its receipt promised a decision by {fields['decide_by']}")
        if received is None:
            return
        if self._memory.decided(received.header.id, received.digest) is not None:
            self._differ(logged, "decided-twice", f"{received.header.id} was decided before, for the same bytes")
            return
        directory = self._directories[min(fields["directory_index"], len(self._directories) - 1)]
        if prepared.question is not None and refusal is None:
            self._report.signatures += 2
        due, legs = self._decide_again(prepared, received, directory, refusal, code)
        if due != code:
            said = "accepted" if code is None else f"rejected as {code}"
            ought = "accepted" if due is None else f"rejected as {due}"
            self._differ(logged, "decision", f"it was {said}; by the rules it is {ought}")
        header = received.header
        first, second = (signature.kid for signature in received.jws.signatures)
        decided = Decided(
            logged.index, code is None, header.dossier, header.recipients, code, logged.logged_at, (first, second)
        )
        self._memory.decide(header.id, received.digest, decided)
        if code is None and due is None:
            self._keep_legs(logged, header, legs)

    def _decide_again(
        self,
        prepared: Prepared,
        received: ReceivedEnvelope,
        directory: Directory,
        refusal: str | None,
        code: str | None,
    ) -> tuple[str | None, Sequence[Leg]]:
        """The code that intake's steps give, None for an acceptance with its legs; `services/intake/policy.py`."""
        header, at = received.header, prepared.logged.leaf.at
        if not _takes_part(directory, header.sender):
            return SenderUnknown.code, ()
        if not all(_takes_part(directory, recipient) for recipient in header.recipients):
            return RecipientUnknown.code, ()
        if prepared.question is None:
            return EnvelopeKeyUnknown.code, ()
        if refusal is not None:
            return refusal, ()
        if code in _SEALED_ONLY:
            self._report.taken_on_trust += 1
            return code, ()
        spent_on = self._memory.spent_on(header.id)
        if spent_on is not None and spent_on != received.digest:
            return MessageIdReused.code, ()
        self._memory.spend(header.id, received.digest)
        try:
            if header.leg is None:
                legs = open_legs(header, received.digest, at, self._registry.clocks if self._registry else {})
                if self._memory.knows_dossier(header.dossier):
                    return DossierExists.code, ()
                return None, legs
            leg = self._memory.leg(header.dossier, header.leg)
            if leg is None or leg.side_of(header.sender) is None:
                return DossierUnknown.code, ()
            return None, [decide_move(leg, header, received.digest, at)]
        except Rejection as refused:
            return refused.code, ()

    def _keep_legs(self, logged: LoggedLeaf, header: Header, legs: Sequence[Leg]) -> None:
        states = {
            leg.requested: {one.id: one.state for one in leg.measures if one.id in header.measures} for leg in legs
        }
        if leg_states(states) != logged.leaf.fields["states"]:
            self._differ(logged, "states", f"the measures of {header.dossier} are not in the states that follow")
        for leg in legs:
            self._memory.keep_leg(leg)

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)


def _takes_part(directory: Directory, party: str) -> bool:
    known = directory.party(party)
    return known is not None and not known.is_suspended and known.role == "authority"
