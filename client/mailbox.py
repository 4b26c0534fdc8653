"""Receiving: read the feed, fetch what is addressed here, verify it, record it; open it when its reader asks.

Rules:
1. Fetch, verify, record, and only then move the feed's cursor: after a crash the same page is read again, and
   recording is idempotent.
2. What does not verify is not recorded. It stays an alarm at every reading until it verifies. A directory or a ledger
   that contradicts what was seen before is no alarm but the end of the reading.
3. A gap (a message that names an envelope which never came here) and a fork (two admitted successors of one envelope)
   are alarms of their own: somebody withholds, or tells two stories.
4. So is a decision that a receipt promised and that did not come in time.
5. What was taken before it had a place in the ledger is asked for at every reading, and judged again by the keys of its
   place. Failing that, and having no place an hour after it came, are alarms. The same holds for the decision on what
   was sent: accepted or rejected, it is the exchange's word until it has a place.
6. What was taken stays under watch: a message that was signed by keys which are in other hands since, as a later event
   says, is an alarm at every reading.
7. Opening fetches every part and verifies again. What is opened goes to the caller alone; salted digests of documents
   are kept (`provenance.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from client.casebook import Casebook
from client.directory_history import Moment
from client.exchange import Exchange
from client.handed_legs import HandedLegs
from client.leg_chain import Fork, Gap
from client.message_judge import MessageJudge, kids_of, unverified
from client.opening import OpenedMessage, open_message
from client.outbox import Outbox, entry_of
from client.provenance import note_documents
from client.pruned_parts import SealedParts
from client.register import Register
from client.register_rows import EventKept, Kept
from client.rewraps import opener_of
from client.signing import AuthorityKeys
from shared.apisig.receipts import MERGE_DELAY
from shared.contracts.api import FEED_WAIT_MOST_S, FeedItem, MessageForReader
from shared.domain.ids import encode_time, parse_time
from shared.envelope.container import ReceivedEnvelope, parse_envelope
from shared.envelope.jws import read_jws
from shared.envelope.valid_keys import valid_keys
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import (
    ComityError,
    EnvelopePartMismatch,
    KeyChangeUnexplained,
    LedgerInvalid,
    MessageNotLogged,
    NotThere,
    PartPruned,
    PromiseBroken,
    Rejection,
    SignedWhenCompromised,
)
from shared.keys.base64url import parse_b64u

_CURSOR: Final = "feed-cursor"
STOPPING: Final = (KeyChangeUnexplained, LedgerInvalid)
"""Not about one message: nothing that the exchange says can be judged any more."""
_DECIDED: Final = ("message.accepted", "message.rejected")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person has to look at. `message` is what it is about."""

    message: str
    error: ComityError


@dataclass(frozen=True, slots=True)
class News:
    """What one reading of the feed brought."""

    events: tuple[EventKept, ...]
    alarms: tuple[Alarm, ...]
    gaps: tuple[Gap, ...]
    forks: tuple[Fork, ...]


