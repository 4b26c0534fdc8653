"""The load generator: one process that posts ready letters, reads the recipients' feeds, and keeps the times of both.

    python -m bench.load PLAN.json RESULT.json

Modes: `saturate` keeps so many messages outstanding (posted, and not yet in their recipient's feed); `pace` and
`overload` post at a fixed rate, whatever the answers do, and what was refused takes its turn again later.

Rules:
1. A message counts when its recipient's feed shows it. Each that was accepted must come, once; `lost` and `repeated`
   say how many did not, and a round with either is no measurement.
2. A 503 or 429 is waited out as its Retry-After says; one without Retry-After is counted as `rude`.
3. Signing the calls (Ed25519) happens here, while it runs: a client's cost, paid on the same cores.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from bench.feeds import FeedReader
from bench.http_wire import Answer, Wire
from bench.letters import Letter, read_letters
from bench.parties import RECIPIENTS, SENDERS
from bench.signed_calls import SignedCalls

DRAIN_S = 60.0
MOST_IN_FLIGHT = 400
"""Of the paced modes: beyond it, an arrival finds no connection and is no attempt."""
_RETRY_WITHOUT_HEADER_S = 1.0


@dataclass(frozen=True)
class Plan:
    """What to do. `connections` are per sender; `rate` is messages per second, for the modes that pace."""

    mode: str
    url: str
    letters: str
    seeds: dict[str, str]
    """Party → seed of its API key, in hexadecimal digits."""
    warm_up_s: float
    seconds: float
    outstanding: int = 200
    connections: int = 8
    rate: float = 0.0
    poll_pause_s: float = 0.0
    """What a recipient waits between two pages that had something in them."""


@dataclass
class Result:
    """Times in seconds from the beginning of the measured window; a message of the warm-up has a time below zero."""

    accepted: int = 0
    delivered_in_window: int = 0
    accepted_in_window: int = 0
    seconds: float = 0.0
    offered: int = 0
    """Attempts within the window, and those `refused` within it."""
    refused: int = 0
    rude: int = 0
    broken: int = 0
    """Connections that ended before an answer came; the message is posted again under its id, as clients do."""
    lost: int = 0
    repeated: int = 0
    foreign: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    pages: int = 0
    client_cpu_s: float = 0.0
    posted_to_accepted_s: list[float] = field(default_factory=list)
    posted_to_feed_s: list[float] = field(default_factory=list)
    accepted_to_feed_s: list[float] = field(default_factory=list)
    moments: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When paced: message → when it was posted and when its recipient had it, in seconds since 1970."""


