"""By whose keys, and at what time, a message is judged: those of the decision on it, as the ledger holds it.

The steps:
1. The decision's leaf is fetched with its proof, and proven to stand in the ledger. It is an acceptance of exactly this
   message, these bytes and this sender. What the exchange told the sender of it, code and time, is what it says.
2. It names the key event that the exchange knew, and its own time. The directory after that event, as it counts here,
   is asked at that time; a directory that was stale when the leaf was logged, or a time far from it, is refused. So the
   exchange cannot choose among the keys of the past which one a message is judged by.
3. A message that was decided a moment ago has no place in the ledger yet: until it has, it is judged by the directory
   of now at the time of now, where the exchange has no choice either. Whoever took it so asks again (`judge_again`)
   until it has a place, and is alarmed when it has none after `MERGE_DELAY`. So is a sender of its own: that the
   exchange accepted or rejected is its word alone until then.
4. Keys that signed it must be usable here (`directory_watch`, rule 5), and not have been in other hands when it was
   logged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from client.directory_history import Moment
from client.directory_statement import WITHHELD_AFTER
from client.directory_watch import DirectoryWatch
from client.exchange import Exchange
from client.ledger_view import LedgerView, ProvenEntry
from client.register_rows import DecisionKept
from shared.apisig.receipts import MERGE_DELAY
from shared.domain.ids import encode_time
from shared.envelope.container import ReceivedEnvelope
from shared.envelope.encoding import MAX_SKEW_S
from shared.errors import (
    ComityError,
    EvidenceInvalid,
    MessageUnverified,
    Rejection,
    SenderKeyWaits,
    SignedWhenCompromised,
)

_Judged = TypeVar("_Judged")
Verify = Callable[[Moment], _Judged]
_SKEW: Final = timedelta(seconds=MAX_SKEW_S)


@dataclass(frozen=True, slots=True)
class _Decision:
    """How a decision shows: the evidence of it, and its leaf."""

    evidence: str
    leaf: str


_ACCEPTED: Final = _Decision("submission-acceptance", "decision.accepted")
_REJECTED: Final = _Decision("submission-rejection", "decision.rejected")


class Watch(Protocol):
    """The directory as it counts here; `anew` fetches it again. Raises KeyChangeUnexplained, and what calls raise."""

    def __call__(self, *, anew: bool = False) -> DirectoryWatch: ...


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a message is judged by; `logged_at` is None while its decision has no place in the ledger."""

    moment: Moment
    logged_at: datetime | None


