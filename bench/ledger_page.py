"""The section of `docs/performance.md` on the ledger, from `ledger.json` and `audit.json` under `bench/results`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.auditing import memory_told
from bench.plots import bars

NAMES: Final = {
    "comity": "Comity, SQLite",
    "stored": "Comity, SQLite, stored alone",
    "comity_small": "Comity, the small one beside it",
    "comity_tree": "Comity, the tree alone",
    "pymerkle_disk": "pymerkle, SQLite",
    "pymerkle_memory": "pymerkle, in memory",
}
METHOD: Final = """### How the ledger is measured

    make bench-ledger LEAVES=10000,1000000 ROUNDS=5      appending and proving; SEED= repeats the order of turns
    make bench-audit AUDITED=50000,1000000               audits of ledgers that are made for it
    make ledgers LEAVES=10000000 KEPT=var/ledgers        grows the ledgers of both once, and says how far it is; killed
                                                         at any moment, it goes on where it was
    make bench-ledger LEAVES=10000,10000000 KEPT=var/ledgers     measures on them; bench-audit keeps its own there too

- **Append** is measured three times, since a ledger does more than a tree. Rounds of 1,000 entries of some 430 bytes,
  one process, SQLite with every commit synced. *Whole signed rounds*: what waits is opened and decrypted, every leaf
  is judged by the catalogue and by its writer's rights, found to be new, placed and removed from what waits, tiles
  and head committed, the head kept outside the database and synced, signed with Ed25519 and ML-DSA-44, the checkpoint
  committed: two commits and a synced file. Pymerkle does none of that: it inserts 1,000 entries in bulk, commits
  once, and tells the root. The two are unlike things: the ratio says what a judged, sealed and signed leaf costs, not
  how good a tree is. *Stored alone* is what compares with it: of ours the same hashing, placing, tiles, root and one
  commit, without judging and signing; it keeps tiles and an index of leaves besides, and pymerkle neither. *The tree
  alone* is leaf hashes, tiles and root without storage, against pymerkle's tree in memory, which holds every node.
  A turn begins with a root of pymerkle's that is not timed: of a tree that was just opened it computes much anew.
- **By CPU time**: user and system time of the process, in all its threads, over the same rounds. What else runs on the
  machine disturbs it less than the clock on the wall, and what waits for the disk does not show.
- **Proof**: of an entry drawn at random, by a process that has just opened the file; the first, and the median of the
  twenty that follow, of five for pymerkle above a million leaves: it keeps what it computed for the first. Ours is
  the whole tlog-proof that the gateway answers, the entry in it. pymerkle's tree in memory is left out above a million
  leaves. The files of both are read through once before their first turn, so that neither pays for what the operating
  system let go of since they were grown.
- **Cost of size**: a small ledger of ours takes its turns beside the largest. **Memory** is what the process holds
  after its turns, against what that of the small one holds then. Each size has a ledger and a process of its own, grown
  by rounds of 5,000 leaves that are dated a day ago; what was placed in the last minute is remembered, so that nothing
  is placed twice, however large the ledger is.
- **Audit**: `comity audit verify` of a static directory, in a process of its own with a worker for signatures on each
  other core, two at most, against Ed25519 and ML-DSA-65 verifications in a loop on one core, taking turns. The ledger
  has a decision with its envelope, a relay and a delivery for each letter, and no retrievals. The goal needs more
  than one core: the audit reads, hashes and judges in one process while the signatures are verified in others. The
  CPU time is that of all of them, the start of the workers in it, which a short audit feels. By the CPU time of the
  process that reads and judges alone it tells how fast an audit is whose workers have cores of their own. A ledger of
  more than 50,000 leaves is made of letters to 100 recipients each, since nobody waits until a third of a million
  envelopes are signed: it tells the leaves a second and the memory, and is not held against the limit.
