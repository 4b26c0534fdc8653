"""`docs/performance.md` and its plots, made from the JSON under `bench/results`; every number comes from there.

The words around the numbers hold whatever the numbers are: what was reached is said by comparison, not by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.exchange import CLIENT
from bench.ledger_page import figure_rows, ledger_section
from bench.plots import bars, lines, stacked

PAGE: Final = Path("docs/performance.md")
PLOTS: Final = Path("docs/performance")
RATES: Final = {
    "saturated.comity": "Comity, 1 KB",
    "saturated.chain": "bare chain, 3 hops",
    "saturated.faststream": "FastStream, 2 hops",
    "saturated.as2": "AS2, 1 KB",
    "saturated.comity_100k": "Comity, 100 KB",
    "saturated.as2_100k": "AS2, 100 KB",
}
PACED: Final = {
    "paced.comity_p50": "Comity p50: posted → feed",
    "paced.comity_p99": "Comity p99: posted → feed",
    "paced.accepted_p50": "Comity p50: posted → 202",
    "paced.rest_p50": "Comity p50: 202 → feed",
    "paced.chain_p50": "chain p50",
    "paced.chain_p99": "chain p99",
}

HEAD: Final = """# Performance

This page is made from measurements by `make bench-pipeline`, `make bench-memory`, `make bench-ledger` and
`make bench-audit`; nothing on it is typed by hand.
How each figure is taken, and what it leaves out, stands below the tables.
"""

METHOD: Final = """## How it is measured

    make bench-pipeline ROUNDS=5 SECONDS=10     rates, latencies, costs; SEED= repeats the order of turns
    make bench-memory SECONDS=600               the memory of each process
    .venv/bin/python -m bench page              this page anew, from `bench/results/*.json`

- **Ours**: one process for each service, a private RabbitMQ (quorum queues, one node) and PostgreSQL (fsync on), each
  service with the database role of its own. A message opens a dossier with one recipient and says a kilobyte (sealed
  and signed it is twelve; the large one carries an attachment of 100 KB): it is sealed and signed (Ed25519 and
  ML-DSA-65) by the client's code before the round; its call is signed by the load generator while it runs. It counts
  when it stands in its recipient's feed, read by long polls; one that is lost or shown twice fails the round. The
  generator checks no receipt and opens no message: that is its reader's work, on the reader's machine.
- **Outstanding**: of ours what was delivered in a second, 96 to 400, posted and not yet in the feed, from four
  senders to four recipients; 50 of the bare chain and of FastStream; four of AS2, one for each sender. So the goals
  were set; with 200 the bare chain alone on the machine makes a fifth to a half more. While ours is saturated its
  gateway's own window is opened wide (1000): what that lets in and refuses is the part *overload*. Recipients wait
  50 ms after a page with something in it when the exchange is saturated, and not at all when it is paced.
- **The bare chain**: aio-pika, three quorum queues, persistent, mandatory, confirmed, acknowledged after the confirm;
  each hop a process; 1 KB. No database, no signature, nothing decoded. **FastStream**: the same with two hops.
- **AS2**: django-pyas2 1.2.3 under gunicorn with four workers on PostgreSQL; RSA-2048, AES-256-CBC, SHA-256, signed
  synchronous receipts. Messages are built before the round; every receipt is verified, and the server's status of
  every message read. It is counted from the post to the receipt in the answer; ours goes on to the recipient's feed.
- **The accept path**: POST to 202 with intake's place taken by something that drops what it gets, against a FastAPI
  endpoint that reads the same bytes and answers 202; one worker each, sixteen connections.
- **Overload**: five times the saturated rate is offered; what is refused is offered again later. At most 400 calls
  are open.
- **Ratios** are medians over rounds of ours divided by the peer's in the same round; the order within a round is
  drawn. The spin score is how many thousand steps of an empty loop one process makes in 0.1 s: it tells how much of
  the machine was there.
