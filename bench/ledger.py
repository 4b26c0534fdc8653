"""`make bench-ledger`: appending and proving at growing sizes against pymerkle, on disk and in memory, in turns.

Each contestant is a process of its own that times itself (bench/orders.py). Those on disk are new processes with new
files at each size, so that what they hold in memory is of this size; they grow before it, untimed. In a directory that
is kept they grow once: `python -m bench grow` grows them alone, says how far it is, and goes on where it was killed.
Beside the largest ledgers a small one of ours goes on taking its turns, so that the cost of size is a ratio of rounds
of one hour and not of two.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.drivers import module
from bench.figures import Goal, at_least, at_most, paired_ratio
from bench.machine import describe, used_by
from bench.orders import Ordered
from bench.report import Ratio, figure_of, verdict_of, write_report
from bench.rivals import HERE, PeerMissing, environment_of
from bench.turns import Sizes, Turn, Turns

PEER: Final = "pymerkle"
APPENDED_MOST: Final = 10_000
PROOFS: Final = 20
PROOFS_OF_LARGE: Final = 5
"""Of pymerkle on disk above MEMORY_LEAVES, where it needs many seconds for one."""
MEMORY_LEAVES: Final = 1_000_000
"""Above it pymerkle's tree in memory is left out: it holds objects for every node, gigabytes of them."""
GROWN_TOGETHER: Final = 500_000
"""Leaves after which a tree that grows says how far it is."""
READ_AT_ONCE: Final = 2**24
STORED: Final = "stored"
"""The series of what our rounds store, without judging and signing."""
DISK, MEMORY, OURS, TREE, SMALL = "pymerkle_disk", "pymerkle_memory", "comity", "comity_tree", "comity_small"
PROOF: Final[Goal] = at_most(0.1)
PROVEN_FROM: Final = 1_000_000
"""The goal of a proof is set for this many leaves; what is measured below it is told without one."""
ONE: Final[Goal] = at_least(1)
FLAT: Final[Goal] = at_most(1.1)
COST: Final[Goal] = at_most(2)


@dataclass
class Contestant:
    """One tree. `kind` says which figures it gives."""

    name: str
    process: Ordered
    can_prove: bool = True
    is_tree_alone: bool = False

    def turn(self, leaves: int, chance: random.Random) -> Mapping[str, float]:
        """Leaves a second, by the clock on the wall and of CPU; the first proof after opening, and the median of those
        that follow, in milliseconds."""
        appended = self.process.ask("hash" if self.is_tree_alone else "append", leaves=leaves)
        told = {f"{self.name}_append": leaves / appended["seconds"]}
        told[f"{self.name}_append_cpu"] = leaves / appended["cpu_seconds"]
        if self.name == OURS:
            stored = self.process.ask("store", leaves=leaves)
            told |= {"stored_append": leaves / stored["seconds"], "stored_append_cpu": leaves / stored["cpu_seconds"]}
        if self.can_prove:
            is_slow = self.name == DISK and appended["size"] >= 2 * MEMORY_LEAVES
            proofs = PROOFS_OF_LARGE if is_slow else PROOFS
            indexes = [chance.randrange(appended["size"]) for _ in range(proofs + 1)]
            first, *others = self.process.ask("prove", indexes=indexes)["seconds"]
            told |= {f"{self.name}_first_proof_ms": 1000 * first, f"{self.name}_proof_ms": 1000 * median(others)}
        return told


