"""One authority's correspondence: compose, seal, store, send; read, verify, open, reply. What the command line drives.

Rules:
1. Nothing is trusted for having come from the exchange: messages verify against the replayed directory, receipts and
   proofs against the trust file, `seen` comes from the register alone, and a leg is made again from its messages.
2. A reply is composed on the state that the exchange shows, but only while its head is the last envelope known here:
   otherwise something happened that its author has not read, and DossierStale says so before anything is signed.
3. One home, one authority, one exchange: a register made for another is refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from client.answers import answering
from client.archive import Archive
from client.composition import Composed, ReplyWish, compose_reply, compose_request, warnings_of
from client.desk.office import Office
from client.directory_statement import fetch_statement
from client.directory_watch import DirectoryWatch, fetch_history
from client.dossier_reading import DossierReading
from client.exchange import Exchange
from client.forwarding import HOLDER_NAME, forward_content, hand_over
from client.instruments_watch import fetch_instruments
from client.ledger_view import LedgerView
from client.mailbox import Mailbox
from client.message_judge import MessageJudge
from client.outbox import Outbox
from client.provenance import check_onward, note_documents
from client.pruned_parts import SealedParts
from client.register import Register
from client.request_file import RequestFile
from client.sealing import Attachment, seal_message
from client.sent_before import sent_before
from client.sent_twice import note_letter
from client.signing import AuthorityKeys
from client.stolen_keys import DeclaredStolen
from shared.apisig.directory_statements import DirectoryStatement
from shared.domain.admissibility import Flag
from shared.domain.dossier import by_transport, lapsed
from shared.domain.header import Header
from shared.domain.ids import encode_time
from shared.domain.instruments import Registry
from shared.domain.leg import Leg
from shared.domain.profiles import kind_of
from shared.domain.status import Holder
from shared.errors import (
    ComityError,
    DossierStale,
    KeyChangeUnexplained,
    LedgerInvalid,
    RegisterUnusable,
)
from shared.keys.trust import Trust

WATCHED_FOR: Final = timedelta(minutes=1)
"""After this the directory is fetched again, in a session that lasts."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an authority keeps what is its own: `register.sqlite3`, the sealed files of its outbox, its desk."""

    home: Path

    @property
    def register(self) -> Path:
        return self.home / "register.sqlite3"

    @property
    def outbox(self) -> Path:
        return self.home / "outbox"


