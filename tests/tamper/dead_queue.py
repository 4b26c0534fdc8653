"""The broker's own dead queue, where its administrator can put what he likes: it is kept for the operator, unopened."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from shared.runtime.batch import BUS_GAVE_UP
from tests.tamper.arena import PATIENCE_S, Arena
from tests.tamper.cases import Genuine
from tests.tamper.evidence import Evidence
from tests.tamper.judge import Verdicts, kept


async def try_dead_queue(arena: Arena, queue: str, verdicts: Verdicts, genuine: Sequence[Genuine]) -> None:
    """Genuine frames, had or not, and noise, said to be dead. A service that starts sets them aside at once."""
    evidence = Evidence(arena.backend.store, queue, arena.leaf_opener())
    last, claimed, rows = await evidence.last_letter(), await evidence.claimed(), await evidence.row_counts()
    frames = [*(one.frame for one in genuine), b"noise"]
    await arena.broker.put(f"{queue}.dead", [(frame, {}) for frame in frames])
    async with arena.serving(queue) as watched, asyncio.timeout(PATIENCE_S):
        while len(letters := await evidence.letters_after(last)) < len(frames):
            await asyncio.sleep(0.01)
    verdicts.attempted["dead queue"] += len(frames)
    expected = Counter((kept(frame), BUS_GAVE_UP) for frame in frames)
    if Counter((one.digest, one.reason) for one in letters) != expected:
        verdicts.wrong.append(f"{queue}: the dead letters are not what lay in the dead queue")
    if watched.reached or await evidence.claimed() != claimed or await evidence.row_counts() != rows:
        verdicts.accepted += 1
        verdicts.wrong.append(f"{queue}: a frame from the dead queue had an effect")