class MessageJudge:
    def __init__(
        self,
        exchange: Exchange,
        ledger: LedgerView,
        told: Callable[[str], DecisionKept | None],
        watch: Watch,
        own: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`told`: the decision on an own message, as the exchange told it."""
        self._exchange = exchange
        self._ledger = ledger
        self._told = told
        self._watch = watch
        self._own = own
        self._clock = clock

    def watch_keys(self) -> None:
        """What `judge` would learn of keys, without a message. Raises KeyChangeUnexplained."""
        self._watch()

    def judge(self, received: ReceivedEnvelope, verify: Verify[_Judged]) -> tuple[_Judged, datetime | None]:
        """What `verify` makes of the message at its moment, and when it was logged; None while it has no place in the
        ledger. Raises MessageUnverified, SignedWhenCompromised, KeyTooNew, KeyRecovered."""
        placed = self._placed(received)
        basis = placed or _Basis(Moment(self._watch(anew=True).latest, self._clock()), None)
        return self._judge_by(basis, received, verify), basis.logged_at

    def judge_again(self, received: ReceivedEnvelope, verify: Verify[object]) -> datetime | None:
        """A message that was taken without a place is judged by its place: when it was logged, or None while it has
        none still. Raises what `judge` raises."""
        placed = self._placed(received)
        if placed is None:
            return None
        self._judge_by(placed, received, verify)
        return placed.logged_at

    def rejected_at(self, received: ReceivedEnvelope) -> datetime | None:
        """When the rejection of one's own message was logged; None while it has no place. Raises MessageUnverified."""
        try:
            decision = self._decision(received, _REJECTED)
        except EvidenceInvalid as bad:
            raise unverified(received.header.id, bad) from None
        return None if decision is None else decision.logged_at

    def _judge_by(self, basis: _Basis, received: ReceivedEnvelope, verify: Verify[_Judged]) -> _Judged:
        try:
            judged = verify(basis.moment)
        except SenderKeyWaits as waits:
            # For the exchange it did not count yet; who compares it here spares it the wait.
            self._watch().require_usable(str(waits.facts["kid"]))
            raise unverified(received.header.id, waits) from None
        except Rejection as refused:
            raise unverified(received.header.id, refused) from None
        self._doubt(received, basis.logged_at)
        return judged

    def _placed(self, received: ReceivedEnvelope) -> _Basis | None:
        """Steps 1 and 2. None while the decision has no place."""
        try:
            decision = self._decision(received, _ACCEPTED)
            if decision is None:
                return None
            index = decision.leaf.fields["directory_index"]
            watch = self._watch()
            if index > watch.latest.index:
                watch = self._watch(anew=True)
            return _Basis(_moment(decision, index, watch), decision.logged_at)
        except EvidenceInvalid as bad:
            raise unverified(received.header.id, bad) from None

    def _decision(self, received: ReceivedEnvelope, decision: _Decision) -> ProvenEntry | None:
        """Step 1. None while the ledger has no place for it. Raises EvidenceInvalid, LedgerInvalid."""
        header = received.header
        for item in self._exchange.evidences(header.id).items:
            if item.kind not in (_ACCEPTED.evidence, _REJECTED.evidence) or item.proof is None:
                continue
            entry = self._ledger.prove(item.proof)
            fields = entry.leaf.fields
            said = (fields.get("message"), fields.get("envelope_sha256"), fields.get("sender"))
            if entry.leaf.type != decision.leaf or said != (header.id, received.digest, header.sender):
                raise EvidenceInvalid(
                    what=f"the decision on {header.id}", why="It is another one, or about other bytes than those here."
                )
            self._require_told(header.id, entry)
            return entry
        return None

    def _require_told(self, message: str, entry: ProvenEntry) -> None:
        """Step 1, for an own message: what was told of its decision is what the ledger says."""
        told = self._told(message)
        code, at = entry.leaf.fields.get("code"), encode_time(entry.leaf.at)
        if told is not None and (told.code, told.decided_at) != (code, at):
            said, says = told.code or told.decision, code or told.decision
            why = f"It was told as {said} of {told.decided_at}; the entry says {says} of {at}."
            raise EvidenceInvalid(what=f"the decision on {message}", why=why)

    def compromised(self) -> dict[str, datetime]:
        """Keys that are in other hands, and since when."""
        return self._watch().compromised

    def _doubt(self, verified: ReceivedEnvelope, logged_at: datetime | None) -> None:
        """Step 4, for a message whose signatures hold."""
        header, watch = verified.header, self._watch()
        compromised = watch.compromised
        for kid in kids_of(verified):
            since = compromised.get(kid)
            if since is not None and (logged_at or self._clock()) >= since:
                raise SignedWhenCompromised(
                    message=header.id,
                    kid=kid,
                    since=encode_time(since),
                    logged_at="no known time" if logged_at is None else encode_time(logged_at),
                )
            if logged_at is None:
                watch.require_undoubted(kid)
            if header.sender != self._own:
                watch.require_usable(kid)


def kids_of(envelope: ReceivedEnvelope) -> tuple[str, ...]:
    """The keys that signed it, as it says."""
    return tuple(signature.kid for signature in envelope.jws.signatures)


def unverified(message: str, broken: Exception) -> MessageUnverified:
    code = broken.code if isinstance(broken, ComityError) else "envelope.malformed"
    return MessageUnverified(message=message, broken=code, why=broken)


def _moment(decision: ProvenEntry, index: int, watch: DirectoryWatch) -> Moment:
    """Step 2. Raises EvidenceInvalid."""
    at, logged_at = decision.leaf.at, decision.logged_at
    why = None
    if index > watch.latest.index:
        why = f"It names key event {index}, which is not shown or not in the ledger."
    elif not logged_at - MERGE_DELAY - _SKEW <= at <= logged_at + _SKEW:
        why = f"It is dated {encode_time(at)} and was logged at {encode_time(logged_at)}."
    elif (named := watch.logged_at(index)) is not None and named > logged_at:
        why = f"It names key event {index}, which was logged after it."
    else:
        missed = watch.known_at(index + 1)
        if missed is not None and missed + WITHHELD_AFTER < logged_at:
            why = f"It was made without key event {index + 1}, known by then."
    if why is not None:
        raise EvidenceInvalid(what="the decision", why=why)
    return Moment(watch.history.after(index), at)
