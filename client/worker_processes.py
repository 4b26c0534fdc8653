"""Processes that compute for this one, and end with it.

1. They are spawned, not forked: a fork would inherit open connections and database handles.
2. Ctrl-C in a terminal reaches them too, and is this one's to answer: it lets them end.
3. They end when this one is killed. Nobody asks them any more, and they would wait for ever.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def start_processes(count: int) -> ProcessPoolExecutor:
    """They start when they are first asked something."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_attend_to_parent)


def _attend_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
