"""Where a ledger is read from: the exchange itself, or a directory that somebody exported. Both hold the same files.

A source is believed in nothing: what it gives is compared with the signed checkpoint. One that lacks a file has a
ledger that cannot be verified: NotThere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from client.exchange import Exchange
from shared.audit.tiles import TILE_WIDTH, Bundle, encode_bundle, parse_bundle, parse_path
from shared.audit.tree import HASH_BYTES
from shared.errors import LedgerInvalid, NotThere

CHECKPOINT: Final = "checkpoint"


class LedgerSource(Protocol):
    """`checkpoint` and `tile/…` by the paths of C2SP tlog-tiles."""

    def read(self, path: str) -> bytes:
        """The file's bytes. Raises NotThere."""
        ...


class ExchangeLedger:
    """The ledger that an exchange serves; entries need an auditor's key."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def read(self, path: str) -> bytes:
        return self._exchange.checkpoint() if path == CHECKPOINT else self._exchange.log_file(path)


class DirectoryLedger:
    """A static directory, as `comity ledger export` and other tlog-tiles tools write it.

    A partial tile or bundle that was removed when the full one came is the beginning of that (tlog-tiles, "Partial
    Tiles").
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, path: str) -> bytes:
        try:
            return self._read(path)
        except NotThere:
            whole, partial, width = path.partition(".p/")
            if not partial:
                raise
            return _beginning(path, self._read(whole), int(width))

    def _read(self, path: str) -> bytes:
        try:
            return (self._directory / path).read_bytes()
        except FileNotFoundError:
            raise NotThere() from None
        except OSError as broken:
            raise LedgerInvalid(why=f"{path} cannot be read: {broken.strerror}") from None


def _beginning(path: str, full: bytes, width: int) -> bytes:
    if isinstance(parse_path(path), Bundle):
        return encode_bundle(parse_bundle(full, TILE_WIDTH)[:width])
    return full[: width * HASH_BYTES]
