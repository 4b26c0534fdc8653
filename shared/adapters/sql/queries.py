"""`ports.Queries`: what the gateway reads, each query one short read of committed rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.gathering import Gathering
from shared.adapters.sql.engine import Store
from shared.adapters.sql.evidence_queries import evidences_of
from shared.adapters.sql.keyed import bound_keys, is_one_of
from shared.adapters.sql.mapping import TABLES, parse_row
from shared.adapters.sql.prepared import Prepared
from shared.adapters.sql.readers import acts_on, handed_to
from shared.adapters.tables import METADATA
from shared.adapters.tables.messaging import DEAD_LETTERS, MESSAGING
from shared.contracts.records import (
    Claim,
    Decision,
    Dossier,
    FailedEvidence,
    FeedEntry,
    InstrumentsRecord,
    KeyEventRecord,
    LegRecord,
    MailboxEntry,
    PartsPruned,
    StoredEnvelope,
)
from shared.domain.evidences import TransportState
from shared.domain.transport_limits import NOT_DELIVERED
from shared.ports.queries import DecisionView, DossierView, EvidenceView, KeyEventPlace, PrunedView, ReadableEnvelope

_CLAIM = TABLES[Claim]
_DECISION = TABLES[Decision]
_DOSSIER = TABLES[Dossier]
_LEG = TABLES[LegRecord]
_ENVELOPE = TABLES[StoredEnvelope]
_MAILBOX = TABLES[MailboxEntry]
_FAILED = TABLES[FailedEvidence]
_FEED = TABLES[FeedEntry]
_INSTRUMENTS = TABLES[InstrumentsRecord]
_PRUNED = TABLES[PartsPruned]
_KEY_EVENT = TABLES[KeyEventRecord]
_LEAF = METADATA.tables["ledger_leaf"]
_WAITING = METADATA.tables["leaf_waiting"]
SETTLED_TYPES: Final = ("message.delivered", "message.rejected")
"""What a sender's feed says last of its own submission, retrievals apart."""
_CHECKPOINT = METADATA.tables["ledger_checkpoint"]


@dataclass(frozen=True, slots=True)
class _Transport:
    """Which messages lie in whose mailbox, and of which an evidence says to whom they were not delivered in time."""

    delivered: Collection[tuple[str, str]]
    failed: Collection[tuple[str, str]]

    def how_far(self, message: str, party: str) -> str:
        """What lies in the mailbox is delivered, however late."""
        if (message, party) in self.delivered:
            return TransportState.delivered
        return TransportState.not_delivered if (message, party) in self.failed else TransportState.submitted


DECISIONS_TOGETHER: Final = 100
READS_AT_ONCE: Final = 2
"""Questions about decisions, one for each submission, that share a round trip; and such round trips side by side."""


