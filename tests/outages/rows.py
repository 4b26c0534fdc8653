"""What an exchange on PostgreSQL has written, read from outside of it.

Rules:
1. Read only, and each question in one snapshot: what is compared belongs together.
2. Effects and work in hand are told apart: an effect is final, work in hand must end.
3. One thing is written: `hurry` moves what waits for a relay ten seconds on, so that a campaign need not wait for it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import aio_pika
import asyncpg  # type: ignore[import-untyped]  # it has no stubs

from shared.adapters.amqp.topology import dead_queue, work_queue
from shared.contracts.topology import QUEUES

T = TypeVar("T")
ASK_TIMEOUT_S: Final = 10.0
_IN_HAND: Final = (
    "leaf_waiting",
    *(f"{service}_{table}" for service in QUEUES for table in ("outbox", "parked")),
)


@dataclass(frozen=True)
class FeedRow:
    authority: str
    position: int
    type: str
    message: str
    recipient: str
    """Of `message.retrieved`: who fetched it; else empty."""


@dataclass(frozen=True)
class Rows:
    """Every effect, as counted rows: a key that stands twice is an effect that happened twice."""

    claims: Counter[str]
    """Message ids that are spent."""
    decisions: Counter[tuple[str, str, str]]
    """(message, digest, `accepted` or `rejected`)."""
    receipts: dict[tuple[str, str], str]
    """(message, digest) → the receipt that the decision names."""
    envelopes: Counter[str]
    mailboxes: Counter[tuple[str, str]]
    """(reader, message)."""
    evidences: Counter[tuple[str, str, str]]
    """(kind, message, recipient)."""
    feed: tuple[FeedRow, ...]
    heads: dict[str, int]
    """Authority → the last position that its feed's head names."""
    dead_letters: tuple[str, ...]
    """Service and reason of each."""


class ExchangeDatabase:
    """`dsn` is asyncpg's (`postgresql://…`)."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def in_hand(self) -> Counter[str]:
        """Rows that somebody still has to work on, and a head without its signature; empty when all is done."""
        counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in _IN_HAND)
        unsigned = (
            "(SELECT coalesce(max(size), 0) FROM ledger_checkpoint)"
            " <> (SELECT coalesce(max(size), 0) FROM ledger_note) AS unsigned_head"
        )
        (row,) = self._ask(f"SELECT {counts}, {unsigned}")[0]
        return +Counter({name: int(count) for name, count in dict(row).items()})

    def key_events(self) -> int:
        (row,) = self._ask("SELECT count(*) AS n FROM key_event")[0]
        return int(row["n"])

    def read(self) -> Rows:
        decisions, claims, envelopes, mailboxes, evidences, feed, heads, dead = self._ask(
            "SELECT message, digest, decision, receipt FROM decision",
            "SELECT message FROM claim",
            "SELECT message FROM envelope",
            "SELECT reader, message FROM mailbox",
            "SELECT kind, message, recipient FROM evidence",
            "SELECT authority, position, type, message, data FROM feed_entry ORDER BY authority, position",
            "SELECT authority, position FROM feed_head",
            " UNION ALL ".join(f"SELECT '{one}' AS service, reason FROM {one}_dead_letter" for one in QUEUES),
        )
        return Rows(
            claims=Counter(row["message"] for row in claims),
            decisions=Counter((row["message"], row["digest"], row["decision"]) for row in decisions),
            receipts={(row["message"], row["digest"]): row["receipt"] for row in decisions},
            envelopes=Counter(row["message"] for row in envelopes),
            mailboxes=Counter((row["reader"], row["message"]) for row in mailboxes),
            evidences=Counter((row["kind"], row["message"], row["recipient"]) for row in evidences),
            feed=tuple(_feed_row(row) for row in feed),
            heads={row["authority"]: int(row["position"]) for row in heads},
            dead_letters=tuple(f"{row['service']}: {row['reason']}" for row in dead),
        )

    def hurry(self) -> None:
        """Let every relay find what it would find ten seconds later."""
        self._run(self._execute([f"UPDATE {one}_outbox SET relay_after = relay_after - 10" for one in QUEUES]))

    def end_sessions_of(self, pid: int) -> int:
        """As when the server took a silent client for lost: end the sessions of this process, found by their ports."""
        ports = _local_ports(pid)
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port = ANY($1::int[])"
        return len(self._run(self._fetch(statement, ports)))

    def _ask(self, *statements: str) -> list[list[asyncpg.Record]]:
        return self._run(self._fetch_all(statements))

    def _run(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(asyncio.wait_for(question, ASK_TIMEOUT_S))

    async def _fetch_all(self, statements: tuple[str, ...]) -> list[list[asyncpg.Record]]:
        connection = await asyncpg.connect(self._dsn)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return [await connection.fetch(statement) for statement in statements]
        finally:
            await connection.close()

    async def _fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._dsn)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def _execute(self, statements: list[str]) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


def frames_waiting(broker: str, prefix: str) -> Counter[str]:
    """Frames that wait in each queue, the dead ones too; empty when there are none."""
    return asyncio.run(asyncio.wait_for(_depths(broker, prefix), ASK_TIMEOUT_S))


async def _depths(broker: str, prefix: str) -> Counter[str]:
    connection = await aio_pika.connect(broker, timeout=ASK_TIMEOUT_S)
    try:
        channel = await connection.channel()
        counts: Counter[str] = Counter()
        for queue in QUEUES:
            for name in (work_queue(prefix, queue), dead_queue(prefix, queue)):
                declared = await channel.declare_queue(name, passive=True)
                counts[name] = declared.declaration_result.message_count or 0
        return +counts
    finally:
        await connection.close()


def _feed_row(row: asyncpg.Record) -> FeedRow:
    recipient = json.loads(row["data"]).get("recipient", "")
    return FeedRow(row["authority"], int(row["position"]), row["type"], row["message"], recipient)


def _local_ports(pid: int) -> list[int]:
    """The local ports of this process's TCP connections, from /proc."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[9] in inodes]