class Load:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._port = int(plan.url.rpartition(":")[2])
        self._letters: Iterator[Letter] = read_letters(Path(plan.letters))
        self._again: list[Letter] = []
        self._calls = [SignedCalls(plan.url, party, bytes.fromhex(plan.seeds[party])) for party in SENDERS]
        self._room = asyncio.Semaphore(plan.outstanding)
        self._over = asyncio.Event()
        self._in_flight = 0
        self._attempts: list[float] = []
        self._refusals: list[float] = []
        self._posted: dict[str, float] = {}
        self._accepted: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self.result = Result()

    async def run(self) -> Result:
        """Warm up, measure, stop posting, wait for what is still on its way."""
        readers = [
            FeedReader(SignedCalls(self.plan.url, party, bytes.fromhex(self.plan.seeds[party])), self._port, self._saw)
            for party in RECIPIENTS
        ]
        for reader in readers:
            await reader.go_to_end()
        reading = [asyncio.create_task(reader.run(self.plan.poll_pause_s)) for reader in readers]
        posting = asyncio.create_task(self._post_all())
        await asyncio.sleep(self.plan.warm_up_s)
        began, cpu = time.monotonic(), time.process_time()
        print(json.dumps({"window": "open"}), flush=True)
        await asyncio.wait({posting}, timeout=self.plan.seconds)
        ended = time.monotonic()
        print(json.dumps({"window": "closed"}), flush=True)
        self.result.client_cpu_s = time.process_time() - cpu
        ran_out = posting.done()
        self._over.set()
        await posting
        await self._drain()
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        self.result.pages = sum(reader.pages for reader in readers)
        if ran_out and self.plan.mode != "pace":
            self.result.failed["letters ran out"] = 1
        return self._summed_up(began, ended)

    async def _post_all(self) -> None:
        count = self.plan.connections
        async with asyncio.TaskGroup() as tasks:
            if self.plan.mode == "saturate":
                for _ in range(count * len(SENDERS)):
                    tasks.create_task(self._post_in_turn())
            else:
                await self._post_at_rate(tasks)

    # --- saturate

    async def _post_in_turn(self) -> None:
        async with Wire(self._port) as wire:
            while not self._over.is_set():
                await self._room.acquire()
                letter = next(self._letters, None)
                if letter is None or self._over.is_set():
                    self._room.release()
                    return
                while not await self._post(wire, letter):
                    if self._over.is_set():
                        return

    async def _post(self, wire: Wire, letter: Letter) -> bool:
        """Whether this letter is done with; a refused one has waited as it was told to."""
        answer = await self._send(wire, letter)
        if answer is None or answer.status in (429, 503):
            pause_s = answer.retry_after_s if answer and answer.retry_after_s is not None else _RETRY_WITHOUT_HEADER_S
            await asyncio.wait([asyncio.ensure_future(self._over.wait())], timeout=pause_s)
            return False
        return True

    async def _send(self, wire: Wire, letter: Letter) -> Answer | None:
        """One attempt, counted; None when the connection broke."""
        self._posted[letter.message] = time.monotonic()
        self._attempts.append(self._posted[letter.message])
        try:
            answer = await wire.call(self._calls[letter.sender].post_message(letter.submission))
        except (OSError, TimeoutError):
            self.result.broken += 1
            return None
        if answer.status in (200, 202):
            self._accepted[letter.message] = time.monotonic()
        elif answer.status in (429, 503):
            self._refusals.append(time.monotonic())
            self.result.rude += answer.retry_after_s is None
        else:
            self._fail(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
            self._room.release()
        return answer

    def _fail(self, why: str) -> None:
        self.result.failed[why] = self.result.failed.get(why, 0) + 1

    # --- pace, overload

    async def _post_at_rate(self, tasks: asyncio.TaskGroup) -> None:
        """Arrivals are evenly spaced and never wait for answers; an idle connection is used again."""
        idle: list[Wire] = []
        began, number = time.monotonic(), 0
        while not self._over.is_set():
            number += 1
            if (ahead := began + number / self.plan.rate - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            elif number % 20 == 0:
                await asyncio.sleep(0)
            if self._in_flight >= MOST_IN_FLIGHT:
                continue
            letter = self._again.pop(0) if len(self._again) > 1000 else next(self._letters, None)
            if letter is None and self._again:
                letter = self._again.pop(0)
            if letter is None:
                return
            tasks.create_task(self._post_once(idle.pop() if idle else Wire(self._port), letter, idle))
        for wire in idle:
            wire.close()

    async def _post_once(self, wire: Wire, letter: Letter, idle: list[Wire]) -> None:
        self._in_flight += 1
        answer = await self._send(wire, letter)
        self._in_flight -= 1
        if answer is None or answer.status in (429, 503):
            self._again.append(letter)
        if self._over.is_set():
            wire.close()
        else:
            idle.append(wire)

    # --- both

    def _saw(self, message: str) -> None:
        if message in self._seen:
            self.result.repeated += 1
        elif message in self._posted:
            self._seen[message] = time.monotonic()
            self._room.release()
        else:
            self.result.foreign += 1

    async def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until and not self._accepted.keys() <= self._seen.keys():
            await asyncio.sleep(0.05)

    def _summed_up(self, began: float, ended: float) -> Result:
        result = self.result
        result.accepted = len(self._accepted)
        result.seconds = ended - began
        result.offered = sum(began <= at < ended for at in self._attempts)
        result.refused = sum(began <= at < ended for at in self._refusals)
        result.lost = len(self._accepted.keys() - self._seen.keys())
        result.accepted_in_window = sum(began <= at < ended for at in self._accepted.values())
        result.delivered_in_window = sum(began <= at < ended for at in self._seen.values())
        since_1970 = time.time() - time.monotonic()
        for message, accepted in self._accepted.items():
            posted, seen = self._posted[message], self._seen.get(message)
            if seen is None or not began <= posted < ended:
                continue
            result.posted_to_accepted_s.append(accepted - posted)
            result.posted_to_feed_s.append(seen - posted)
            result.accepted_to_feed_s.append(seen - accepted)
            if self.plan.mode == "pace":
                result.moments[message] = (posted + since_1970, seen + since_1970)
        return result


def main(plan_file: str, result_file: str) -> None:
    plan = Plan(**json.loads(Path(plan_file).read_text()))

    async def run() -> Result:
        return await Load(plan).run()

    Path(result_file).write_text(json.dumps(asdict(uvloop.run(run()))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
