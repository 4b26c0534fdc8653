"""Two trees of one size are never signed: at every crash point, with every database put back afterwards, and at random.

Every signature that is made counts, whether anybody ever saw it or not: what a process signed and lost may be found.
"""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from services.ledger.admission import LeafReader
from services.ledger.handler import LogSigners, Sequencer
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.audit.checkpoint import verify_checkpoint
from shared.audit.notes import NoteSigner, VerifierKey
from shared.audit.tiles import TileHashReader
from shared.audit.tree import hash_leaf, prove_consistency, verify_consistency
from shared.audit.tree_head import parse_hash
from shared.errors import LedgerForked
from shared.ports.ledger import KeptHead
from shared.runtime.crash_points import SEQUENCER_POINTS, Reach, reach_nothing
from tests.conformance.stores import OpenStore, rows_of
from tests.conformance.test_sequencer import Killed, PaperMemory, dying_at, set_back
from tests.conformance.test_sequencer import let_wait as let_named_wait
from tests.fakes import START, FakeClock
from tests.merkle import root_of
from tests.unit.audit.paper_log import ORIGIN, keys_of, log_signers
from tests.unit.frame.services import SIGNERS, leaf_opener

Signed = defaultdict[int, set[bytes]]
"""Size → the roots that were signed for it."""


@dataclass
class Watched:
    """A key of the log whose every signature is noted."""

    signer: NoteSigner
    signed: Signed

    @property
    def vkey(self) -> VerifierKey:
        return self.signer.vkey

    def sign(self, message: bytes) -> bytes:
        if message.startswith(b"subtree/v1"):  # the structure that ML-DSA-44 signs ends in size and root
            self.signed[int.from_bytes(message[-40:-32], "big")].add(message[-32:])
        else:
            _, size, root, _ = message.decode().split("\n")
            self.signed[int(size)].add(parse_hash(root, "the root"))
        return self.signer.sign(message)


@dataclass
class Machine:
    """One machine with its memory and the log's keys; its processes come and go."""

    state: Path
    clock: FakeClock = field(default_factory=FakeClock)
    signed: Signed = field(default_factory=lambda: defaultdict(set))

    def process(self, store: Store, reach: Reach = reach_nothing, published: KeptHead | None = None) -> Sequencer:
        ed25519, mldsa44 = (Watched(one, self.signed) for one in log_signers())
        memory, reader = FileHeadMemory(self.state, ORIGIN), LeafReader(leaf_opener())
        made = Sequencer(
            SqlLedger(store),
            memory,
            ORIGIN,
            LogSigners(ed25519, mldsa44, SIGNERS["ledger"]),
            self.clock,
            reach,
            reader,
        )
        if published is not None:
            made.hold_against(published)
        return made

    def assert_signed_one_tree(self, *, least: int) -> None:
        assert len(self.signed) >= least
        assert {size: len(roots) for size, roots in self.signed.items()} == dict.fromkeys(self.signed, 1)


async def let_wait(store: Store, *names: bytes) -> None:
    """Leaves that never waited before, as every leaf has its nonce."""
    await let_named_wait(store, *(name + secrets.token_bytes(8) for name in names))


async def run_until_rest(sequencer: Sequencer) -> None:
    while await sequencer.run_round():
        pass


@pytest.mark.parametrize("point", SEQUENCER_POINTS)
async def test_what_is_placed_after_a_crash_at_any_point_makes_no_second_tree_of_a_size_that_was_signed(
    open_store: OpenStore, point: str, tmp_path: Path
) -> None:
    """The clock has moved on and other leaves wait: whoever made the round again would make another tree."""
    machine, store = Machine(tmp_path), open_store()
    for count, armed in ((1, None), (2, point), (1, point), (1, point), (3, None)):
        await let_wait(store, *(b"%d" % number for number in range(count)))
        machine.clock.advance(1)
        if armed is None:
            await run_until_rest(machine.process(store))
        else:
            with pytest.raises(Killed):
                await machine.process(store, dying_at(armed)).run_round()
    machine.assert_signed_one_tree(least=2)
    notes = await rows_of(store, "ledger_note")
    assert verify_checkpoint(notes[-1].note, keys_of()).head.size == 8, "and nothing was lost"


