"""Every change of a key in a whole ledger: in words, and which of them only a person can explain.

An event that verifies is what those who may decide it signed. What they signed may still be wrong; flagged is

- `enrolled`: the operators say who this is, and nobody else does; an invented party would come so
- `recovered`: the operators gave a party new keys, and its old ones did not sign for them
- `dated-elsewhere`: its date is more than a day from when it was logged; a stolen pair that has ended would be used so
- `signed-when-compromised`: it is signed by keys that were in other hands by then, as is known since
- `not-in-the-ledger`: somebody was shown it, and it is not where every auditor reads it

What somebody kept of the exchange's statements about its newest event and registry of instruments is held against the
ledger too: one that does not know what stood there long before is a lie that its signature proves.

The first two are not flagged where the trust file pins all keys of the event: its ceremony compared them. A flag is
answered by asking its party over another road, and then by naming the event as explained (`explained_events`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from client.audit_memory import AuditMemory
from client.audit_report import AuditReport, Doubt, KeyChange
from client.directory_statement import is_withheld
from shared.apisig.exchange_word import verify_own_statement
from shared.audit.log_verification import LoggedLeaf
from shared.domain.ids import encode_time
from shared.errors import DirectoryUndated
from shared.keys.base64url import encode_b64u
from shared.keys.directory import KeyEvent
from shared.keys.event_document import EVENT_DOMAIN, KeyEventDocument, parse_event_document
from shared.keys.events import EVENT_DATE_TOLERANCE
from shared.keys.signed_document import SignedDocument, parse_signed_document, verify_quorum
from shared.keys.trust import Trust

ENROLLED: Final = "enrolled"
RECOVERED: Final = "recovered"
DATED_ELSEWHERE: Final = "dated-elsewhere"
SIGNED_WHEN_COMPROMISED: Final = "signed-when-compromised"
_WORDS: Final = {
    "enrol": "{party} was enrolled with its first keys ({uses})",
    "rotate": "{party} renewed its keys ({uses}); its old keys signed for the new ones",
    "recover": "the operators gave {party} new keys ({uses}); its old keys did NOT sign for them",
    "suspend": "{party} was suspended: none of its keys counts",
    "reinstate": "{party} was reinstated: its keys count again",
    "compromise": "keys of {party} are in other hands since {since}: {kids}",
}


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event that somebody was shown and that the ledger does not have at its place."""

    seq: int
    type: str
    party: str
    kids: tuple[str, ...]
    signers: tuple[str, ...]
    is_proof: bool
    """A quorum of the operators signed it: it proves by itself that they told two stories."""


_BY_OPERATORS: Final = {"enrol": ENROLLED, "recover": RECOVERED}


def change_of(event: KeyEvent, logged: LoggedLeaf, trust: Trust) -> KeyChange:
    """The event as the log tells it, with the flags that can be seen at its own place."""
    told = event.compromise
    is_pinned = all(key.kid in trust.pinned_keys for key in event.keys)
    flags = [_BY_OPERATORS[event.type]] if event.type in _BY_OPERATORS and not is_pinned else []
    flags += [DATED_ELSEWHERE] if abs(logged.logged_at - event.at) > EVENT_DATE_TOLERANCE else []
    return KeyChange(
        seq=event.seq,
        type=event.type,
        party=event.party,
        at=event.at,
        index=logged.index,
        logged_at=logged.logged_at,
        kids=tuple(key.kid for key in event.keys) if told is None else told.kids,
        uses=tuple(key.use for key in event.keys),
        signers=event.signers,
        since=None if told is None else told.since,
        digest=event.digest,
        flags=tuple(flags),
    )


def look_back_at_keys(report: AuditReport, memory: AuditMemory) -> None:
    """What a later event says of what came before it: doubts about messages and about other events."""
    since = {
        kid: change.since for change in report.key_changes if change.since is not None for kid in change.kids
    }  # a later compromise of the same key moves its point to an earlier time
    report.doubts = []
    for kid, moment in since.items():
        report.doubts += [Doubt(place, message, kid) for place, message in memory.signed_by(kid, moment)]
    for number, change in enumerate(report.key_changes):
        doubted = any(kid in since and change.logged_at >= since[kid] for kid in change.signers)
        if doubted and SIGNED_WHEN_COMPROMISED not in change.flags:
            report.key_changes[number] = replace(change, flags=(*change.flags, SIGNED_WHEN_COMPROMISED))
    report.doubts.sort(key=lambda doubt: (doubt.index, doubt.kid))


