"""Where a message waits on its way, at a pace that fills nothing: by the times that each service wrote into its rows.

Intake and routing write the time at which they began to judge a batch; the feed repeats routing's. So from intake's
judgement to routing's is what intake took to write, commit and publish, the queue, and routing's taking of it; the last
leg is routing's writing, all of notification, the wake-up and the answer to the long poll.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # ships no types

from deploy.local import PrivatePostgres
from deploy.local.exchange import DATABASE

LEGS: Final = (
    "posted → intake judges",
    "intake judges → routing judges",
    "routing judges → recipient has it",
)
_TIMES: Final = """
    SELECT d.message, extract(epoch FROM d.decided_at)::float8, extract(epoch FROM f.at)::float8
    FROM decision d JOIN feed_entry f ON f.message = d.message AND f.type = 'message.received'
    WHERE d.message = ANY($1::text[])
"""


async def elapsed(server: PrivatePostgres, moments: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Leg of the way → its median in seconds. `moments`: message → when it was posted and when its recipient had it."""
    connection = await asyncpg.connect(server.dsn(DATABASE).replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(_TIMES, list(moments))
    finally:
        await connection.close()
    ways = []
    for message, *judged in rows:
        posted, seen = moments[message]
        steps = [posted, *judged, seen]
        ways.append([after - before for before, after in pairwise(steps)])
    return {leg: median(way[place] for way in ways) for place, leg in enumerate(LEGS)} if ways else {}
