"""The ledger of a simulated year: every leaf in its order, signed at the end, for the real auditor to read."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from client.audit_report import AuditReport
from client.auditor import verify_ledger
from client.ledger_source import DirectoryLedger
from shared.audit.leaves import encode_entry, encode_leaf
from shared.audit.notes import encode_vkey
from shared.keys.base64url import encode_b64u
from shared.keys.instruments import sign_instruments, verify_instruments
from shared.keys.private import generate_ed25519
from shared.keys.trust import Trust
from tests.unit.audit.paper_log import PaperLog, log_signers
from tests.unit.keys.parties import ExchangeOnTest
from tests.unit.services.desk import INSTRUMENTS


class YearLedger:
    """Begins with the enrolments and the registry."""

    def __init__(self, exchange: ExchangeOnTest, at: datetime) -> None:
        self.entries: list[bytes] = []
        self._exchange = exchange
        self._receipts = generate_ed25519()
        self._origin = exchange.directory.exchange
        for seq, event in enumerate(exchange.documents, start=1):
            self._say(at, "directory.key-event", event=json.loads(event), seq=seq)
        document = sign_instruments(INSTRUMENTS.read_bytes(), exchange.operators[:2], self._origin)
        published = verify_instruments(document, exchange.operator_keys, 2, self._origin)
        digest = encode_b64u(hashlib.sha256(published.registry).digest())
        self._say(at, "directory.instruments", registry_sha256=digest, version=1, document=json.loads(document))

    def take(self, leaves: Iterable[bytes], at: datetime) -> None:
        self.entries += [encode_entry(at, leaf) for leaf in leaves]

    def audit(self, folder: Path) -> AuditReport:
        """What an auditor finds who has the ledger and the trust file, and nothing else."""
        log = PaperLog(origin=self._origin)
        log.append(self.entries)
        for path, data in log.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return verify_ledger(DirectoryLedger(folder), self._trust())

    def _trust(self) -> Trust:
        ed25519, mldsa44 = log_signers(self._origin)
        return Trust(
            origin=self._origin,
            log_vkeys=(encode_vkey(ed25519.vkey), encode_vkey(mldsa44.vkey)),
            operator_keys=tuple(self._exchange.operator_keys),
            operator_quorum=2,
            receipt_key=self._receipts.public_key(),
            witness_policy="none",
            environment="development",
        )

    def _say(self, at: datetime, type_: str, **fields: Any) -> None:
        self.take([encode_leaf(type_, at, secrets.token_bytes(16), **fields)], at)
