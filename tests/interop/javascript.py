"""The second implementation, in JavaScript: a process that answers questions, one JSON document a line.

It lives in `tests/interop/js` and was written from the pages of `docs/spec` alone. `missing_javascript` says in one
line what to install; `make` installs it where it can.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).parent / "js"
LEAST_NODE = (20, 19)
"""What the lattice library asks for (its `engines`); Debian 13 has it, Debian 12 does not."""


class RefusedThere(Exception):
    """The other implementation refused, with this code, at this stage."""

    def __init__(self, code: str, stage: str) -> None:
        super().__init__(f"{code} at {stage}")
        self.code = code
        self.stage = stage


def missing_javascript() -> str | None:
    """None if the second implementation can run here, otherwise what to install."""
    node = shutil.which("node")
    if node is None:
        return "Node.js is missing: apt-get install --no-install-recommends nodejs npm, then make interop"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
    if tuple(int(number) for number in said.lstrip("v").split(".")[:2]) < LEAST_NODE:
        return f"Node.js {said} is too old: {LEAST_NODE[0]}.{LEAST_NODE[1]} or newer is needed"
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        return f"the packages of {HERE.name} are not installed: make interop"
    return None


class JavaScript:
    """Asks the other implementation. For one thread; used as a context."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", "answering.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> JavaScript:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._node.stdin and self._node.stdout:
            self._node.stdin.close()
            self._node.stdout.close()
        self._node.wait(timeout=30)

    def ask(self, what: str, **question: Any) -> Any:
        """The answer. Raises RefusedThere."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"ask": what, **question}) + "\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline() or '{"broken": "it ended"}')
        if "refused" in answer:
            raise RefusedThere(answer["refused"], answer["stage"])
        if "broken" in answer:
            raise RuntimeError(f"the second implementation broke: {answer['broken']}")
        return answer["answer"]
