"""What an auditor's worker processes load."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
import client.audit_signatures
print(*sorted({"pydantic", "sqlite3", "shared.domain.header", "client.audit_memory"} & set(sys.modules)))
"""


def test_a_worker_starts_without_models_and_rules() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
