"""The accept path alone: a number of connections, each posting a message as soon as the last was answered.

    python -m bench.accept_load PLAN.json RESULT.json

The letters are posted round and round: nobody decides them meanwhile, so an id is never known to be spent. The same
bytes go to whoever is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from bench.http_wire import Wire
from bench.letters import Letter, read_letters
from bench.parties import SENDERS
from bench.signed_calls import SignedCalls


@dataclass(frozen=True)
class Plan:
    """`connections` are per sender."""

    url: str
    letters: str
    seeds: dict[str, str]
    warm_up_s: float
    seconds: float
    connections: int = 4


@dataclass
class Result:
    seconds: float = 0.0
    delivered_in_window: int = 0
    """Answered with 202."""
    refused: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    latency_s: list[float] = field(default_factory=list)


async def run(plan: Plan) -> Result:
    calls = [SignedCalls(plan.url, party, bytes.fromhex(plan.seeds[party])) for party in SENDERS]
    letters = itertools.cycle(list(read_letters(Path(plan.letters))))
    answered: list[tuple[float, float]] = []
    statuses: Counter[int] = Counter()
    over = asyncio.Event()

    async def post(wire: Wire, supply: Iterator[Letter]) -> None:
        while not over.is_set():
            letter = next(supply)
            began = time.monotonic()
            answer = await wire.call(calls[letter.sender].post_message(letter.submission))
            statuses[answer.status] += 1
            if answer.status == 202:
                answered.append((began, time.monotonic()))
            elif answer.status in (429, 503):
                await asyncio.sleep(answer.retry_after_s or 1.0)

    wires = [Wire(int(plan.url.rpartition(":")[2])) for _ in range(plan.connections * len(SENDERS))]
    posting = [asyncio.create_task(post(wire, letters)) for wire in wires]
    await asyncio.sleep(plan.warm_up_s)
    opened = time.monotonic()
    await asyncio.sleep(plan.seconds)
    closed = time.monotonic()
    over.set()
    await asyncio.gather(*posting)
    for wire in wires:
        wire.close()
    odd = {f"status {status}": count for status, count in statuses.items() if status not in (202, 429, 503)}
    return Result(
        seconds=closed - opened,
        delivered_in_window=sum(opened <= ended < closed for _, ended in answered),
        refused=statuses[429] + statuses[503],
        failed=odd,
        latency_s=[ended - began for began, ended in answered if opened <= began < closed],
    )


def main(plan_file: str, result_file: str) -> None:
    plan = Plan(**json.loads(Path(plan_file).read_text()))
    Path(result_file).write_text(json.dumps(asdict(uvloop.run(run(plan)))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
