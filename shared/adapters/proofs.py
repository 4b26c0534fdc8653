"""Proofs that an entry stands in the ledger, made from stored tiles. They prove themselves: nobody has to trust
this code."""

from __future__ import annotations

from collections.abc import Sequence

from shared.audit.checkpoint import parse_checkpoint
from shared.audit.proofs import TlogProof, encode_proof
from shared.audit.tiles import Tile, TileHashReader, check_tile, tiles_for_inclusion
from shared.audit.tree import prove_inclusion
from shared.errors import LedgerInvalid
from shared.ports.ledger import Ledger


class ProofMaker:
    """Makes proofs against one checkpoint, for one call; each tile is read once."""

    def __init__(self, ledger: Ledger, checkpoint: bytes | None) -> None:
        self._ledger = ledger
        self._checkpoint = checkpoint
        self._size = 0 if checkpoint is None else parse_checkpoint(checkpoint).size
        self._tiles: dict[Tile, bytes] = {}

    async def prove(self, index: int | None) -> str | None:
        """The tlog-proof of the entry at this index, the entry itself as its `extra` data, so that the proof is whole.

        None while no signed checkpoint covers it. Raises LedgerInvalid.
        """
        if self._checkpoint is None or index is None or index >= self._size:
            return None
        await self._read([tile for tile in tiles_for_inclusion(index, self._size) if tile not in self._tiles])
        path = prove_inclusion(index, self._size, TileHashReader(self._size, self._tiles.__getitem__))
        entries = await self._ledger.entries(index, 1)
        if not entries:
            raise LedgerInvalid(why=f"entry {index} is missing below a signed checkpoint of size {self._size}")
        return encode_proof(TlogProof(index, tuple(path), self._checkpoint, entries[0])).decode()

    async def _read(self, tiles: Sequence[Tile]) -> None:
        read = await self._ledger.tiles(tiles) if tiles else {}
        for tile in tiles:
            if tile not in read:
                raise LedgerInvalid(why=f"{tile.path} is missing below a signed checkpoint of size {self._size}")
            self._tiles[tile] = check_tile(tile, read[tile])
