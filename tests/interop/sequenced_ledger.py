"""A ledger as our own code makes it, end to end: the sequencer's rounds on SQLite, the gateway's proofs, and the static
copy that `comity ledger export` keeps, exported again after every few rounds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.ledger_export import export_ledger
from client.ledger_source import CHECKPOINT
from services.ledger.admission import LeafReader
from services.ledger.handler import LogSigners, Sequencer
from shared.adapters.clock import SystemClock
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.proofs import ProofMaker
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.schema import migrate
from shared.audit.notes import encode_vkey
from shared.audit.proofs import TlogProof, parse_proof
from shared.audit.tiles import TILE_WIDTH, Tile, encode_bundle, parse_path
from shared.errors import NotThere
from shared.ports.unit_of_work import Effects
from shared.runtime.crash_points import reach_nothing
from tests.conformance.stores import write
from tests.unit.audit.paper_log import ORIGIN, keys_of, log_signers, started_leaf
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.frame.services import SIGNERS, leaf_opener

MOST_IN_A_ROUND = 300


@dataclass(frozen=True)
class SequencedLedger:
    """`checkpoints` are all that were exported, oldest first; `proofs` are of the newest."""

    directory: Path
    vkeys: Path
    checkpoints: tuple[bytes, ...]
    proofs: tuple[TlogProof, ...]

    @property
    def files(self) -> list[Path]:
        return sorted(one for one in self.directory.rglob("*") if one.is_file())


def sequenced_ledger(place: Path, leaves: int, chance: random.Random, proofs: int = 20) -> SequencedLedger:
    """A ledger of this many leaves in rounds of any size."""
    trust, checkpoints, placed = PaperExchange().trust(), [], 0
    with asyncio.Runner() as runner, _store(runner, place / "ledger.sqlite3") as store:
        signers = LogSigners(*log_signers(), SIGNERS["ledger"])
        memory = FileHeadMemory(place, ORIGIN)
        ledger = SqlLedger(store)
        reader = LeafReader(leaf_opener())
        sequencer = Sequencer(ledger, memory, ORIGIN, signers, SystemClock(), reach_nothing, reader)
        source = _Served(ledger, runner)
        while placed < leaves:
            count = min(chance.randrange(1, MOST_IN_A_ROUND), leaves - placed)
            waiting = [started_leaf(number) for number in range(placed, placed + count)]
            runner.run(write(store, Effects(leaves=waiting)))
            placed += runner.run(sequencer.run_round())
            if chance.random() < 0.5 or placed == leaves:
                export_ledger(source, place / "copy", trust)
                checkpoints.append(source.read(CHECKPOINT))
        maker = ProofMaker(ledger, checkpoints[-1])
        proven = [runner.run(maker.prove(chance.randrange(leaves))) for _ in range(proofs)]
    vkeys = place / "ledger.vkey"
    vkeys.write_text("".join(f"{encode_vkey(key)}\n" for key in (keys_of().ed25519, keys_of().mldsa44)))
    return SequencedLedger(
        place / "copy", vkeys, tuple(checkpoints), tuple(parse_proof(one.encode()) for one in proven if one)
    )


@contextmanager
def _store(runner: asyncio.Runner, file: Path) -> Iterator[Store]:
    url = f"sqlite+aiosqlite:///{file}"
    runner.run(migrate(url))
    store = Store(url)
    try:
        yield store
    finally:
        runner.run(store.close())


@dataclass
class _Served:
    """The files as the gateway makes them of what is stored."""

    ledger: SqlLedger
    runner: asyncio.Runner

    def read(self, path: str) -> bytes:
        found = self.runner.run(self._read(path))
        if found is None:
            raise NotThere()
        return found

    async def _read(self, path: str) -> bytes | None:
        if path == CHECKPOINT:
            return await self.ledger.checkpoint()
        place = parse_path(path)
        if isinstance(place, Tile):
            return await self.ledger.tile(place.level, place.index, place.width)
        return encode_bundle(await self.ledger.entries(place.index * TILE_WIDTH, place.width))
