"""What runs in a forked process: the command `comity serve`, and nothing that an exchange has no business with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.adapters.clock import SystemClock


def serve(
    arguments: list[str], environment: Mapping[str, str], said: Path, log: Path, ahead: timedelta = timedelta()
) -> None:
    """Become `comity serve ARGUMENTS`: standard output goes to `said`, standard error to `log`; no other settings.

    Its clock is `ahead` of the machine's."""
    for name in [name for name in os.environ if name.startswith("COMITY_")]:
        del os.environ[name]
    os.environ.update(environment)
    for number, path in ((1, said), (2, log)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    if ahead:
        SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign]  # here and nowhere else
    from comity.serve import app

    app(arguments)