class Correspondence(DossierReading):
    """Acts for one authority. Close it after use. Not for use from several threads."""

    def __init__(
        self,
        keys: AuthorityKeys,
        trust: Trust,
        exchange: Exchange,
        place: Place,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        tell_stolen: Callable[[Sequence[DeclaredStolen]], None] = lambda _: None,
    ) -> None:
        """`tell_stolen` hears of own keys that were declared to be in other hands, each time once, before anything is
        done by the directory that says so."""
        self.keys = keys
        self.trust = trust
        self.exchange = exchange
        self.register = Register(place.register)
        self._claim_register(place)
        self._home = place.home
        self._clock = clock
        self._sleep = sleep
        self._watch: DirectoryWatch | None = None
        self._watched_at = clock()
        self._tell_stolen = tell_stolen
        self._told_stolen: list[DeclaredStolen] = []
        self.office = Office(place.home / "desk", keys, self.register, self.directory, clock)
        self.ledger = LedgerView(trust, self.register, exchange.log_file)
        self.outbox = Outbox(exchange, self.register, place.outbox, self._require_current, sleep=sleep, clock=clock)
        judge = MessageJudge(exchange, self.ledger, self.register.decision, self.directory, keys.authority, clock)
        parts = SealedParts(exchange, self.register, self.ledger, clock)
        self.mailbox = Mailbox(keys, trust.origin, exchange, self.register, judge, self.outbox, parts, clock)

    def close(self) -> None:
        self.exchange.close()
        self.register.close()

    def __enter__(self) -> Correspondence:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def archive(self) -> Archive:
        """What is sealed to this authority's sealing keys, to be moved from one to the next."""
        return Archive(self.keys, self.register, self.exchange, self.mailbox, self._clock)

    # --- what everybody believes -------------------------------------------------------------------------------------

    def directory(self, *, anew: bool = False) -> DirectoryWatch:
        """The directory, held against memory; fetched again after a minute, or `anew`. Raises KeyChangeUnexplained."""
        if anew or self._watch is None or self._clock() - self._watched_at > WATCHED_FOR:
            try:
                self._watch, self._watched_at = self._fetch_directory(), self._clock()
            except (KeyChangeUnexplained, LedgerInvalid):
                self._keep_evidence()
                raise
        return self._watch

    def _fetch_directory(self) -> DirectoryWatch:
        said, now = self._fetch_statement(), self._clock()
        history = fetch_history(self.exchange, self.trust, self.register, self.ledger, said, now, self._sleep)
        watch = DirectoryWatch(history, self.register, self.trust, now)
        watch.check_own_keys(self.keys.authority, self.keys.own_kids)
        news = [one for one in watch.declared_stolen(self.keys.authority) if one not in self._told_stolen]
        self._told_stolen += news
        self._tell_stolen(news)
        if watch.withheld():
            with suppress(OSError):
                self._write_evidence("withheld-key-events.json", ())
        return watch

    def _fetch_statement(self) -> DirectoryStatement:
        stated = fetch_statement(self.exchange, self.trust, self._clock)
        self.register.keys.note_statement(stated.said, stated.text)
        return stated.said

    def _require_current(self, party: str, kid: str) -> None:
        self.directory().require_current(party, kid)

    def _keep_evidence(self) -> None:
        """What was shown, for an auditor: signed events that are in no ledger prove who signed them."""
        with suppress(ComityError, OSError):  # what made it necessary is the error to tell
            self._write_evidence("unexplained-directory.json", self.exchange.directory().events)

    def _write_evidence(self, name: str, events: Sequence[str]) -> None:
        """Events that were shown, and what the exchange signed about its newest. Raises OSError."""
        kept = {"events": list(events), "statements": [one.statement for one in self.register.keys.statements()]}
        (self._home / name).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")

    def instruments(self) -> Registry | None:
        """The registry that the operators signed, as it counts here. Raises DirectoryUndated, InstrumentsInvalid."""
        return fetch_instruments(self.exchange, self.trust, self.register, self._fetch_statement())

    # --- sending -----------------------------------------------------------------------------------------------------

    def compose_request(self, request: RequestFile, recipients: Sequence[str], instrument: str | None) -> Composed:
        """Raises what `composition.compose_request` raises."""
        return compose_request(
            request,
            exchange=self.trust.origin,
            sender=self.keys.authority,
            recipients=recipients,
            instrument=instrument,
            registry=self.instruments(),
            now=self._clock(),
        )

    def compose_reply(
        self, dossier: str, wish: ReplyWish, leg: str | None = None, in_reply_to: str | None = None
    ) -> Composed:
        """Raises DossierStale (rule 2) and what `composition.compose_reply` raises."""
        state, undelivered = self.shown_leg(dossier, leg)
        seen = self.register.seen(dossier, state.requested)
        if seen is None or not self.knows_head(state):
            raise DossierStale(leg=state.requested)
        kind = kind_of(state.profile, wish.kind)
        if kind.renews and not wish.content:
            wish = replace(wish, content=self.sent_before(state)[0])
        if kind.forwards:
            gone = state.holder if state.takes_part and not self.is_enrolled(state.holder or "") else None
            wish = replace(wish, content=self._handing_on(state, wish), leave_out=gone)
        wish, answered = answering(state, wish, self.keys.authority, in_reply_to, self.register.messages(dossier))
        return compose_reply(
            wish,
            state,
            exchange=self.trust.origin,
            sender=self.keys.authority,
            seen=seen,
            in_reply_to=answered or self._answered(state, kind.name, undelivered),
            registry=self.instruments(),
            now=self._clock(),
            undelivered=undelivered,
        )

    def warnings_of(self, header: Header, content: Mapping[str, Any]) -> tuple[Flag, ...]:
        """What the registry of now warns of in a message that was composed before."""
        legs = None if header.leg is None else [lapsed(self.leg(header.dossier, header.leg), self._clock())]
        return warnings_of(header, content, legs, self.instruments(), self._clock())

    def _handing_on(self, leg: Leg, wish: ReplyWish) -> dict[str, Any]:
        """The content of a forward: what opens the original, for a holder that takes part, and the leg so far."""
        self.mailbox.handed_legs.keep_name(wish.act.get("holder", ""), wish.content.get(HOLDER_NAME))
        is_new = wish.takes_part and wish.act.get("holder") not in leg.parties
        handed = hand_over(self.mailbox.open(leg.original), wish.hand_over) if is_new else None
        known = [one for one in self.register.messages(leg.dossier) if one.leg in (None, leg.requested)]
        moves = [one.message for one in known if one.state not in ("rejected", "refused")]
        return forward_content(wish.content, handed, moves)

    def is_enrolled(self, party: str) -> bool:
        """Whether this authority can be written to."""
        known = self.directory().latest.party(party)
        return known is not None and known.role == "authority" and not known.is_suspended

    def holders(self, legs: Iterable[Leg]) -> dict[str, Holder]:
        """How the holders of these legs are called, as far as it is known here."""
        return self.mailbox.handed_legs.holders(legs, self.directory().latest)

    def seal_and_store(self, composed: Composed, attachments: Sequence[Attachment]) -> str:
        """Seal to the recipients' keys and keep the result; the message's id, of which nothing was sent.

        Raises ApprovalMissing, OnwardNotPermitted.
        """
        check_onward(self.register, self.keys.authority, composed.header, attachments)
        self.office.require(composed.header, composed.content, attachments)
        watch = self.directory(anew=True)
        keys = {party: watch.sealing_key(party).public for party in composed.header.recipients}
        sealed = seal_message(composed.header, composed.content, attachments, self.keys, keys)
        note_documents(self.register, composed.header.id, (one.data for one in attachments))
        message = self.outbox.store(sealed, encode_time(self._clock()))
        note_letter(self.register, composed, attachments)
        self.mailbox.casebook.note(composed.header, composed.content, [one.name for one in attachments])
        return message

    def knows_head(self, leg: Leg) -> bool:
        """Whether all that changed the leg was read here."""
        return self.register.knows(leg.dossier, leg.requested, leg.head)

    def sent_before(self, leg: Leg) -> tuple[dict[str, Any], list[Attachment]]:
        """Content and attachments of the message that holds what is asked for on this leg, to be sealed anew. Raises
        OriginalGone, and what opening it raises."""
        return sent_before(self.mailbox.open, self.register, self.keys, self.directory().latest, leg.original)

    def _answered(self, leg: Leg, kind: str, undelivered: str | None) -> str | None:
        """What a message answers whose author names nothing: what was not delivered, if it is there for that."""
        if undelivered is not None and by_transport(leg.profile, kind):
            return undelivered
        return self._last_from_other_side(leg)

    def _last_from_other_side(self, leg: Leg) -> str | None:
        received = [one for one in self.register.messages(leg.dossier) if one.sender != self.keys.authority]
        on_leg = [one for one in received if one.leg in (None, leg.requested)]
        return on_leg[-1].message if on_leg else None

    def _claim_register(self, place: Place) -> None:
        for name, own in (("authority", self.keys.authority), ("origin", self.trust.origin)):
            known = self.register.fact(name)
            if known is None:
                self.register.note_fact(name, own)
            elif known != own:
                raise RegisterUnusable(file=place.register, why=f"it belongs to {known}, not to {own}")
