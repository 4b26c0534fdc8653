"""When the ledger logged a key event: by its own signatures, and not by any row.

A row tells where to look, no more: the entry there must hold the event, byte for byte, and stand under a checkpoint
that both keys of the log signed and the trust file's quorum of witnesses cosigned.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import select

from shared.adapters.proofs import ProofMaker
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.audit.leaves import parse_entry
from shared.audit.proofs import parse_proof
from shared.audit.quorum import CheckpointRule
from shared.domain.strict_json import encode_canonical_json
from shared.errors import LedgerInvalid

_EVENT: Final = METADATA.tables["key_event"]
log = structlog.get_logger()


class LoggedEvents:
    def __init__(self, store: Store, rule: CheckpointRule) -> None:
        self._store = store
        self._ledger = SqlLedger(store, rule.policy.quorum is not None)
        self._rule = rule

    async def logged_at(self, seq: int, document: bytes) -> datetime | None:
        """Of the event with this number and signed form; None while that is not proven. Raises StoreUnavailable."""
        async with self._store.read() as connection:
            row = await connection.execute(select(_EVENT.c.leaf_digest).where(_EVENT.c.seq == seq))
            leaf_digest: bytes | None = row.scalar()
        if leaf_digest is None:
            return None
        index = await self._ledger.index_of(leaf_digest)
        try:
            proof = await ProofMaker(self._ledger, await self._ledger.checkpoint()).prove(index)
            return None if proof is None else self._verified(proof.encode(), document)
        except LedgerInvalid as broken:
            log.error("keys.place-not-proven", seq=seq, why=str(broken))
            return None

    def _verified(self, proof: bytes, document: bytes) -> datetime:
        logged_at, leaf = parse_entry(self._rule.verify_carried(parse_proof(proof)).entry)
        if leaf.type != "directory.key-event" or encode_canonical_json(leaf.fields["event"]) != document:
            raise LedgerInvalid(why="the entry holds something else")
        return logged_at