class SqlQueries:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._decisions = Gathering(self._decisions_of, DECISIONS_TOGETHER, READS_AT_ONCE)

    async def decision(self, sender: str, message: str) -> DecisionView | None:
        return await self._decisions.ask((sender, message))

    async def _decisions_of(self, keys: Sequence[tuple[str, str]]) -> list[DecisionView | None]:
        is_sqlite = self._store.is_sqlite
        async with self._store.reading() as wire:
            rows = await wire.run(_decided(is_sqlite), bound_keys(keys, is_sqlite))
        first: dict[tuple[str, str], DecisionView] = {}
        for row in rows:
            view = DecisionView(parse_row(Decision, row), row["index"])
            first.setdefault((row["sender"], row["message"]), view)
        return [first.get(key) for key in keys]

    async def envelope(self, reader: str, message: str) -> ReadableEnvelope | None:
        copy = select(_ENVELOPE, _MAILBOX.c.kid, _MAILBOX.c.wrap, _MAILBOX.c.delivered_at).join(
            _MAILBOX, _MAILBOX.c.message == _ENVELOPE.c.message
        )
        async with self._store.read() as connection:
            row = await _one(connection, copy.where(_MAILBOX.c.reader == reader, _MAILBOX.c.message == message))
            if row is None:
                row = await _one(connection, handed_to(reader, message))
        if row is None:
            return None
        return ReadableEnvelope(
            message=row["message"],
            dossier=row["dossier"],
            sender=row["sender"],
            digest=row["digest"],
            jws=row["jws"],
            kid=row["kid"],
            wrap=row["wrap"],
            delivered_at=row["delivered_at"],
            is_sender=row["sender"] == reader,
        )

    async def evidences(self, reader: str, message: str) -> list[EvidenceView] | None:
        async with self._store.read() as connection:
            return await evidences_of(connection, reader, message)

    async def dossier(self, reader: str, dossier: str) -> DossierView | None:
        # One question, whether the dossier is another's or nobody's: how long an answer takes must not tell either.
        own_leg = exists().where(_LEG.c.dossier == dossier, acts_on(reader))
        mine = select(_DOSSIER).where(_DOSSIER.c.dossier == dossier, or_(_DOSSIER.c.requesting == reader, own_leg))
        async with self._store.read() as connection:
            row = await _one(connection, mine)
            return None if row is None else await _view(connection, reader, parse_row(Dossier, row))

    async def dossiers(self, reader: str, after: str | None, limit: int) -> list[DossierView]:
        own_legs = select(_LEG.c.dossier).where(acts_on(reader))
        mine = select(_DOSSIER).where(or_(_DOSSIER.c.requesting == reader, _DOSSIER.c.dossier.in_(own_legs)))
        if after is not None:
            mine = mine.where(_DOSSIER.c.dossier < after)
        async with self._store.read() as connection:
            rows = await connection.execute(mine.order_by(_DOSSIER.c.dossier.desc()).limit(limit))
            found = [parse_row(Dossier, row) for row in rows.mappings()]
            views = [await _view(connection, reader, row) for row in found]
        return [view for view in views if view is not None]

    async def all_dossiers(self, after: str | None, limit: int) -> list[DossierView]:
        page = select(_DOSSIER).order_by(_DOSSIER.c.dossier.desc()).limit(limit)
        if after is not None:
            page = page.where(_DOSSIER.c.dossier < after)
        async with self._store.read() as connection:
            found = [parse_row(Dossier, row) for row in (await connection.execute(page)).mappings()]
            ids = [one.dossier for one in found]
            legs = select(_LEG).where(_LEG.c.dossier.in_(ids)).order_by(_LEG.c.dossier, _LEG.c.requested)
            legs_of: dict[str, list[LegRecord]] = {one: [] for one in ids}
            for row in (await connection.execute(legs)).mappings():
                legs_of[row["dossier"]].append(parse_row(LegRecord, row))
            came = await _transport(connection, [leg for legs in legs_of.values() for leg in legs])
        return [_dossier_view(one, legs_of[one.dossier], came) for one in found]

    async def feed(self, authority: str, after: int, limit: int) -> list[FeedEntry]:
        asked = {"authority": authority, "after": after, "most": limit}
        async with self._store.reading() as wire:
            return [parse_row(FeedEntry, row) for row in await wire.run(_newer(wire.is_sqlite), asked)]

    async def settled(self, messages: Sequence[str]) -> set[tuple[str, str]]:
        if not messages:
            return set()
        is_sqlite = self._store.is_sqlite
        bound = bound_keys([(message,) for message in messages], is_sqlite)
        async with self._store.reading() as wire:
            return {(row["authority"], row["message"]) for row in await wire.run(_told(is_sqlite), bound)}

    async def key_event_places(self, after: int, limit: int) -> list[KeyEventPlace]:
        places = (
            select(_KEY_EVENT.c.seq, _LEAF.c.index)
            .outerjoin(_LEAF, _LEAF.c.leaf_digest == _KEY_EVENT.c.leaf_digest)
            .where(_KEY_EVENT.c.seq > after)
            .order_by(_KEY_EVENT.c.seq, _LEAF.c.index)
            .limit(limit)
        )
        async with self._store.read() as connection:
            return [KeyEventPlace(seq, index) for seq, index in await connection.execute(places)]

    async def parts_pruned(self, message: str) -> PrunedView | None:
        placed = select(_PRUNED, _LEAF.c.index).outerjoin(_LEAF, _LEAF.c.leaf_digest == _PRUNED.c.leaf_digest)
        async with self._store.read() as connection:
            row = await _one(connection, placed.where(_PRUNED.c.message == message))
        return None if row is None else PrunedView(parse_row(PartsPruned, row), row["index"])

    async def instruments(self) -> InstrumentsRecord | None:
        async with self._store.read() as connection:
            row = await _one(connection, select(_INSTRUMENTS).order_by(_INSTRUMENTS.c.version.desc()).limit(1))
        return None if row is None else parse_row(InstrumentsRecord, row)

    async def ping(self) -> dict[str, Any]:
        outboxes = [tables.outbox for tables in MESSAGING.values()]
        letters = DEAD_LETTERS.values()
        async with self._store.read() as connection:
            oldest = [
                (await connection.execute(select(self._store.epoch_now - func.min(outbox.c.relay_after)))).scalar()
                for outbox in outboxes
            ]
            dead = [
                (await connection.execute(select(func.count()).select_from(letter))).scalar_one() for letter in letters
            ]
            parked = [
                (await connection.execute(select(func.count(rows.c.due_at), func.min(rows.c.due_at)))).one()
                for rows in (tables.parked for tables in MESSAGING.values())
            ]
            head = (await connection.execute(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size.desc()).limit(1))).first()
            waiting = (await connection.execute(select(func.count()).select_from(_WAITING))).scalar_one()
        return {
            "outbox_age_s": max([0.0, *(float(age) for age in oldest if age is not None)]),
            "dead_letters": sum(dead),
            "parked": sum(count for count, _ in parked),
            "parked_due_at": min((due for _, due in parked if due is not None), default=None),
            "ledger_size": 0 if head is None else head.size,
            "ledger_logged_at": None if head is None else head.logged_at,
            "leaves_waiting": waiting,
        }


