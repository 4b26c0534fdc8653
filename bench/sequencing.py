"""`python -m bench.sequencing DIRECTORY`: our ledger on SQLite, told line by line what to do. See bench/orders.py.

`append` runs the sequencer's own rounds: what waits is opened, judged, placed and removed, tiles and head are committed
to the disk, the head is kept outside the database, synced, and signed with both keys, the checkpoint committed. Only
the leaves' way into the waiting table is not counted: it is part of the transactions of those who write them. Nor is
its first round, which reads back what was placed lately. `store` is a part of it: leaves that nobody judges are hashed,
placed and committed with tiles and root, and no head is kept or signed. `grow` does so in larger rounds, dated a day
ago: a ledger of a million leaves was not written in the last minute. `hash` is the tree alone: leaf hashes, tiles,
root, and no storage but the partial tiles.

Each tells the time by the clock on the wall and the CPU time of this process: the second is disturbed less by others.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.orders import Spent, obey
from services.ledger.admission import LeafReader
from services.ledger.handler import ROUND_LEAVES, LogSigners, Sequencer
from services.ledger.policy import plan_round
from shared.adapters.clock import SystemClock
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.keyfiles import ServiceKeyPair
from shared.adapters.proofs import ProofMaker
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.schema import migrate
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.audit.checkpoint import LogKeys
from shared.audit.leaves import digest_of_leaf, encode_leaf
from shared.audit.notes import SignatureType
from shared.audit.proofs import parse_proof, verify_proof
from shared.audit.signers import signer_from_seed
from shared.audit.tiles import Tile, build_tiles
from shared.audit.tree import hash_leaf
from shared.domain.ids import encode_time, new_uuid7
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.roster import Roster, ServiceKeys
from shared.ports.unit_of_work import Effects
from shared.runtime.crash_points import reach_nothing
from shared.runtime.garbage import collect_seldom
from shared.runtime.sealed_rows import build_leaf_opener, build_row_seal

ORIGIN: Final = "bench.example/log"
GROWN_AT_ONCE: Final = 5_000
GROWN_AGO: Final = timedelta(days=1)


class Leaves:
    """Valid leaves that tell of deliveries, each another and dated as it is written; made by filling in a form, since
    making is not measured."""

    def __init__(self) -> None:
        now = SystemClock().now()
        self._written, self._nonce = encode_time(now).encode(), encode_b64u(bytes(16)).encode()
        fields = {"message": new_uuid7(now), "dossier": new_uuid7(now), "recipient": "BE.PF"}
        digest = encode_b64u(secrets.token_bytes(32))
        self._form = encode_leaf("evidence.delivery", now, bytes(16), **fields, envelope_sha256=digest)

    def next(self, count: int, now: datetime) -> list[bytes]:
        """Written at `now`, but for some microseconds each."""
        times = (encode_time(now + timedelta(microseconds=number)).encode() for number in range(count))
        forms = (self._form.replace(self._written, time) for time in times)
        return [form.replace(self._nonce, encode_b64u(secrets.token_bytes(16)).encode()) for form in forms]


class OurLedger:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._url = f"sqlite+aiosqlite:///{directory.resolve() / 'ledger.sqlite3'}"
        self._leaves = Leaves()
        ed25519, mldsa44 = (
            signer_from_seed(ORIGIN, kind, bytes(32)) for kind in (SignatureType.ED25519, SignatureType.MLDSA44)
        )
        routing, ledger = map(_key_pair, ("routing", "ledger"))
        publics = {
            pair.service: ServiceKeys(pair.service, pair.signer.public_key(), pair.opener.public_key())
            for pair in (routing, ledger)
        }
        self._signers = LogSigners(ed25519, mldsa44, ledger.signer)
        roster = Roster(ORIGIN, SystemClock().now(), publics)
        self._seal = build_row_seal(routing, roster, SystemClock())
        self._reader = LeafReader(build_leaf_opener(ledger, roster))
        self._edge: dict[Tile, bytes] = {}
        self._hashed = 0

    async def open(self) -> None:
        await migrate(self._url)
        self._store = Store(self._url)
        self._ledger = SqlLedger(self._store)
        memory = FileHeadMemory(self._directory, ORIGIN)
        self._units = SqlUnitsOfWork(self._store, "routing", SystemClock(), self._seal)
        self._sequencer = Sequencer(
            self._ledger, memory, ORIGIN, self._signers, SystemClock(), reach_nothing, self._reader
        )

    async def grow(self, to: int) -> dict[str, Any]:
        """The size after that. What a process that was killed had committed is signed first, and counts."""
        await self._sequencer.run_round()
        size, now = await self._ledger.checkpoint_size(), SystemClock().now() - GROWN_AGO
        while size < to:
            size = await self._store_round(self._leaves.next(min(GROWN_AT_ONCE, to - size), now), now)
        await self._sequencer.run_round()  # signs the newest head
        return {"size": await self._ledger.checkpoint_size()}

    async def append(self, leaves: int) -> dict[str, Any]:
        spent = Spent()
        for number in range(1 + leaves // ROUND_LEAVES):
            async with self._units.begin() as unit:
                await unit.write(Effects(leaves=self._leaves.next(ROUND_LEAVES, SystemClock().now())))
                await unit.commit()
            with spent if number else nullcontext():
                placed = await self._sequencer.run_round()
            assert placed == ROUND_LEAVES
        return {**spent.told(), "size": await self._ledger.checkpoint_size()}

    async def store(self, leaves: int) -> dict[str, Any]:
        spent = Spent()
        for _ in range(leaves // ROUND_LEAVES):
            now = SystemClock().now()
            waiting = self._leaves.next(ROUND_LEAVES, now)
            with spent:
                await self._store_round(waiting, now)
        await self._sequencer.run_round()
        return {**spent.told(), "size": await self._ledger.checkpoint_size()}

    async def _store_round(self, leaves: list[bytes], now: datetime) -> int:
        """The size after them."""
        async with self._ledger.round() as round_:
            assert round_ is not None
            placed = {digest_of_leaf(leaf): leaf for leaf in leaves}
            head = await round_.head()
            planned = plan_round(head, await round_.edge(head.size) if head else {}, placed, now)
            await round_.append(planned.leaves, planned.tiles, self._sequencer.sealed(planned.head), [])
            await round_.commit()
        return planned.head.size

    async def prove(self, indexes: list[int]) -> dict[str, Any]:
        """Whole tlog-proofs, as the gateway makes them, from a store that was just opened; the last one is verified."""
        await self._store.close()
        await self.open()
        seconds, proof = [], None
        for index in indexes:
            began = time.perf_counter()
            proof = await ProofMaker(self._ledger, await self._ledger.checkpoint()).prove(index)
            seconds.append(time.perf_counter() - began)
        assert proof is not None
        keys = LogKeys(self._signers.ed25519.vkey, self._signers.mldsa44.vkey)
        assert verify_proof(proof.encode(), parse_proof(proof.encode()).extra, keys).index == indexes[-1]
        return {"seconds": seconds}

    async def hash(self, leaves: int) -> dict[str, Any]:
        """The tree in memory goes on from order to order; `seconds` for these leaves in rounds."""
        spent = Spent()
        for _ in range(leaves // ROUND_LEAVES):
            entries = self._leaves.next(ROUND_LEAVES, SystemClock().now())
            with spent:
                made = build_tiles(self._hashed, [hash_leaf(entry) for entry in entries], self._edge.__getitem__)
                self._edge = {
                    tile: data for tile, data in (self._edge | dict(made.tiles)).items() if _is_edge(tile, made.size)
                }
                self._hashed = made.size
        return {**spent.told(), "size": self._hashed}


def _key_pair(service: str) -> ServiceKeyPair:
    """The same in every process: a ledger that is kept is gone on with under the keys that it was begun with."""
    seed = sha256(f"bench {service}".encode()).digest()
    return ServiceKeyPair(service, Ed25519Signer(seed), XWingOpener(seed))


def _is_edge(tile: Tile, size: int) -> bool:
    return divmod(size >> (8 * tile.level), 256) == (tile.index, tile.width)


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    ours = OurLedger(directory)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as every service runs
        runner.run(ours.open())
        collect_seldom()

        def ordered(do: Callable[..., Coroutine[Any, Any, dict[str, Any]]]) -> Callable[..., dict[str, Any]]:
            return lambda **given: runner.run(do(**given))

        obey({one.__name__: ordered(one) for one in (ours.grow, ours.append, ours.store, ours.prove, ours.hash)})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