"""


def ledger_section(ledger: Mapping[str, Any], audit: Mapping[str, Any], plots: Path) -> str:
    """Empty where neither was measured."""
    text = ["## The ledger", ""]
    if ledger:
        text += _appended_and_proven(ledger, plots)
    if audit:
        text += _audited(audit)
    return "\n".join([*text, METHOD]) if ledger or audit else ""


def _appended_and_proven(document: Mapping[str, Any], plots: Path) -> list[str]:
    series: Mapping[str, list[float]] = document["series"]
    appended, proven = {}, {}
    rows = [
        "| leaves | | appended a second | a second of CPU | first proof, ms | proof, ms | memory, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in document["leaves"]:
        for who, says in NAMES.items():
            told = [
                series.get(f"{size}.{who}_{what}") for what in ("append", "append_cpu", "first_proof_ms", "proof_ms")
            ]
            if told[0] is None:
                continue
            append, cpu, first, proof = (None if values is None else median(values) for values in told)
            if who in ("comity", "pymerkle_disk"):
                appended[f"{says}, {size:,}"] = append or 0.0
                proven[f"{says}, {size:,}"] = proof or 0.0
            held = document["memory_bytes"][str(size)].get(who)
            cells = [f"{value:,.0f}" if value else "" for value in (append, cpu)]
            cells += [f"{value:.3g}" if value else "" for value in (first, proof)]
            cells.append(f"{held / 2**20:.0f}" if held else "")
            rows.append(f"| {size:,} | {says} | {' | '.join(cells)} |")
    (plots / "ledger-append.svg").write_text(bars("Appended on disk", "entries a second", appended, logarithmic=True))
    (plots / "ledger-proof.svg").write_text(bars("One proof", "ms", proven, logarithmic=True))
    return [
        f"Measured {document['at']}, {document['rounds']} rounds, seed {document['seed']}. {_loads(document)}",
        "",
        *figure_rows(document["figures"]),
        "",
        *(f"- {line}" for line in document["verdicts"] if line.startswith("memory")),
        "",
        f"![Appended on disk]({plots.name}/ledger-append.svg)",
        "",
        f"![One proof]({plots.name}/ledger-proof.svg)",
        "",
        *rows,
        "",
    ]


def _audited(document: Mapping[str, Any]) -> list[str]:
    memory = [memory_told(one) for one in document["ledgers"]]
    rows = [
        "| leaves | letters | recipients of each | s | leaves a second | signatures a second "
        "| CPU a leaf, µs | of it in workers |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {one['leaves']:,} | {one['letters']:,} | {one['recipients']} | {one['seconds']:.0f} "
        f"| {one['leaves_per_s']:,.0f} | {one['signatures_per_s']:,.0f} "
        f"| {one.get('cpu_us', 0):,.0f} | {one.get('workers_cpu_us', 0):,.0f} |"
        for one in document["ledgers"]
    ]
    return [
        f"### Audits\n\nMeasured {document['at']}, {document['rounds']} rounds. {_loads(document)}",
        "",
        *figure_rows(document["figures"]),
        "",
        *(f"- {line}" for line in memory),
        "",
        *rows,
        "",
    ]


def figure_rows(figures: Iterable[Mapping[str, Any]]) -> list[str]:
    """The table of figures and their goals."""
    rows = ["| figure | median | lowest, highest round | goal | |", "|---|---|---|---|---|"]
    for one in figures:
        if "absent" in one:
            rows.append(f"| {one['says']} | | | {one['goal']} | not measured: {one['absent']} |")
        else:
            told = one["reached"].replace("not reached", "**not reached**")
            spread = f"{one['low']:.3g}, {one['high']:.3g}"
            rows.append(f"| {one['says']} | {one['median']:.3g} × | {spread} | {one['goal']} | {told} |")
    return rows


def _loads(document: Mapping[str, Any]) -> str:
    loads = [one["load"] for one in document["noise"]]
    if not loads:
        return ""
    cores = document["machine"]["cores"]
    return f"Load average when a turn began: {min(loads):.1f} to {max(loads):.1f}, on {cores} cores."