async def _one(connection: AsyncConnection, statement: Select[Any]) -> Any:
    return (await connection.execute(statement)).mappings().first()


async def _view(connection: AsyncConnection, reader: str, dossier: Dossier) -> DossierView | None:
    """The dossier with the legs that this reader may see; None where it may see none."""
    legs = select(_LEG).where(_LEG.c.dossier == dossier.dossier).order_by(_LEG.c.requested)
    if reader != dossier.requesting:
        legs = legs.where(acts_on(reader))
    shown = [parse_row(LegRecord, row) for row in (await connection.execute(legs)).mappings()]
    if not shown:
        return None
    return _dossier_view(dossier, shown, await _transport(connection, shown))


async def _transport(connection: AsyncConnection, legs: Iterable[LegRecord]) -> _Transport:
    messages = sorted({_original(leg) for leg in legs})
    boxes = select(_MAILBOX.c.message, _MAILBOX.c.reader).where(_MAILBOX.c.message.in_(messages))
    failed = select(_FAILED.c.message, _FAILED.c.recipient).where(_FAILED.c.message.in_(messages))
    return _Transport(
        delivered={(message, reader) for message, reader in await connection.execute(boxes)},
        failed={
            (message, recipient)
            for message, recipient in await connection.execute(failed.where(_FAILED.c.kind.in_(NOT_DELIVERED)))
        },
    )


def _original(leg: LegRecord) -> str:
    """The message that holds what is asked for, as `Leg.original` has it."""
    return str(leg.state.get("renewed_by") or leg.state["request"])


def _dossier_view(dossier: Dossier, legs: Sequence[LegRecord], came: _Transport) -> DossierView:
    return DossierView(
        dossier=dossier.dossier,
        requesting=dossier.requesting,
        profile=dossier.profile,
        opened_at=dossier.opened_at,
        legs=legs,
        transport={leg.requested: came.how_far(_original(leg), leg.requested) for leg in legs},
    )


@cache
def _decided(is_sqlite: bool) -> Prepared:
    """The decisions on messages, by sender and id: first the one on the envelope that holds the id."""
    holder_first = (_CLAIM.c.digest == _DECISION.c.digest).desc().nulls_last()
    decided = (
        select(_DECISION, _LEAF.c.index)
        .outerjoin(_CLAIM, _CLAIM.c.message == _DECISION.c.message)
        .outerjoin(_LEAF, _LEAF.c.leaf_digest == _DECISION.c.leaf_digest)
        .where(is_one_of([_DECISION.c.sender, _DECISION.c.message], is_sqlite))
        .order_by(holder_first, _DECISION.c.decided_at.desc())
    )
    return Prepared(decided, is_sqlite)


@cache
def _newer(is_sqlite: bool) -> Prepared:
    """At most `most` entries of the feed of `authority` that stand after the position `after`."""
    newer = select(_FEED).where(_FEED.c.authority == bindparam("authority"), _FEED.c.position > bindparam("after"))
    return Prepared(newer.order_by(_FEED.c.position).limit(bindparam("most")), is_sqlite)


@cache
def _told(is_sqlite: bool) -> Prepared:
    """In whose feeds it stands how these messages ended."""
    ended = or_(*(_FEED.c.type == type_ for type_ in SETTLED_TYPES))
    told = select(_FEED.c.authority, _FEED.c.message).where(is_one_of([_FEED.c.message], is_sqlite), ended)
    return Prepared(told, is_sqlite)