- **CPU**: each process's own time from the kernel, over the window, by delivered message. *Database* is the time of
  the backends that hold the service's connections; it is part of PostgreSQL's line. *Crypto* is the time of the
  operations that the code makes for one message, timed alone; it is part of the process's. The broker's time is
  RabbitMQ's line: three hops, and acknowledgements.
- **Commits** are counted by the database for each service's role (pg_stat_statements), read-only transactions
  included.
- Client, generator, servers and peers share the machine. What other programs took of it shows in the load and spin
  columns.
"""


def write_page(results: Path) -> None:
    """The page and its plots, of whatever results are there."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    sections = [HEAD]
    pipeline, memory = _read(results / "pipeline.json"), _read(results / "memory.json")
    if pipeline:
        sections += [_machine(pipeline), _figures(pipeline), _rates(pipeline), _stages(pipeline), _way(pipeline)]
    if memory:
        sections.append(_memory(memory))
    ledger = ledger_section(_read(results / "ledger.json"), _read(results / "audit.json"), PLOTS)
    if ledger:
        sections.append(ledger)
    if not pipeline and not memory and not ledger:
        sections.append("No results are kept yet: the commands below make them, and this page.\n")
    sections.append(METHOD)
    if pipeline:
        sections.append(_noise(pipeline))
    PAGE.write_text("\n".join(sections))
    print(f"wrote {PAGE}")


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return document


def _machine(document: Mapping[str, Any]) -> str:
    machine = document["machine"]
    loads = [one["load"] for one in document["noise"]]
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['memory']} of memory, {machine['system']}"
    how = f"{document['rounds']} rounds of {document['seconds']:g} s, seed {document['seed']}"
    return (
        f"Measured {document['at']}: {where}, Python {machine['python']}; {how}. Load average when a turn began: "
        f"{min(loads):.1f} to {max(loads):.1f}. Where it is far above what the turn before left behind, other programs "
        "took part of the machine: then only the ratios mean anything, and these less than on a quiet one.\n"
    )


def _figures(document: Mapping[str, Any]) -> str:
    rest = [line for line in document["verdicts"] if " × " not in line]
    told = [*figure_rows(document["figures"].values()), "", *(f"- {line}" for line in rest)]
    return "\n".join(["## Figures and goals", "", *told, ""])


def _rates(document: Mapping[str, Any]) -> str:
    series = document["series"]
    rates = {says: median(series[name]) for name, says in RATES.items() if name in series}
    (PLOTS / "rates.svg").write_text(bars("Delivered when saturated", "messages a second", rates, logarithmic=True))
    text = ["## Rates and latencies", "", f"![Delivered when saturated]({PLOTS.name}/rates.svg)", ""]
    paced = {says: 1000 * median(series[name]) for name, says in PACED.items() if name in series}
    if paced:
        (PLOTS / "latency.svg").write_text(bars("Latency at 20 % of capacity; the chain serially", "ms", paced))
        text += [f"![Latency at 20 % of capacity]({PLOTS.name}/latency.svg)", ""]
    if document["elapsed_ms"]:
        text += ["| the way of one message at 20 % of capacity | median, ms |", "|---|---|"]
        text += [f"| {leg} | {spent:.2f} |" for leg, spent in document["elapsed_ms"].items()]
        text += [
            "",
            "Intake and routing write down when they begin to judge a batch; what lies between is the way.",
            "",
        ]
    text += ["| series | median | lowest | highest |", "|---|---|---|---|"]
    text += [
        f"| {name} | {median(values):.4g} | {min(values):.4g} | {max(values):.4g} |" for name, values in series.items()
    ]
    return "\n".join([*text, "", "Rates are messages a second, latencies (`p50`, `p99`) seconds.", ""])


