"""Where a ledger is read from: the exchange itself, or a directory that somebody exported. Both hold the same files.

A source is believed in nothing: what it gives is compared with the signed checkpoint. One that lacks a file has a
ledger that cannot be verified: NotThere. A copy that this machine does not let its reader read is not judged at all:
RequestFileInvalid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from client.exchange import Exchange
from shared.audit.tiles import TILE_WIDTH, Bundle, encode_bundle, parse_bundle, parse_path
from shared.audit.tree import HASH_BYTES
from shared.errors import CallNotPermitted, LedgerInvalid, MandateMissing, NotThere, RequestFileInvalid

CHECKPOINT: Final = "checkpoint"


class LedgerSource(Protocol):
    """`checkpoint` and `tile/…` by the paths of C2SP tlog-tiles."""

    def read(self, path: str) -> bytes:
        """The file's bytes. Raises NotThere, and what keeps the reader from the source as a whole."""
        ...


class ExchangeLedger:
    """The ledger that an exchange serves; entries need the key of an auditor with the full mandate: MandateMissing."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def read(self, path: str) -> bytes:
        if path == CHECKPOINT:
            return self._exchange.checkpoint()
        try:
            return self._exchange.log_file(path)
        except CallNotPermitted:  # tiles of hashes are open to whoever may read the checkpoint
            raise MandateMissing() from None


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
        except (IsADirectoryError, NotADirectoryError) as other:  # what lies there is no ledger's, whoever reads it
            raise LedgerInvalid(why=f"{path} cannot be read: {other.strerror}") from None
        except OSError as kept_away:
            raise RequestFileInvalid(file=self._directory / path, why=kept_away.strerror) from None


def _beginning(path: str, full: bytes, width: int) -> bytes:
    if isinstance(parse_path(path), Bundle):
        return encode_bundle(parse_bundle(full, TILE_WIDTH)[:width])
    return full[: width * HASH_BYTES]
