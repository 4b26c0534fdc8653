"""Every decision made again, from outside: by the envelope in its leaf, the directory of then, and the legs of then.

1. A decision holds the envelope it decided: the digest, ids and sender are the envelope's, it was decided once, by a
   directory that was not stale when it was logged.
2. It was logged by the time that its receipt promised, and no receipt promises more than MERGE_DELAY.
3. It is the one that intake's own steps give: parties, signatures, times and keys by the directory at
   `directory_index`; the id; the form; the move on the legs. A rejection has the code of the first step that fails; an
   acceptance fails none, and leaves the measures in the states that it names.
4. Its flags are what the registry of instruments has to say; a rejection has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from client.audit_clocks import ClockJudge
from client.audit_decided import Decided
from client.audit_documents import CLOCK_SKEW, OperatorDocuments
from client.audit_envelopes import Asked, ask
from client.audit_memory import AuditMemory
from client.audit_report import AuditReport
from client.audit_signatures import Refusal
from shared.apisig.receipts import MERGE_DELAY
from shared.audit.leaves import leg_states
from shared.audit.log_verification import LoggedLeaf
from shared.domain.admissibility import flags_of
from shared.domain.dossier import by_transport, decide_move, open_legs
from shared.domain.evidences import Evidence
from shared.domain.header import Header
from shared.domain.ids import parse_time
from shared.domain.instruments import Registry
from shared.domain.leg import Leg
from shared.domain.routes import routes_of, terms_of
from shared.domain.transport_limits import is_denied
from shared.envelope.container import ReceivedEnvelope, read_envelope
from shared.errors import (
    DossierExists,
    DossierUnknown,
    EnvelopeKeyUnknown,
    EnvelopePartMismatch,
    EnvelopeWrapMismatch,
    MessageIdReused,
    RecipientUnknown,
    Rejection,
    SenderUnknown,
)
from shared.keys.directory import Directory

_NO_KEYS: Final = Refusal(EnvelopeKeyUnknown.code, "there is no directory to judge by")
_SEALED_ONLY: Final = frozenset({EnvelopeWrapMismatch.code, EnvelopePartMismatch.code})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules give: the code of a rejection, or legs and the flags that go with them."""

    code: str | None
    legs: Sequence[Leg] = ()
    flags: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    """Why it goes to each recipient, in their order; empty where two registries may have been the one of then, and say
    different things."""


