"""A ledger process and two witnesses, over roads that can be cut and answers that can be forged."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry
from typing_extensions import override

from services.ledger.admission import LeafReader
from services.ledger.handler import LogSigners, Sequencer
from services.ledger.witnesses import Witnessing
from shared.adapters.clock import SystemClock
from shared.adapters.sql.cosignatures import SqlCosignatures
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.witness_calls import HttpWitnessCalls
from shared.audit.notes import encode_vkey
from shared.audit.quorum import CheckpointRule, rule_of
from shared.audit.tree import hash_leaf
from shared.runtime.crash_points import reach_nothing
from shared.runtime.meters import Meters, WitnessingMeters
from tests.conformance.test_sequencer import PaperMemory, let_wait
from tests.fakes import FakeClock
from tests.merkle import root_of
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.audit.test_quorum import trust
from tests.unit.frame.services import SIGNERS, leaf_opener
from tests.unit.witness.watching import Witness
from witness.keys import init_witness
from witness.memory import add_log

NAMES = ("w1", "w2")
SOON_S = 30.0


class Roads(httpx2.AsyncBaseTransport):
    """The way to each witness, over the network to one that is not in this process; `down` ones are not reached, and
    `answers` stand in for what one says."""

    def __init__(self) -> None:
        self.to: dict[str, Witness] = {}
        self.down: set[str] = set()
        self.answers: dict[str, Callable[[httpx2.Request], httpx2.Response]] = {}
        self.after: dict[str, Callable[[httpx2.Request], httpx2.Response]] = {}
        """What becomes of an answer on its way back."""
        self._network = httpx2.AsyncHTTPTransport()

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.host
        if name in self.down:
            raise httpx2.ConnectError("nobody listens")
        if name in self.answers:
            return self.answers[name](request)
        if name in self.to:
            answer = await httpx2.ASGITransport(app=self.to[name].app).handle_async_request(request)
            return self.after[name](request) if name in self.after else answer
        return await self._network.handle_async_request(request)


@dataclass
class Stage:
    """One ledger process at a time, and its witnesses."""

    store: Store
    roads: Roads
    rule: CheckpointRule
    memory: PaperMemory = field(default_factory=PaperMemory)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    leaves: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = HttpWitnessCalls(self.roads)
        ledger, meters = SqlLedger(self.store), WitnessingMeters(Meters(self.registry))
        signers = LogSigners(*log_signers(), SIGNERS["ledger"])
        self.sequencer = Sequencer(
            ledger, self.memory, ORIGIN, signers, FakeClock(), reach_nothing, LeafReader(leaf_opener())
        )
        self.witnessing = Witnessing(
            self.rule,
            ledger,
            SqlCosignatures(self.store),
            self.calls,
            SystemClock(),
            meters,
            self.sequencer.hold_against,
        )
        await self.witnessing.look_back()
        self._stop = asyncio.Event()
        self._running = [asyncio.create_task(self.witnessing.run(self._stop))]

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._running)
        await self.calls.close()

    async def grow(self, count: int = 1) -> int:
        """One round with so many more leaves; the size after it."""
        await let_wait(self.store, *(b"%d" % (self.leaves + each) for each in range(count)))
        self.leaves += count
        await self.sequencer.run_round()
        self.witnessing.tell()
        return self.leaves

    async def served(self) -> tuple[int, list[str]]:
        """The size that readers see, and who cosigned it. What is served verifies, and is over the stored entries."""
        note = await SqlLedger(self.store, needs_quorum=True).checkpoint()
        if note is None:
            return 0, []
        checkpoint = self.rule.verify(note)
        hashes = [hash_leaf(entry) for entry in await SqlLedger(self.store).entries(0, 100_000)]
        assert checkpoint.head.root == root_of(hashes[: checkpoint.head.size])
        return checkpoint.head.size, self.rule.witnesses_of(checkpoint)

    async def until_served(self, size: int, *cosigners: str) -> None:
        async with asyncio.timeout(SOON_S):
            while await self.served() != (size, [*cosigners]):
                await asyncio.sleep(0.02)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not is_so():
                await asyncio.sleep(0.02)

    def figure(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def policy_of(directory: Path, quorum: str) -> str:
    lines = []
    for name in NAMES:
        keys = init_witness(directory / name, f"{name}.example/witness")
        add_log(directory / name, ORIGIN, [signer.vkey for signer in log_signers()], None)
        lines.append(f"witness {name} {encode_vkey(keys.signers[0].vkey)} http://{name}")
    return "\n".join([*lines, f"group g {quorum} {' '.join(NAMES)}", "quorum g"])


async def a_stage(store: Store, directory: Path, quorum: str) -> Stage:
    roads = Roads()
    stage = Stage(store, roads, rule_of(trust(policy_of(directory, quorum))))
    roads.to = {name: Witness(directory / name) for name in NAMES}
    await stage.start()
    return stage