def measure_ledger(
    sizes: Sizes, leaves: Sequence[int], say: Callable[[str], None], kept: Path
) -> tuple[dict[str, Any], list[str]]:
    """The document that is kept, after each size too, and a plain line for each goal."""
    turns, chance = Turns(sizes, say), random.Random(sizes.seed)
    memory: dict[str, dict[str, int]] = {}
    document: dict[str, Any] = {}
    verdicts: list[str] = []
    for old in (sizes.directory / SMALL,) if sizes.keeps else (sizes.directory,):
        shutil.rmtree(old, ignore_errors=True)
    sizes.directory.mkdir(parents=True, exist_ok=True)
    with _contestants(sizes, min(leaves), turns.measured.why_not) as all_:
        for size in sorted(leaves):
            _move_on(all_, sizes, size)
            if size > MEMORY_LEAVES and MEMORY in all_:
                all_.pop(MEMORY).process.stop()
            playing = {name: one for name, one in all_.items() if name != SMALL or size > min(leaves)}
            for name, one in playing.items():
                if name not in (SMALL, TREE):
                    _grow(one, size, say)
            if SMALL in playing:
                all_[SMALL].process.ask("grow", to=min(leaves))
            _read_through(sizes, size)
            much = max(1000, min(APPENDED_MOST, size // 5))
            plays: dict[str, Turn] = {
                name: _turn(one, 2000 if name == SMALL else much, chance) for name, one in playing.items()
            }
            turns.play(str(size), plays)
            memory[str(size)] = {name: used_by([one.process.pid]).rss_bytes for name, one in playing.items()}
            measured_so_far = [one for one in sorted(leaves) if str(one) in memory]
            document, verdicts = _report(sizes, measured_so_far, turns, memory)
            write_report(document, kept)  # the larger ones take hours
    if not sizes.keeps:
        shutil.rmtree(sizes.directory, ignore_errors=True)
    return document, verdicts


def grow_ladder(sizes: Sizes, leaves: Sequence[int], say: Callable[[str], None]) -> None:
    """The trees on disk at each size, in a directory that is kept for `measure_ledger`."""
    sizes.directory.mkdir(parents=True, exist_ok=True)
    why_not: dict[str, str] = {}
    with _contestants(sizes, min(leaves), why_not) as all_:
        for size in sorted(leaves):
            _move_on(all_, sizes, size)
            for name in (OURS, DISK):
                if name in all_:
                    _grow(all_[name], size, say)
    for name, why in why_not.items():
        say(f"{name}: {why}")


def _move_on(all_: Mapping[str, Contestant], sizes: Sizes, size: int) -> None:
    """Trees on disk begin anew with each size, in files of its own."""
    for name in (OURS, DISK):
        if name in all_:
            all_[name].process.stop()
            all_[name].process = _on_disk(sizes, name, size)


def _read_through(sizes: Sizes, size: int) -> None:
    """The files of both, once: whatever the operating system still held of them, from now on they begin alike."""
    files = [*(sizes.directory / f"{OURS}-{size}").iterdir(), *sizes.directory.glob(f"{DISK}-{size}.sqlite3*")]
    for file in files:
        with file.open("rb") as opened:
            while opened.read(READ_AT_ONCE):
                pass


def _grow(one: Contestant, to: int, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    size = found = one.process.ask("grow", to=0)["size"]
    while size < to:
        size = one.process.ask("grow", to=min(to, size + GROWN_TOGETHER))["size"]
        rate = (size - found) / (time.monotonic() - began)
        say(f"{one.name} has {size:,} of {to:,} leaves, {rate:,.0f} more each second")
    if size == found:
        say(f"{one.name} has {size:,} leaves already")


def _turn(one: Contestant, leaves: int, chance: random.Random) -> Turn:
    return lambda: one.turn(leaves, chance)


@contextmanager
def _contestants(sizes: Sizes, size: int, why_not: dict[str, str]) -> Iterator[dict[str, Contestant]]:
    place = sizes.directory
    with ExitStack() as closing:
        found = {
            OURS: Contestant(OURS, _on_disk(sizes, OURS, size)),
            SMALL: Contestant(SMALL, _ours(place, SMALL)),
            TREE: Contestant(TREE, _ours(place, TREE), can_prove=False, is_tree_alone=True),
        }
        closing.callback(_stop, found)
        try:
            python, drive = environment_of(PEER, sizes.environments), HERE / PEER / "drive.py"
        except PeerMissing as missing:
            why_not[PEER] = str(missing)
        else:
            found[DISK] = Contestant(DISK, _on_disk(sizes, DISK, size))
            found[MEMORY] = Contestant(MEMORY, Ordered([python, drive, "memory", "-"], place / f"{MEMORY}.log"))
        yield found


def _stop(contestants: Mapping[str, Contestant]) -> None:
    for one in contestants.values():
        one.process.stop()


def _ours(place: Path, name: str, ledger: str | None = None) -> Ordered:
    return Ordered(module("bench.sequencing", str(place / (ledger or name))), place / f"{name}.log")


def _on_disk(sizes: Sizes, name: str, size: int) -> Ordered:
    place = sizes.directory
    if name == OURS:
        return _ours(place, OURS, f"{OURS}-{size}")
    python, drive = environment_of(PEER, sizes.environments), HERE / PEER / "drive.py"
    return Ordered([python, drive, "sqlite", place / f"{DISK}-{size}.sqlite3"], place / f"{DISK}.log")


def _ratios(leaves: Sequence[int]) -> list[Ratio]:
    least, most = leaves[0], leaves[-1]
    found = []
    for size in leaves:
        of = f"{size:,} leaves"
        found += [
            _against(f"append at {of}, whole signed rounds, against pymerkle on disk", size, OURS, DISK, "append", ONE),
            _against(f"the same, by CPU time, at {of}", size, OURS, DISK, "append_cpu", ONE),
            _against(f"append at {of}, stored alone, against pymerkle on disk", size, STORED, DISK, "append", ONE),
            _against(f"the same, by CPU time, stored alone at {of}", size, STORED, DISK, "append_cpu", ONE),
            _against(f"append at {of}, the tree alone, against pymerkle in memory", size, TREE, MEMORY, "append", ONE),
        ]
        if size >= PROVEN_FROM:
            found += [
                _against(f"proof at {of}, against pymerkle on disk", size, OURS, DISK, "proof_ms", PROOF),
                _against(f"first proof at {of}, against pymerkle on disk", size, OURS, DISK, "first_proof_ms", PROOF),
            ]
    if most > least:
        of = f"{most:,} leaves against {least:,}"
        found += [
            Ratio(
                f"cost of size: time to append a leaf, {of}",
                f"{most}.{SMALL}_append",
                f"{most}.{OURS}_append",
                COST,
                OURS,
            ),
            Ratio(
                f"cost of size: CPU time to append a leaf, {of}",
                f"{most}.{SMALL}_append_cpu",
                f"{most}.{OURS}_append_cpu",
                COST,
                OURS,
            ),
            Ratio(
                f"cost of size: time of a proof, {of}",
                f"{most}.{OURS}_proof_ms",
                f"{most}.{SMALL}_proof_ms",
                COST,
                OURS,
            ),
        ]
    return found


def memory_told(size: int, held: Mapping[str, int]) -> str:
    """Against the small ledger that took as many turns beside the largest; where there is none, without a verdict."""
    told = f"memory of our process, {held[OURS] / 2**20:.0f} MiB at {size:,} leaves"
    if SMALL not in held:
        return told
    grew = held[OURS] / held[SMALL]
    reached = "reached" if FLAT.is_reached(grew) else "not reached"
    return f"{told}: {grew:.2f} × that of a small ledger which took its turns beside it, goal {FLAT} ×: {reached}"


def _against(says: str, size: int, ours: str, peer: str, what: str, goal: Goal) -> Ratio:
    return Ratio(says, f"{size}.{ours}_{what}", f"{size}.{peer}_{what}", goal, PEER)


def _report(
    sizes: Sizes, leaves: Sequence[int], turns: Turns, memory: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, Any], list[str]]:
    measured, figures, verdicts = turns.measured, [], []
    for one in _ratios(leaves):
        if one.above in measured.series and one.below in measured.series:
            ratio = paired_ratio(measured.series[one.above], measured.series[one.below])
            figures.append(figure_of(one, ratio))
            verdicts.append(verdict_of(one, ratio))
        elif PEER in measured.why_not:
            figures.append({"says": one.says, "goal": f"{one.goal} ×", "absent": measured.why_not[PEER]})
            verdicts.append(f"{one.says}: not measured ({measured.why_not[PEER]}), goal {one.goal} ×")
    verdicts.append(memory_told(leaves[-1], memory[str(leaves[-1])]))
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "rounds": sizes.rounds,
        "seed": sizes.seed,
        "leaves": list(leaves),
        "figures": figures,
        "verdicts": verdicts,
        "series": measured.series,
        "memory_bytes": memory,
        "noise": measured.noise,
        "absent": measured.why_not,
        "done_again": measured.done_again,
    }
    return document, verdicts
