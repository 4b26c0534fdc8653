"""What the officers of MA.PGR do at their desk, for tests of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import Result

from tests.unit.comity.conftest import OFFICERS, Run, document_of

MA, FR = "MA.PGR", "FR.BEPI"
ALAMI, BENNIS, CHAKIR = OFFICERS


def drafted(run: Run, request_file: Path, by: str = ALAMI) -> str:
    arguments = ("send", str(request_file), "--to", FR, "--instrument", "quadripartite", "--draft-by", by, "--json")
    result = run(MA, *arguments)
    assert result.exit_code == 0, result.output
    return str(document_of(result)["draft"])


def act(run: Run, what: str, draft: str, who: str, *more: str) -> Result:
    return run(MA, "desk", what, draft, "--officer-key", who, *more)


def code_of(result: Result) -> str:
    return str(document_of(result)["error"]["code"])


def received(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document_of(run(FR, "inbox", "--json"))["unopened"]
    return found