class DecisionJudge:
    """`read` each decision's envelope, then `judge` each; some may lie between the two."""

    def __init__(
        self, memory: AuditMemory, report: AuditReport, documents: OperatorDocuments, clocks: ClockJudge
    ) -> None:
        self._clocks = clocks
        self._memory = memory
        self._report = report
        self._documents = documents

    def read(self, logged: LoggedLeaf) -> tuple[ReceivedEnvelope | None, Asked | None]:
        """The envelope, and what its signatures are to be asked."""
        received = self._read_envelope(logged)
        if received is None:
            return None, None
        directory = self._documents.directory_of(logged)
        return received, None if directory is None else ask(received, directory, logged.leaf.at)

    def judge(
        self, logged: LoggedLeaf, received: ReceivedEnvelope | None, asked: Asked | None, answer: Refusal | None
    ) -> None:
        """`answer` is that to what was asked."""
        code: str | None = logged.leaf.fields.get("code")
        if code is not None:
            self._report.rejections[code] += 1
        self._judge_promise(logged)
        if received is None:
            return
        header = received.header
        if self._memory.decided(header.id, received.digest) is not None:
            self._differ(logged, "decided-twice", f"{header.id} was decided before, for the same bytes")
            return
        if asked is not None and asked.question is not None and answer is None:
            self._report.signatures += 2
        refusal = _NO_KEYS if asked is None else asked.refusal(answer)
        outcome = self._decide_again(logged, received, refusal)
        if outcome.code != code:
            said = "accepted" if code is None else f"rejected as {code}"
            ought = "accepted" if outcome.code is None else f"rejected as {outcome.code}"
            self._differ(logged, "decision", f"it was {said}; by the rules it is {ought}")
        elif tuple(logged.leaf.fields["flags"]) != outcome.flags:
            ought = ", ".join(outcome.flags) or "none"
            self._differ(logged, "flags", f"its flags are not those that the registry gives: {ought}")
        self._remember(logged, received, code, outcome.routes)
        if code is None and outcome.code is None:
            self._keep_legs(logged, header, outcome.legs)

    def _read_envelope(self, logged: LoggedLeaf) -> ReceivedEnvelope | None:
        jws = logged.leaf.fields["jws"]
        if jws is None:
            self._differ(logged, "envelope", "it was rejected without the envelope that would show why")
            return None
        try:
            received = read_envelope(jws)
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

    def _judge_promise(self, logged: LoggedLeaf) -> None:
        decide_by = parse_time(logged.leaf.fields["decide_by"])
        if logged.logged_at > decide_by + CLOCK_SKEW:
            self._differ(logged, "late", f"its receipt promised a decision by {logged.leaf.fields['decide_by']}")
        if decide_by > logged.leaf.at + MERGE_DELAY + CLOCK_SKEW:
            self._differ(logged, "promise", f"no receipt promises as late as {logged.leaf.fields['decide_by']}")

    def _decide_again(self, logged: LoggedLeaf, received: ReceivedEnvelope, refusal: Refusal | None) -> Outcome:
        """What intake's steps give; `services/intake/policy.py`."""
        header, at = received.header, logged.leaf.at
        directory = self._documents.directory_at(logged.leaf.fields["directory_index"])
        if not _takes_part(directory, header.sender):
            return Outcome(SenderUnknown.code)
        if not all(_takes_part(directory, recipient) for recipient in header.recipients):
            return Outcome(RecipientUnknown.code)
        if refusal is not None:
            return Outcome(refusal.code)
        code = logged.leaf.fields.get("code")
        if code in _SEALED_ONLY:
            self._report.taken_on_trust += 1
            return Outcome(code)
        if self._memory.spend(header.id, received.digest) != received.digest:
            return Outcome(MessageIdReused.code)
        newest, *older = self._documents.registries_for(logged.logged_at)
        undelivered = self._undelivered(logged, header)
        outcome = self._admit(header, received.digest, at, newest, undelivered)
        said = tuple(logged.leaf.fields["flags"])
        if outcome.code is not None or not older:
            return outcome
        earlier = (self._admit(header, received.digest, at, registry, undelivered) for registry in older)
        fitting = [one for one in (outcome, *earlier) if one.flags == said] or [outcome]
        is_certain = all(one.routes == fitting[0].routes for one in fitting)
        return fitting[0] if is_certain else replace(fitting[0], routes=())

    def _undelivered(self, logged: LoggedLeaf, header: Header) -> str | None:
        """The message that this one names, where it counted as not delivered. What came in the very moments of the
        decision may have been there for intake, or not."""
        message, leg = header.in_reply_to, header.leg
        if message is None or leg is None or not by_transport(header.profile, header.kind):
            return None
        came = self._memory.evidence_times(message, leg)
        if not is_denied(came):
            return None
        delivered_at = came.get(Evidence.delivery)
        was_accepted = logged.leaf.fields.get("code") is None
        is_doubtful = delivered_at is not None and delivered_at > logged.leaf.at - CLOCK_SKEW and was_accepted
        return message if delivered_at is None or is_doubtful else None

    def _admit(
        self, header: Header, digest: str, at: datetime, registry: Registry | None, undelivered: str | None
    ) -> Outcome:
        try:
            if header.leg is None:
                legs = open_legs(header, digest, at, *terms_of(header, registry, at))
                if self._memory.knows_dossier(header.dossier):
                    return Outcome(DossierExists.code)
                return _accepted(header, legs, registry, at)
            leg = self._memory.leg(header.dossier, header.leg)
            if leg is None or leg.side_of(header.sender) is None:
                return Outcome(DossierUnknown.code)
            return _accepted(header, [decide_move(leg, header, digest, at, undelivered)], registry, at)
        except Rejection as refused:
            return Outcome(refused.code)

    def _remember(
        self, logged: LoggedLeaf, received: ReceivedEnvelope, code: str | None, routes: tuple[str, ...]
    ) -> None:
        header = received.header
        first, second = (signature.kid for signature in received.jws.signatures)
        decided = Decided(
            place=logged.index,
            accepted=code is None,
            dossier=header.dossier,
            leg=header.leg,
            kind=header.kind,
            sender=header.sender,
            recipients=header.recipients,
            code=code,
            at=logged.leaf.at,
            logged_at=logged.logged_at,
            decide_by=parse_time(logged.leaf.fields["decide_by"]),
            flags=tuple(logged.leaf.fields["flags"]),
            signers=(first, second),
            routes=routes,
            urgency=header.urgency,
        )
        self._memory.decide(header.id, received.digest, decided)

    def _keep_legs(self, logged: LoggedLeaf, header: Header, legs: Sequence[Leg]) -> None:
        states = {
            leg.requested: {one.id: one.state for one in leg.measures if one.id in header.measures} for leg in legs
        }
        if leg_states(states) != logged.leaf.fields["states"]:
            self._differ(logged, "states", f"the measures of {header.dossier} are not in the states that follow")
        for leg in legs:
            before = None if header.leg is None else self._memory.leg(leg.dossier, leg.requested)
            if before is not None:
                self._clocks.judge_move(logged, before)
            self._clocks.keep(logged, leg, before)

    def _differ(self, logged: LoggedLeaf, what: str, why: object) -> None:
        self._report.differ(logged.index, what, why)


def _accepted(header: Header, legs: Sequence[Leg], registry: Registry | None, at: datetime) -> Outcome:
    routes = routes_of(header, legs, registry, at.astimezone(UTC).date())
    return Outcome(None, legs, flags_of(header, legs, registry, at), tuple(routes[one] for one in header.recipients))


def _takes_part(directory: Directory, party: str) -> bool:
    known = directory.party(party)
    return known is not None and not known.is_suspended and known.role == "authority"
