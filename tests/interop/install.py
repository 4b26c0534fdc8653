"""`python -m tests.interop.install`: the packages of the second implementation, as its lock file pins them.

Node.js and npm are Debian's, where this user may install them and they are new enough. Where that cannot be, one line
says why, and the tests that need them are skipped with the same reason; nothing fails here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

from tests.interop.javascript import HERE, LEAST_NODE, missing_javascript

INSTALL_S = 300.0


def install_packages() -> str | None:
    """None if the second implementation can run now, otherwise why not."""
    if (shutil.which("node") is None or shutil.which("npm") is None) and _debian_is_new_enough():
        print("installing nodejs npm", flush=True)
        _run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "nodejs", "npm"])
    if shutil.which("npm") is None:
        return missing_javascript() or "npm is missing: apt-get install --no-install-recommends npm"
    failure = _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"])
    missing = missing_javascript()
    return f"{missing} (npm ci: {failure})" if missing and failure else missing


def _debian_is_new_enough() -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    _run(["apt-get", "update", "-qq"])
    policy = subprocess.run(["apt-cache", "policy", "nodejs"], capture_output=True, text=True, timeout=INSTALL_S)
    candidate = re.search(r"Candidate: (\d+)\.(\d+)", policy.stdout)
    return candidate is not None and (int(candidate[1]), int(candidate[2])) >= LEAST_NODE


def _run(command: Sequence[str]) -> str:
    """The last line of what it complained of, empty if it succeeded."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_S
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no output"])[-1]


if __name__ == "__main__":
    why_not = install_packages()
    if why_not:
        print(f"the second implementation is left out: {why_not}", file=sys.stderr)
