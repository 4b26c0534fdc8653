"""The exchange is blind: no process of it ever loads the code that opens or signs for an authority.

import-linter sees imports as they are written; this looks at what a running process really loaded.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from shared.adapters.keyfiles import init_exchange
from shared.keys.private import generate_ed25519

WATCHED_SERVE = """
import atexit, sys
from comity.main import app
atexit.register(lambda: print("LOADED", *sorted(sys.modules), file=sys.stderr, flush=True))
app()
"""


def test_serve_all_loads_nothing_of_the_client(tmp_path: Path) -> None:
    init_exchange(
        tmp_path, "comity.test/log", [generate_ed25519(), generate_ed25519()], 2, datetime.now(UTC), "development"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED_SERVE, "serve", "all", "--data", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "ready" in process.stdout.readline()
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    loaded = next(line for line in errors.splitlines() if line.startswith("LOADED")).split()[1:]
    assert "services.intake.handler" in loaded
    assert [module for module in loaded if module.split(".")[0] == "client"] == []


def test_the_import_contract_that_forbids_it_is_declared() -> None:
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    contracts = {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    blind = contracts["7-blind"]
    assert blind["type"] == "forbidden"
    assert {"gateway", "services", "shared"} <= set(blind["source_modules"])
    assert blind["forbidden_modules"] == ["client"]
    assert "ignore_imports" not in blind