def _stages(document: Mapping[str, Any]) -> str:
    stages = document["stages"]
    if not stages:
        return ""
    rows = {
        name: {"crypto": one.get("crypto_ms", 0.0), "the rest": max(0.0, one["cpu_ms"] - one.get("crypto_ms", 0.0))}
        for name, one in stages.items()
    }
    (PLOTS / "stages.svg").write_text(stacked("CPU time of one message, by process", "ms", rows))
    text = ["## Where the time of one message goes", "", f"![CPU time by process]({PLOTS.name}/stages.svg)", ""]
    text += ["| process | CPU, ms | of it crypto, ms | in the database for it, ms |", "|---|---|---|---|"]
    for name, one in stages.items():
        crypto = f"{one['crypto_ms']:.3f}" if "crypto_ms" in one else ""
        database = f"{one['database_ms']:.3f}" if one["database_ms"] else ""
        text.append(f"| {name} | {one['cpu_ms']:.3f} | {crypto} | {database} |")
    operations = ", ".join(f"{name} {spent:.3f}" for name, spent in document["crypto_operations_ms"].items())
    text += ["", f"With nothing to do, all of ours take {sum(document['idle_cpu'].values()):.1%} of one core together."]
    text[-1] += " They run on during the turns of their peers, who are slowed by so much."
    syncs = document["wal_syncs_per_message"]
    return "\n".join(
        [
            *text,
            "",
            f"One operation alone, ms: {operations}.",
            f"Flushes of the database's log a message: {syncs:.3g}.",
            "",
        ]
    )


def _way(document: Mapping[str, Any]) -> str:
    """What stands in the way, as far as the numbers tell it."""
    stages = {name: one for name, one in document["stages"].items() if name != CLIENT}
    if not stages:
        return ""
    whole = sum(one["cpu_ms"] for one in stages.values())
    crypto = sum(one.get("crypto_ms", 0.0) for one in stages.values())
    cores = int(document["machine"]["cores"])
    ranked = sorted(stages, key=lambda name: -stages[name]["cpu_ms"])
    shares = ", ".join(f"{name} {stages[name]['cpu_ms'] / whole:.0%}" for name in ranked)
    chain = median(document["series"]["saturated.chain"])
    bound = f"{cores} cores that do nothing else could carry {1000 * cores / whole:.0f} a second at most"
    leaves = f"The bare chain's {chain:.0f} a second leave {1000 * cores / chain:.2f} ms for each message"
    rest = "the rest is what Python, the drivers and the servers do around it"
    return (
        "## What stands in the way\n\n"
        f"One message takes {whole:.2f} ms of CPU in all processes together: {bound}. {leaves} on the same machine. "
        f"Shares: {shares}. The cryptography itself is {crypto:.2f} ms, {crypto / whole:.0%}; {rest}.\n"
    )


def _memory(document: Mapping[str, Any]) -> str:
    samples = {name: [(time, value / 2**20) for time, value in points] for name, points in document["samples"].items()}
    (PLOTS / "memory.svg").write_text(lines("Memory while saturated", "MiB", samples))
    rate, seconds = document["messages_per_second"], document["seconds"]
    text = [
        "## Memory",
        "",
        f"{seconds:g} s saturated at {rate:.0f} messages a second, measured {document['at']}. Growth is the median of "
        "the last fifth of the time against that of the second fifth.",
        "",
        f"![Memory while saturated]({PLOTS.name}/memory.svg)",
        "",
    ]
    return "\n".join([*text, *(f"- {line}" for line in document["verdicts"]), ""])


def _noise(document: Mapping[str, Any]) -> str:
    noise: Sequence[Mapping[str, Any]] = document["noise"]
    text = [
        "## The machine in each turn",
        "",
        "| part | round | who | spin before, after | load |",
        "|---|---|---|---|---|",
    ]
    text += [
        f"| {one['part']} | {one['round']} | {one['who']} | {one['spin_before']:.0f}, {one['spin_after']:.0f} "
        f"| {one['load']:.1f} |"
        for one in noise
    ]
    again = document["done_again"]
    told = "\n".join(f"- {line}" for line in again) if again else "No round had to be done again."
    return "\n".join([*text, "", told, ""])