@pytest.mark.parametrize("back_to", [0, 1, 3])
@pytest.mark.parametrize("point", SEQUENCER_POINTS)
async def test_an_old_database_put_back_after_a_crash_at_any_point_halts_or_goes_on_with_the_tree_that_was_signed(
    store: Store, point: str, back_to: int, tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    for leaves in ((b"1",), (b"2", b"3")):
        await let_wait(store, *leaves)
        await machine.process(store).run_round()
    await let_wait(store, b"4", b"5")
    with pytest.raises(Killed):
        await machine.process(store, dying_at(point)).run_round()
    kept = FileHeadMemory(tmp_path, ORIGIN).last()
    await set_back(store, back_to)
    machine.clock.advance(1)
    assert kept is not None
    for number in range(5):  # a round for each: every size that was ever signed is come by again
        await let_wait(store, b"other %d" % number)
        if kept.size > back_to:
            with pytest.raises(LedgerForked, match=f"signed {kept.size} entries"):
                await machine.process(store).run_round()
        else:
            await run_until_rest(machine.process(store))
    machine.assert_signed_one_tree(least=2)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_in_whatever_order_one_tree_is_signed_and_every_head_is_a_beginning_of_the_last(
    store: Store, seed: int, tmp_path: Path
) -> None:
    chance, machine = random.Random(seed), Machine(tmp_path)
    for _ in range(12):
        await let_wait(store, *(chance.randbytes(8) for _ in range(chance.randrange(0, 400))))
        machine.clock.jump(START + timedelta(seconds=chance.uniform(-50, 50)))
        running = machine.process(store, dying_at(chance.choice([*SEQUENCER_POINTS, "none"])))
        try:
            await run_until_rest(running)
        except Killed:
            continue
    await run_until_rest(machine.process(store))
    machine.assert_signed_one_tree(least=3)
    hashes = [hash_leaf(entry) for entry in await SqlLedger(store).entries(0, 10_000)]
    roots = {size: root for size, (root,) in machine.signed.items()}
    assert all(root == root_of(hashes[:size]) for size, root in roots.items())
    await assert_each_continues_to_the_last(SqlLedger(store), roots)


async def assert_each_continues_to_the_last(ledger: SqlLedger, roots: dict[int, bytes]) -> None:
    """By consistency proofs from the stored tiles, as a client makes them."""
    last = max(roots)
    tiles = {}
    for level in range(2):
        for number in range((last >> 8 * level) // 256 + 1):
            width = min(256, (last >> 8 * level) - 256 * number)
            if width:
                tiles[level, number] = await ledger.tile(level, number, width) or b""
    reader = TileHashReader(last, lambda tile: tiles[tile.level, tile.index])
    for size, root in roots.items():
        verify_consistency(size, root, last, roots[last], prove_consistency(size, last, reader))


# --- a copy that others hold


async def test_a_database_that_does_not_continue_the_published_copy_halts_a_machine_that_remembers_nothing(
    store: Store, tmp_path: Path
) -> None:
    old, new = Machine(tmp_path / "old"), Machine(tmp_path / "new")
    for machine in (old, new):
        machine.state.mkdir()
    await let_wait(store, b"1", b"2", b"3")
    await old.process(store).run_round()
    published = FileHeadMemory(old.state, ORIGIN).last()
    await set_back(store, 0)
    await let_wait(store, b"other 1", b"other 2")
    with pytest.raises(LedgerForked, match="a witness or the published copy holds a signed checkpoint of 3 entries"):
        await new.process(store, published=published).run_round()
    await let_wait(store, b"other 3", b"other 4")
    with pytest.raises(LedgerForked):
        await new.process(store, published=published).run_round()
    assert not new.signed


async def test_a_copy_that_is_older_than_the_database_stops_nothing(store: Store, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    await let_wait(store, b"1")
    await machine.process(store).run_round()
    published = FileHeadMemory(tmp_path, ORIGIN).last()
    for _ in range(2):
        await let_wait(store, b"2", b"3")
        await run_until_rest(machine.process(store, published=published))
    machine.assert_signed_one_tree(least=3)


async def test_a_machine_that_cannot_keep_a_head_signs_nothing(store: Store) -> None:
    signed: Signed = defaultdict(set)
    ed25519, mldsa44 = (Watched(one, signed) for one in log_signers())
    signers = LogSigners(ed25519, mldsa44, SIGNERS["ledger"])
    await let_wait(store, b"1")
    memory = PaperMemory(is_full=True)
    one = Sequencer(SqlLedger(store), memory, ORIGIN, signers, FakeClock(), reach_nothing, LeafReader(leaf_opener()))
    with pytest.raises(Exception, match="no space"):
        await one.run_round()
    assert not signed
