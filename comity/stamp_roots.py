"""Root certificates that time-stamps are believed by, beside those of the trust file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shared.audit.time_stamps import StampRoots

StampRoot = Annotated[
    list[Path] | None,
    typer.Option("--stamp-root", help="PEM root certificate for time-stamps, beside the trust file's. Repeat it."),
]


def read_roots(files: list[Path] | None) -> StampRoots | None:
    """None where none is given. Raises RequestFileInvalid, SettingsRefused."""
    from client.request_file import read_given
    from shared.audit.time_stamps import StampRoots

    pems = [read_given(file) for file in files or ()]
    return StampRoots(pems) if pems else None
