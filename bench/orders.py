"""Orders to a process that times itself: a line of JSON each, `{"do": name, …}`, answered by a line of JSON.

The standard library alone: peers in environments of their own obey with it too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def obey(orders: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
    """Until the input ends."""
    for line in sys.stdin:
        given = json.loads(line)
        answer = orders[given.pop("do")](**given)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Spent:
    """Adds up what is done in its blocks: seconds on the wall, and of CPU in all threads of this process."""

    def __init__(self) -> None:
        self._wall = self._cpu = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self._wall += time.perf_counter() - self._began[0]
        self._cpu += time.process_time() - self._began[1]

    def told(self) -> dict[str, float]:
        return {"seconds": self._wall, "cpu_seconds": self._cpu}


class Ordered:
    """The process that obeys; what it says of errors goes to a file beside it."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Its answer. Raises RuntimeError when it ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended: {self._log.read_text(errors='replace')[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