class Mailbox:
    """What comes to one authority."""

    def __init__(
        self,
        keys: AuthorityKeys,
        origin: str,
        exchange: Exchange,
        register: Register,
        judge: MessageJudge,
        outbox: Outbox,
        parts: SealedParts,
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._origin = origin
        self._exchange = exchange
        self._register = register
        self._judge = judge
        self._outbox = outbox
        self._parts = parts
        self._clock = clock
        self.casebook = Casebook(keys, register)
        self.handed_legs = HandedLegs(keys.authority, register, self.open, self._fetch)

    def read_feed(self, wait_s: int = 0) -> News:
        """Everything new, page by page; waits up to `wait_s` seconds when nothing is there yet.

        Keys are watched whether messages come or not. Raises KeyChangeUnexplained.
        """
        self._judge.watch_keys()
        events: list[EventKept] = []
        found = (*self._signed_in_other_hands(), *self._retry_unrecorded(), *self._judge_placeless())
        alarms: dict[str, Alarm] = {one.message: one for one in found}
        while True:
            patience_s = 0 if events else min(wait_s, FEED_WAIT_MOST_S)
            page = self._exchange.feed(self._register.fact(_CURSOR), wait_s=patience_s)
            for item in page.items:
                try:
                    self._take(item.type, item.message)
                    alarms.pop(item.message, None)
                except STOPPING:
                    raise
                except Rejection as refused:
                    alarms[item.message] = Alarm(item.message, refused)
            events += self._register.keep_events([_event(item) for item in page.items], page.next)
            for _ in self.handed_legs.fetch_waiting():
                pass
            if not page.items:
                alarms |= self._broken_promises()
                gaps, forks = self._register.gaps(), self._register.forks()
                return News(tuple(events), tuple(alarms.values()), tuple(gaps), tuple(forks))

    def open(self, message: str) -> OpenedMessage:
        """Everything in a message that was sent to, or by, this authority. Raises MessageUnverified, PartPruned,
        EvidenceInvalid for parts that are said to be pruned and are not."""
        fetched = self._exchange.message(message)
        received = self._received(message, fetched)
        wanted = self.handed_legs.handed(received.header).parts if fetched.kid is None else None
        sizes = {one.name: one.ct_len for one in received.manifest.parts if wanted is None or one.name in wanted}
        try:
            parts = self._parts.fetch(received.header, sizes)
        except PartPruned:
            self._judge.judge(received, self._verifying(received, _own_wrap(fetched)))  # what is left is what it was
            raise
        whole = parse_envelope(received.jws_bytes, received.wraps, parts)

        def open_at(moment: Moment) -> OpenedMessage:
            if fetched.kid is None:
                return self.handed_legs.handed(whole.header).open(self._verifying(whole, ())(moment))
            keys = valid_keys(whole, moment.directory, moment.at)
            return open_message(
                whole,
                opener=opener_of(whole, fetched.kid, self._keys, self._register.rewraps),
                own_kid=fetched.kid,
                exchange=self._origin,
                now=moment.at,
                signing_keys=keys.signing,
                sealing_kids=keys.sealing,
            )

        opened, logged_at = self._judge.judge(whole, open_at)
        self._record(whole, fetched, logged_at)
        self.handed_legs.note_name(opened)
        self.casebook.note(opened.header, opened.content, [one.name for one in opened.attachments])
        note_documents(self._register, message, (one.data for one in opened.attachments))
        if opened.header.sender != self._keys.authority:
            self._register.note_opened(message, encode_time(self._clock()))
        return opened

    def _take(self, type_: str, message: str) -> None:
        """Act on one feed item."""
        if type_ == "message.received" and self._register.message(message) is None:
            self._fetch(message)
        elif type_ in _DECIDED:
            self._take_decision(type_, message)

    def _take_decision(self, type_: str, message: str) -> None:
        if self._register.message(message) is not None:
            if self._outbox.poll(message) is not None:
                self._note_place(message, None)
        elif type_ == "message.accepted":  # sent by another installation of this authority: its legs must be known here
            self._fetch(message)

    def _fetch(self, message: str) -> None:
        fetched = self._exchange.message(message)
        received = self._received(message, fetched)
        _, logged_at = self._judge.judge(received, self._verifying(received, _own_wrap(fetched)))
        self._record(received, fetched, logged_at)

    def _verifying(
        self, received: ReceivedEnvelope, wraps_for: Collection[str]
    ) -> Callable[[Moment], VerifiedEnvelope]:
        def verify_at(moment: Moment) -> VerifiedEnvelope:
            keys = valid_keys(received, moment.directory, moment.at)
            return verify_envelope(
                received,
                exchange=self._origin,
                now=moment.at,
                signing_keys=keys.signing,
                sealing_kids=keys.sealing,
                wraps_for=wraps_for,
            )

        return verify_at

    def _received(self, message: str, fetched: MessageForReader) -> ReceivedEnvelope:
        try:
            jws = read_jws(fetched.jws)
            received = parse_envelope(jws.encoded, _own_wrap(fetched))
            header = received.header
            beside = (fetched.message, fetched.dossier, fetched.sender)
            told = (header.id, header.dossier, header.sender)
            if header.id != message or beside != told or self._told_otherwise(message, fetched.delivered_at):
                raise EnvelopePartMismatch(part="header")
        except (Rejection, ValueError) as broken:
            raise unverified(message, broken) from None
        return received

    def _told_otherwise(self, message: str, delivered_at: str) -> bool:
        """Whether this message came at another time, as it was told when it came."""
        kept = self._register.message(message)
        return kept is not None and kept.state == "received" and kept.recorded_at != delivered_at

    def _record(self, received: ReceivedEnvelope, fetched: MessageForReader, logged_at: datetime | None) -> None:
        if self._register.message(received.header.id) is None:
            self.handed_legs.expect(received.header)
        own = received.header.sender == self._keys.authority
        entry = entry_of(received, self._keys.authority)
        self._register.keep_incoming(entry, fetched.delivered_at, "accepted" if own else "received")
        self._note_place(entry.message, logged_at)

    def _note_place(self, message: str, logged_at: datetime | None) -> None:
        told = None if logged_at is None else encode_time(logged_at)
        self._register.places.note(message, encode_time(self._clock()), told)

    def _judge_placeless(self) -> Iterator[Alarm]:
        """Rule 5. The wraps of a message were judged when it came, and are not kept."""
        for one in self._register.places.placeless():
            kept = self._register.message(one.message)
            if kept is None:
                continue
            try:
                logged_at = self._place(kept)
            except NotThere:  # nothing is told of it any more
                logged_at = None
            except STOPPING:
                raise
            except Rejection as refused:
                yield Alarm(one.message, refused)
                continue
            if logged_at is not None or one.since is None:
                self._note_place(one.message, logged_at)
            elif self._clock() - parse_time(one.since) > MERGE_DELAY:
                yield Alarm(one.message, MessageNotLogged(message=one.message, since=one.since))

    def _place(self, kept: Kept) -> datetime | None:
        received = parse_envelope(kept.jws)
        if kept.state == "rejected":
            return self._judge.rejected_at(received)
        return self._judge.judge_again(received, self._verifying(received, ()))

    def _signed_in_other_hands(self) -> Iterator[Alarm]:
        """Rule 6: what verified when it came, under keys of which more is known since."""
        for kid, since in self._judge.compromised().items():
            told = encode_time(since)
            for message, jws, logged_at in self._register.places.logged_since(kid.partition("#")[0], told):
                if kid in kids_of(parse_envelope(jws)):
                    doubted = SignedWhenCompromised(message=message, kid=kid, since=told, logged_at=logged_at)
                    yield Alarm(message, doubted)

    def _broken_promises(self) -> dict[str, Alarm]:
        """Sent with a receipt and lost since: nobody but the sender can know of it."""
        due = self._register.broken_promises(encode_time(self._clock()))
        return {one: Alarm(one, PromiseBroken(message=one, decide_by=decide_by)) for one, decide_by in due.items()}

    def _retry_unrecorded(self) -> Sequence[Alarm]:
        alarms = []
        for event in self._register.unrecorded():
            try:
                self._take(event.type, event.message)
            except STOPPING:
                raise
            except Rejection as refused:
                alarms.append(Alarm(event.message, refused))
        return alarms


def _own_wrap(fetched: MessageForReader) -> dict[str, bytes]:
    """The wrap for this reader, by the key that it is for; none for a holder of a leg that was handed on."""
    return {} if fetched.kid is None or fetched.wrap is None else {fetched.kid: parse_b64u(fetched.wrap)}


def _event(item: FeedItem) -> EventKept:
    return EventKept(item.cursor, item.at, item.type, item.message, item.dossier, item.data)
