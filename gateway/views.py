"""What the services wrote, in the shapes that the API answers with. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.cursors import encode_feed_cursor
from gateway.problems import sentence_of
from shared.contracts.api import (
    Decision,
    DossierAnswer,
    FeedItem,
    KeyEntry,
    LegView,
    MeasureStatus,
    Obligation,
    PartyEntry,
)
from shared.contracts.records import FeedEntry, LegRecord
from shared.domain.calendars import Calendars
from shared.domain.dossier import lapsed, leg_status, parse_leg, shown_dossier_status, shown_state
from shared.domain.ids import encode_time
from shared.domain.leg import Leg
from shared.domain.obligations import is_overdue, waiting_on
from shared.domain.reference import encode_number
from shared.keys.base64url import encode_b64u
from shared.keys.directory import Party
from shared.ports.queries import DecisionView, DossierView


def decision_answer(view: DecisionView) -> Decision:
    decided = view.decision
    return Decision(
        message=decided.message,
        digest=decided.digest,
        decision=decided.decision,
        code=decided.code,
        sentence=None if decided.code is None else sentence_of(decided.code, decided.facts),
        facts=decided.facts,
        decided_at=encode_time(decided.decided_at),
        receipt=decided.receipt,
        leaf_index=view.leaf_index,
    )


def dossier_answer(view: DossierView, now: datetime, calendars: Calendars) -> DossierAnswer:
    """The dossier as its reader may see it. `now` and the calendars decide what is overdue, and `now` what silence has
    closed: `state` is the fold of the messages alone."""
    legs = [(record, lapsed(parse_leg(record.state), now)) for record in view.legs]
    return DossierAnswer(
        dossier=view.dossier,
        number=encode_number(view.dossier, view.requesting[:2]),
        requesting=view.requesting,
        profile=view.profile,
        status=shown_dossier_status([(leg, view.transport.get(leg.requested)) for _, leg in legs]),
        opened_at=encode_time(view.opened_at),
        legs=tuple(_leg_view(record, leg, view.transport.get(leg.requested), now, calendars) for record, leg in legs),
    )


def feed_item(entry: FeedEntry) -> FeedItem:
    return FeedItem(
        cursor=encode_feed_cursor(entry.position),
        at=encode_time(entry.at),
        type=entry.type,
        message=entry.message,
        dossier=entry.dossier,
        data=entry.data,
    )


def party_entry(party: Party) -> PartyEntry:
    """A party with all keys it ever registered, in order: which of them counts follows from their windows."""
    return PartyEntry(
        party=party.id,
        role=party.role,
        names={"official": party.name.official, **party.name.languages},
        suspended=party.is_suspended,
        keys=tuple(
            KeyEntry(
                use=key.use,
                kid=key.kid,
                public=encode_b64u(key.public.raw),
                not_before=encode_time(key.not_before),
                not_after=encode_time(key.not_after),
            )
            for key in party.keys
        ),
        event_seq=max(key.seq for key in party.keys),
    )


def _leg_view(record: LegRecord, leg: Leg, transport: str | None, now: datetime, calendars: Calendars) -> LegView:
    return LegView(
        requested=leg.requested,
        status=shown_state(leg_status(leg), transport),
        measures=tuple(
            MeasureStatus(
                id=measure.id,
                type=measure.type,
                state=shown_state(measure.state, transport),
                since=encode_time(measure.since),
                outcome=measure.outcome,
                late=measure.late,
            )
            for measure in leg.measures
        ),
        waiting_on=tuple(
            Obligation(
                debtor=owed.debtor,
                act=owed.act,
                measures=owed.measures,
                due=None if owed.due is None else encode_time(owed.due),
                basis=owed.basis,
                overdue=is_overdue(leg, owed, now, calendars),
            )
            for owed in waiting_on(leg)
        ),
        transport=transport or "submitted",
        head=leg.head,
        state=record.state,
    )
