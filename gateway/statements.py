"""Signs which key event is the newest: once for each look at the store, whoever asks and how often.

`FreshDirectory` looks at most once a second for this, so that a gateway makes at most one of these signatures a second.
"""

from __future__ import annotations

from datetime import datetime

from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.keys.directory import Directory
from shared.keys.private import Ed25519Signer


class Statements:
    def __init__(self, exchange: str, signer: Ed25519Signer) -> None:
        self._exchange = exchange
        self._signer = signer
        self._made: tuple[DirectoryStatement, str] | None = None

    def sign(self, directory: Directory, looked_at: datetime) -> str:
        """That this was the newest directory when the store was looked at."""
        statement = DirectoryStatement(self._exchange, directory.index, directory.head, looked_at)
        if self._made is None or self._made[0] != statement:
            self._made = statement, sign_statement(statement, self._signer)
        return self._made[1]