def words_of(change: KeyChange) -> str:
    """One sentence, without its end."""
    return _WORDS[change.type].format(
        party=change.party,
        uses=", ".join(change.uses),
        kids=", ".join(change.kids),
        since="" if change.since is None else encode_time(change.since),
    )


def unexplained(changes: Iterable[KeyChange], explained: Iterable[int], kept: Collection[str] = ()) -> list[KeyChange]:
    """Those that are flagged and that nobody has explained: now, by number, or before, by digest."""
    known = set(explained)
    return [one for one in changes if one.flags and one.seq not in known and one.digest not in kept]


def events_not_in_the_ledger(shown: Sequence[str], report: AuditReport, trust: Trust) -> list[ShownEvent]:
    """Of the signed events that somebody was shown, those that the ledger has not. Raises ValueError for what is no
    signed key event at all."""
    logged = {change.digest for change in report.key_changes}
    found = []
    for text in shown:
        signed = parse_signed_document(text.encode())
        if encode_b64u(signed.digest()) not in logged:
            found.append(_shown(signed, parse_event_document(signed.document), trust))
    return found


@dataclass(frozen=True, slots=True)
class FalseStatement:
    """What the exchange signed about its directory, and the ledger contradicts: at that time, of this newest event or
    registry of instruments, as `what` says."""

    at: datetime
    what: str
    index: int
    why: str


def false_statements(texts: Sequence[str], report: AuditReport, trust: Trust) -> list[FalseStatement]:
    """Of the statements that somebody kept, those that the ledger contradicts. Raises ValueError for what this exchange
    did not sign."""
    events = {change.seq: change for change in report.key_changes}
    registries = {one.number: one for one in report.registries}
    found = []
    for text in texts:
        try:
            said = verify_own_statement(text, trust)
        except DirectoryUndated as bad:
            raise ValueError(str(bad)) from None
        if said.exchange != trust.origin:
            raise ValueError(f"it is about {said.exchange}")
        event, missed = events.get(said.index), events.get(said.index + 1)
        if said.index and (event is None or event.digest != said.head):
            found.append(FalseStatement(said.at, "key event", said.index, _no_such("event", event)))
        elif missed is not None and is_withheld(said, missed.logged_at):
            why = f"key event {missed.seq}, {missed.type} of {missed.party}, {_logged(missed.logged_at)}"
            found.append(FalseStatement(said.at, "key event", said.index, why))
        registry, newer = registries.get(said.registry), registries.get(said.registry + 1)
        if said.registry and (registry is None or registry.digest != said.registry_digest):
            found.append(FalseStatement(said.at, "registry", said.registry, _no_such("registry", registry)))
        elif newer is not None and is_withheld(said, newer.logged_at):
            why = f"registry {newer.number} {_logged(newer.logged_at)}"
            found.append(FalseStatement(said.at, "registry", said.registry, why))
    return found


def _no_such(what: str, known: object | None) -> str:
    return f"the ledger has no such {what}" if known is None else f"the ledger has another {what} there"


def _logged(at: datetime) -> str:
    return f"was logged at {encode_time(at)}"


def _shown(signed: SignedDocument, written: KeyEventDocument, trust: Trust) -> ShownEvent:
    try:
        verify_quorum(signed, EVENT_DOMAIN, trust.operator_keys, trust.operator_quorum)
        is_proof = True
    except ValueError:
        is_proof = False
    return ShownEvent(
        seq=written.seq,
        type=written.type,
        party=written.party,
        kids=() if written.compromise is None else written.compromise.kids,
        signers=tuple(one.kid for one in signed.signatures),
        is_proof=is_proof,
    )
