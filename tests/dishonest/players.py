"""Lies played side by side: each by one of some processes that have the story, and share nothing else.

What comes of a lie depends on the seed, its name and its number, and on nothing that was played before it: one process
or many, the outcomes are the same, and they come in the same order.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.dishonest.campaign import TRUTHS, Campaign, Lie, Outcome, all_lies
from tests.dishonest.story import Past
from tests.dishonest.window import Loop

AHEAD: Final = 3
"""Lies given out for each process, so that none waits for the next; they are few when enough were played."""
LONGEST_S: Final = 300
"""For one lie, however loaded the machine is; whoever hangs says where, and dies."""
_campaign: Campaign | None = None
"""Of this process."""


class Players:
    """Processes that live as long as the campaign. One that dies ends it: BrokenProcessPool is raised."""

    def __init__(self, past: Past, place: Path, seed: int, blind: str | None, processes: int) -> None:
        # By fork: keys stay where they are. With another thread its locks would be copied as they stand.
        assert threading.active_count() == 1, threading.enumerate()
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("fork"), _begin, (past, place, seed, blind)
        )
        self._ahead = AHEAD * processes

    def __enter__(self) -> Players:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def play(self, lies: Iterable[tuple[Lie, int]]) -> Iterator[tuple[Lie, Outcome | None]]:
        """Each with what came of it, in their order. No more are asked for than are soon played."""
        given: deque[tuple[Lie, Future[Outcome | None]]] = deque()
        for lie, number in lies:
            given.append((lie, self._pool.submit(_play, lie.name, number)))
            if len(given) == self._ahead:
                first, outcome = given.popleft()
                yield first, outcome.result()
        for lie, outcome in given:
            yield lie, outcome.result()


def _begin(past: Past, place: Path, seed: int, blind: str | None) -> None:
    global _campaign
    _campaign = Campaign(past, Loop(), place / f"scene-{os.getpid()}", seed, blind)


def _play(name: str, number: int) -> Outcome | None:
    assert _campaign is not None
    faulthandler.dump_traceback_later(LONGEST_S, exit=True)
    try:
        return _campaign.play(_LIES[name], number)
    finally:
        faulthandler.cancel_dump_traceback_later()


_LIES: Final = {lie.name: lie for lie in (*TRUTHS, *all_lies())}
