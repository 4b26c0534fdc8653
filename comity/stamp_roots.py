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
    """None where none is given. Raises RequestFileInvalid."""
    from client.request_file import read_given
    from shared.audit.time_stamps import StampRoots
    from shared.errors import RequestFileInvalid, SettingsRefused

    roots: StampRoots | None = None
    for file in files or ():
        try:
            roots = StampRoots([read_given(file)], beside=roots)
        except SettingsRefused:
            raise RequestFileInvalid(file=file, why="it is no certificate in PEM") from None
    return roots
