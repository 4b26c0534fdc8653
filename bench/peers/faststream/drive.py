"""FastStream's two ends: publishes to the first queue, its own subscriber of the second notes the time. Runs in its own
environment; plan and result are those of the bare chain.

python drive.py PLAN.json RESULT.json
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from pathlib import Path
from typing import Any

import uvloop
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker
from hop import PREFETCH, QUEUES, queue

NUMBER = struct.Struct(">Q")


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    broker = RabbitBroker(plan["url"], default_channel=Channel(prefetch_count=PREFETCH), logger=None)
    began: dict[int, float] = {}
    ended: dict[int, float] = {}
    repeated = 0
    room = asyncio.Semaphore(plan["outstanding"])
    over = asyncio.Event()
    padding = b"x" * (plan["bytes"] - NUMBER.size)

    @broker.subscriber(queue(QUEUES[1]), ack_policy=AckPolicy.ACK)  # type: ignore[untyped-decorator]  # not in this environment
    async def take(body: bytes) -> None:
        nonlocal repeated
        (number,) = NUMBER.unpack_from(body)
        if number in ended:
            repeated += 1
        elif number in began:
            ended[number] = time.monotonic()
            room.release()

    async def post() -> None:
        while not over.is_set():
            await room.acquire()
            number = len(began)
            began[number] = time.monotonic()
            await broker.publish(NUMBER.pack(number) + padding, queue(QUEUES[0]), persist=True, mandatory=True)

    await broker.start()
    posting = [asyncio.create_task(post()) for _ in range(plan["outstanding"])]
    await asyncio.sleep(plan["warm_up_s"])
    opened = time.monotonic()
    await asyncio.sleep(plan["seconds"])
    closed = time.monotonic()
    over.set()
    until = time.monotonic() + 20
    while ended.keys() != began.keys() and time.monotonic() < until:
        await asyncio.sleep(0.02)
    for task in posting:
        task.cancel()
    await broker.stop()
    return {
        "seconds": closed - opened,
        "delivered_in_window": sum(opened <= at < closed for at in ended.values()),
        "lost": len(began.keys() - ended.keys()),
        "repeated": repeated,
        "latency_s": [ended[one] - at for one, at in began.items() if opened <= at < closed and one in ended],
    }


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps(uvloop.run(run(given))))
