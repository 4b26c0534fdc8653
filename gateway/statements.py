"""Signs which key event and which registry of instruments are the newest: once for each look at the store.

`FreshDirectory` looks at most once a second for this, so that a gateway makes at most one of these signatures a second.
"""

from __future__ import annotations

from datetime import datetime

from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.keys.directory import Directory
from shared.keys.private import Ed25519Signer
from shared.ports.keyring import PublishedInstruments


class Statements:
    def __init__(self, exchange: str, signer: Ed25519Signer) -> None:
        self._exchange = exchange
        self._signer = signer
        self._made: tuple[DirectoryStatement, str] | None = None

    def sign(self, directory: Directory, instruments: PublishedInstruments, looked_at: datetime) -> str:
        """That these were the newest when the store was looked at."""
        statement = DirectoryStatement(
            self._exchange, directory.index, directory.head, looked_at, instruments.number, instruments.digest
        )
        if self._made is None or self._made[0] != statement:
            self._made = statement, sign_statement(statement, self._signer)
        return self._made[1]
