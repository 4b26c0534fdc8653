"""Where `comity serve all` writes: its data directory with the SQLite files, its log, and the ledger as exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from client.ledger_export import export_ledger
from tests.canary_harvest import Control
from tests.canary_letters import RABAT, Letter
from tests.exchange_process import EnrolledExchange


def controls_of(exchange: EnrolledExchange, letters: Sequence[Letter]) -> list[Control]:
    """What the exchange is meant to know, wherever it keeps something."""
    dossier = letters[0].dossier
    header = f'"dossier":"{dossier}","profile":"mla-request"'
    messages = tuple(letter.message for letter in letters)
    return [
        Control("a dossier's id in the file of the database", "exchange.sqlite3", (dossier,)),
        Control("a dossier's id in a column", "exchange.sqlite3: leg.dossier", (dossier,)),
        Control("the id of any message in the write-ahead log", "exchange.sqlite3-wal", messages),
        Control("a header in a manifest in a signature", "exchange.sqlite3: envelope.jws (in base64)", (header,)),
        Control("the same in the exported ledger", "ledger/tile/entries", (header,)),
        Control("the name of a caller's key in the log", "exchange.log", (exchange.keys[RABAT].api_kid,)),
        Control("the exchange's name beside its keys", "exchange/trust.json", (exchange.trust.origin,)),
    ]


def places_of(exchange: EnrolledExchange) -> list[Path]:
    """Everything that the exchange wrote, the exported ledger included. It is killed afterwards."""
    ledger = exchange.place / "ledger"
    export_ledger(exchange.ledger(), ledger, exchange.trust)
    exchange.hang_up()
    exchange.process.kill()
    return [exchange.process.data, exchange.process.log, exchange.process.log.with_suffix(".out"), ledger]
