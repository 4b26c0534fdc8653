"""The ledger and its witnesses (`services/ledger/witnesses.py`): real storage, real witnesses, bad roads between."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import delete, update
from typing_extensions import override

from services.ledger.handler import LogSigners, Sequencer
from services.ledger.witnesses import Witnessing
from shared.adapters.clock import SystemClock
from shared.adapters.durable_file import write_durably
from shared.adapters.sql.cosignatures import SqlCosignatures
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.adapters.witness_calls import HttpWitnessCalls
from shared.audit.notes import encode_vkey
from shared.audit.quorum import CheckpointRule, rule_of
from shared.audit.tree import hash_leaf
from shared.errors import LedgerForked
from shared.ports.unit_of_work import Effects
from shared.runtime.crash_points import reach_nothing
from shared.runtime.meters import Meters, WitnessingMeters
from tests.conformance.stores import row_counts, rows_of, write
from tests.conformance.test_sequencer import PaperMemory, set_back
from tests.fakes import FakeClock
from tests.merkle import root_of
from tests.unit.audit.paper_log import ORIGIN, log_signers
from tests.unit.audit.test_quorum import trust
from tests.unit.witness.watching import Witness
from witness import memory as witness_memory
from witness.keys import init_witness
from witness.memory import add_log

NAMES = ("w1", "w2")
SOON_S = 30.0


class Roads(httpx2.AsyncBaseTransport):
    """The way to each witness; `down` ones are not reached, and `answers` stand in for what one says."""

    def __init__(self) -> None:
        self.to: dict[str, Witness] = {}
        self.down: set[str] = set()
        self.answers: dict[str, Callable[[httpx2.Request], httpx2.Response]] = {}

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.host
        if name in self.down:
            raise httpx2.ConnectError("nobody listens")
        if name in self.answers:
            return self.answers[name](request)
        return await httpx2.ASGITransport(app=self.to[name].app).handle_async_request(request)


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
        signers = LogSigners(*log_signers())
        self.sequencer = Sequencer(ledger, self.memory, ORIGIN, signers, FakeClock(), reach_nothing)
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
        await write(self.store, Effects(leaves=[b"%d" % (self.leaves + each) for each in range(count)]))
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


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    """Either witness is enough."""
    made = await a_stage(store, tmp_path, "any")
    yield made
    await made.stop()


@pytest.fixture
async def strict(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    """Both witnesses must sign."""
    made = await a_stage(store, tmp_path, "all")
    yield made
    await made.stop()


# --- what is served


async def test_a_checkpoint_is_served_with_every_cosignature(strict: Stage) -> None:
    for count in (1, 4, 300):
        await strict.until_served(await strict.grow(count), *NAMES)
    assert await row_counts(strict.store) == {
        "ledger_leaf": 305,
        "ledger_tile": 1,
        "ledger_checkpoint": 3,
        "ledger_note": 3,
        "ledger_cosignature": 6,
        "ledger_quorum": 3,
    }
    assert strict.figure("comity_ledger_quorum_size") == 305
    assert strict.figure("comity_ledger_cosignatures_total", witness="w1") == 3


async def test_a_witness_that_is_down_delays_nothing_that_the_policy_does_not_require(stage: Stage) -> None:
    stage.roads.down = {"w2"}
    for _ in range(3):
        await stage.until_served(await stage.grow(), "w1")
    await stage.until(lambda: stage.figure("comity_ledger_witness_silent", witness="w2") == 1)
    stage.roads.down = set()
    await stage.until_served(3, *NAMES)
    assert stage.figure("comity_ledger_witness_silent", witness="w2") == 0


async def test_nothing_is_served_without_the_quorum_and_the_rounds_go_on(strict: Stage) -> None:
    await strict.until_served(await strict.grow(), *NAMES)
    strict.roads.down = {"w2"}
    for _ in range(3):
        await strict.grow()
    await strict.until(lambda: strict.figure("comity_ledger_quorum_missing_seconds") > 0.2)
    assert await strict.served() == (1, [*NAMES])
    assert len(await rows_of(strict.store, "ledger_note")) == 4, "the log signs what it places"
    strict.roads.down = set()
    await strict.until_served(4, *NAMES)
    await strict.until(lambda: strict.figure("comity_ledger_quorum_missing_seconds") == 0)


async def test_a_witness_that_was_killed_goes_on_where_it_was(strict: Stage) -> None:
    await strict.until_served(await strict.grow(7), *NAMES)
    strict.roads.to["w1"] = await strict.roads.to["w1"].restarted()
    await strict.until_served(await strict.grow(9), *NAMES)


async def test_a_ledger_that_was_killed_asks_for_what_it_lacked(strict: Stage) -> None:
    strict.roads.down = {"w2"}
    await strict.grow(5)
    await strict.until(lambda: strict.figure("comity_ledger_cosignatures_total", witness="w1") == 1)
    await strict.stop()
    assert await strict.served() == (0, [])
    strict.roads.down = set()
    await strict.start()
    await strict.until_served(5, *NAMES)


async def test_on_the_full_disk_of_a_witness_the_others_go_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Path, content: bytes) -> None:
        if "w1" in file.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_durably(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(witness_memory, "write_durably", full)
        await stage.until_served(await stage.grow(), "w2")
        await stage.until(lambda: stage.figure("comity_ledger_witness_silent", witness="w1") == 1)
    await stage.until_served(1, *NAMES)


# --- forks


async def rounds_for_ever(stage: Stage) -> None:
    while True:
        await stage.sequencer.run_round()
        await asyncio.sleep(0.05)


async def test_a_database_that_was_set_back_is_found_by_what_a_witness_shows(strict: Stage) -> None:
    """The machine is lost, and its memory of heads with it; a backup is restored on another."""
    for _ in range(3):
        await strict.until_served(await strict.grow(), *NAMES)
    await strict.stop()
    await set_back(strict.store, 1)
    strict.memory = PaperMemory()
    strict.roads.down = {"w1"}
    await strict.start()
    with pytest.raises(LedgerForked, match="signed 3 entries"):
        await strict.grow()
    assert len(await rows_of(strict.store, "ledger_note")) == 1, "no second tree was signed"


async def test_a_fork_finds_no_witness_and_stops_the_ledger_that_has_it(strict: Stage) -> None:
    """The witnesses are out of reach when it starts, and it has signed another tree when they come back."""
    await strict.until_served(await strict.grow(5), *NAMES)
    await strict.stop()
    await set_back(strict.store, 0)
    async with strict.store.write() as connection:
        await connection.execute(delete(METADATA.tables["ledger_cosignature"]))
        await connection.execute(delete(METADATA.tables["ledger_quorum"]))
    strict.memory, strict.leaves, strict.roads.down = PaperMemory(), 1000, set(NAMES)
    await strict.start()
    await strict.grow(7)
    strict.roads.down = set()
    await strict.until(lambda: strict.figure("comity_ledger_witness_refusals_total", witness="w1", reason="fork") > 0)
    assert await strict.served() == (0, [])
    async with asyncio.timeout(SOON_S):
        with pytest.raises(LedgerForked, match="first 5 entries"):
            await rounds_for_ever(strict)
    kept = [file for name in NAMES for file in (strict.roads.to[name].directory / "evidence").iterdir()]
    assert kept, "the witnesses hold what the log signed against itself"


# --- witnesses that are no good


async def test_a_liar_cannot_stop_the_ledger(stage: Stage) -> None:
    size = {"Content-Type": "text/x.tlog.size"}
    stage.roads.answers["w1"] = lambda request: (
        httpx2.Response(409, content=b"1000000\n", headers=size)
        if request.method == "POST"
        else httpx2.Response(200, content=b"comity.example/log\n9\nAAAA\n\n\xe2\x80\x94 x AAAAAAAAAA==\n")
    )
    await stage.until_served(await stage.grow(), "w2")
    counted = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(counted, witness="w1", reason="larger") > 0)
    await stage.until(lambda: stage.figure(counted, witness="w1", reason="invalid") > 0)
    await stage.until_served(await stage.grow(), "w2")


NO_GOOD: dict[str, tuple[int, bytes]] = {
    "nothing": (200, b""),
    "no signature line": (200, b"I was here\n"),
    "another's line": (200, "— stranger.example AAAAAAAAAAAAAA==\n".encode()),
    "an endless answer": (200, b"x" * 1_000_000),
    "a redirect": (307, b""),
    "an error": (500, b""),
    "a refusal": (404, b"unknown log"),
}


@pytest.mark.parametrize("answer", NO_GOOD)
async def test_what_is_no_cosignature_is_not_kept(stage: Stage, answer: str) -> None:
    status, body = NO_GOOD[answer]
    stage.roads.answers["w1"] = lambda _: httpx2.Response(status, content=body)
    await stage.until_served(await stage.grow(), "w2")
    assert [row.key.partition("+")[0] for row in await rows_of(stage.store, "ledger_cosignature")] == [
        "w2.example/witness"
    ]


async def test_a_cosignature_of_another_checkpoint_is_not_kept(stage: Stage) -> None:
    await stage.until_served(await stage.grow(), *NAMES)
    [first] = [row.line for row in await rows_of(stage.store, "ledger_cosignature") if row.key.startswith("w1")]
    stage.roads.answers["w1"] = lambda _: httpx2.Response(200, content=first)
    await stage.until_served(await stage.grow(), "w2")
    refused = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(refused, witness="w1", reason="invalid") > 0)


async def test_a_witness_that_forgot_is_told_of(stage: Stage, tmp_path: Path) -> None:
    await stage.until_served(await stage.grow(), *NAMES)
    await stage.until_served(await stage.grow(), *NAMES)
    size = {"Content-Type": "text/x.tlog.size"}
    stage.roads.answers["w1"] = lambda _: httpx2.Response(409, content=b"1\n", headers=size)
    await stage.until_served(await stage.grow(), "w2")
    refused = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(refused, witness="w1", reason="forgot") > 0)


# --- the rows


async def test_a_line_that_is_kept_stays(store: Store) -> None:
    kept = SqlCosignatures(store)
    await kept.add(3, {"a": b"first", "b": b"b"}, is_quorum=False)
    await kept.add(3, {"a": b"second", "c": b"c"}, is_quorum=True)
    await kept.add(3, {}, is_quorum=True)
    assert await kept.lines(3) == {"a": b"first", "b": b"b", "c": b"c"}
    assert await kept.lines(4) == {}
    assert await kept.newest_signed() is None


async def test_without_a_policy_the_newest_signed_checkpoint_is_served(store: Store) -> None:
    await write(store, Effects(leaves=[b"1"]))
    await Sequencer(
        SqlLedger(store), PaperMemory(), ORIGIN, LogSigners(*log_signers()), FakeClock(), reach_nothing
    ).run_round()
    assert (await SqlLedger(store).checkpoint_size(), await SqlLedger(store, True).checkpoint_size()) == (1, 0)
    assert await SqlLedger(store, True).checkpoint() is None
    await SqlCosignatures(store).add(1, {"a": b"line\n"}, is_quorum=False)
    note = await SqlLedger(store).checkpoint()
    assert note is not None
    assert note.endswith(b"line\n")
    async with store.write() as connection:
        await connection.execute(update(METADATA.tables["ledger_cosignature"]).values(line=b"other\n"))
    assert (await SqlLedger(store).checkpoint() or b"").endswith(b"other\n")
