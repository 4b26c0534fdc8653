"""`python -m bench audit`: `comity audit verify` of whole ledgers, against what one core verifies in signatures alone.

A ledger of letters to one recipient gives the rate: the audit and the bare verifications take turns. A ledger of a
million leaves, of letters to many, gives the time and the memory of a long reading; its signatures are few, so it is
not held against their limit.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.audited import write_audited
from bench.drivers import RoundFailed, module
from bench.figures import Goal, at_least, at_most, growth, paired_ratio
from bench.machine import describe, used_by
from bench.report import Ratio, figure_of, verdict_of
from bench.turns import Sizes, Turns
from client.audit_workers import WORKERS
from shared.keys.private import generate_ed25519, generate_mldsa65
from shared.keys.trust import encode_trust

TO_ONE: Final = 50_000
"""Ledgers of more leaves are made of letters to many recipients: to sign a quarter of a million takes an hour."""
MANY: Final = 100
SAMPLE_S: Final = 0.5
LIMIT_S: Final = 5.0
SIGNED_BYTES: Final = 4_000
"""About what an envelope to one recipient signs."""
RATE: Final[Goal] = at_least(0.8)
MEMORY: Final[Goal] = at_most(0.1)


def measure_audit(sizes: Sizes, leaves: Sequence[int], say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """The document that is kept, and a plain line for each goal. Raises RoundFailed when a ledger does not verify."""
    turns, verdicts, figures, ledgers = Turns(sizes, say), [], [], []
    if not sizes.keeps:
        shutil.rmtree(sizes.directory, ignore_errors=True)
    for size in sorted(leaves):
        place = sizes.directory / f"audited-{size}"
        recipients = 1 if size <= TO_ONE else MANY
        letters = _made(place, size, recipients, say)
        runs: list[dict[str, Any]] = []
        if size <= TO_ONE:
            turns.play(str(size), {"audit": _audited(place, runs), "limit": _limit})
            series = turns.measured.series
            of = f"audit of {size:,} leaves: envelope signatures a second, against one core's limit"
            by_cpu = f"the same, by CPU time of the process that reads and judges, of {size:,} leaves"
            for one in (
                Ratio(of, f"{size}.audit_signatures_per_s", f"{size}.limit_signatures_per_s", RATE, "limit"),
                Ratio(
                    by_cpu, f"{size}.audit_signatures_per_cpu_s", f"{size}.limit_signatures_per_cpu_s", RATE, "limit"
                ),
            ):
                ratio = paired_ratio(series[one.above], series[one.below])
                figures.append(figure_of(one, ratio))
                verdicts.append(verdict_of(one, ratio))
        else:
            say(f"  {_audited(place, runs)()}")
        ledgers.append(_told(size, letters, recipients, runs))
        if not sizes.keeps:
            shutil.rmtree(place)
    verdicts += [memory_told(one) for one in ledgers]
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "rounds": sizes.rounds,
        "seed": sizes.seed,
        "workers": WORKERS,
        "figures": figures,
        "verdicts": verdicts,
        "series": turns.measured.series,
        "ledgers": ledgers,
        "noise": turns.measured.noise,
    }
    return document, verdicts


def _made(place: Path, size: int, recipients: int, say: Callable[[str], None]) -> int:
    """How many letters are in the ledger at this place, which is made unless a whole one was kept."""
    counted = place / "letters"
    if counted.exists():
        say(f"{size} leaves were kept")
        return int(counted.read_text())
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    began = time.perf_counter()
    say(f"{size} leaves are made")
    trust, letters = write_audited(place / "ledger", size, recipients)
    (place / "trust.json").write_bytes(encode_trust(trust))
    counted.write_text(str(letters))
    say(f"{size} leaves, {letters} letters to {recipients} each, made in {time.perf_counter() - began:.0f} s")
    return letters


def _limit() -> Mapping[str, float]:
    """By the clock on the wall, as the audit's are: what else runs takes its part of both. And by CPU time."""
    ed25519, mldsa65, text = generate_ed25519(), generate_mldsa65(), bytes(SIGNED_BYTES)
    both = ((ed25519.public_key(), ed25519.sign(text)), (mldsa65.public_key(), mldsa65.sign(text)))
    verified, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < LIMIT_S:
        for public, signature in both:
            public.verify(signature, text)
        verified += 2
    return {
        "limit_signatures_per_s": verified / (time.perf_counter() - began),
        "limit_signatures_per_cpu_s": verified / (time.process_time() - cpu),
    }


def _audited(place: Path, runs: list[dict[str, Any]]) -> Callable[[], Mapping[str, float]]:
    """One audit in a process of its own, watched from outside."""

    def run() -> Mapping[str, float]:
        command = module("bench.audit_once", str(place))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        began, samples = time.monotonic(), []
        while process.poll() is None:
            held = used_by([process.pid]).rss_bytes
            samples.append((time.monotonic() - began, float(held)))
            time.sleep(SAMPLE_S)
        said = process.communicate()[0].split()
        if process.returncode:
            raise RoundFailed("the ledger does not verify")
        seconds, read, signatures, own_cpu, workers_cpu = (float(one) for one in said)
        runs.append({"seconds": seconds, "leaves": read, "signatures": signatures, "memory": samples[1:-1]})
        runs[-1] |= {"cpu": own_cpu + workers_cpu, "workers_cpu": workers_cpu}
        told = {"audit_signatures_per_s": signatures / seconds, "audit_leaves_per_s": read / seconds}
        return told | {"audit_signatures_per_cpu_s": signatures / own_cpu, "audit_workers_cpu_s": workers_cpu}

    return run


def _told(size: int, letters: int, recipients: int, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    last = runs[-1]["memory"]
    return {
        "leaves": size,
        "letters": letters,
        "recipients": recipients,
        "seconds": median(run["seconds"] for run in runs),
        "leaves_per_s": median(run["leaves"] / run["seconds"] for run in runs),
        "signatures_per_s": median(run["signatures"] / run["seconds"] for run in runs),
        "cpu_us": median(1e6 * run["cpu"] / run["leaves"] for run in runs),
        "workers_cpu_us": median(1e6 * run["workers_cpu"] / run["leaves"] for run in runs),
        "memory_most_bytes": max((held for _, held in last), default=0.0),
        "memory_growth": growth(last) if len(last) >= 10 else None,
        "memory": last[:: max(1, len(last) // 120)],
    }


def memory_told(one: Mapping[str, Any]) -> str:
    """A short audit says nothing of growth: it ends when its workers have warmed up."""
    grew = one["memory_growth"] if one["leaves"] > TO_ONE else None
    told = "too short to tell" if grew is None else f"{grew:+.1%}"
    reached = "" if grew is None else f", goal {MEMORY}: {'reached' if MEMORY.is_reached(grew) else 'not reached'}"
    return (
        f"audit of {one['leaves']:,} leaves: {one['leaves_per_s']:,.0f} leaves a second, at most "
        f"{one['memory_most_bytes'] / 2**20:.0f} MiB in all its processes, growth {told}{reached}"
    )
