"""Where an audit reads from, and how it shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from comity import home as homes
from comity.home import Home
from comity.output import Output
from shared.errors import RequestFileInvalid

if TYPE_CHECKING:
    from client.audit_reading import Progress
    from client.ledger_stamps import StampSource
    from shared.keys.trust import Trust


def open_source(source: str, place: Home, trust: Trust) -> StampSource:
    """A directory if it is no address. Raises typer.BadParameter for one in which nothing of a ledger lies,
    RequestFileInvalid for one that cannot be read."""
    from client.ledger_stamps import StampedDirectory, StampedExchange

    if is_address(source):
        owner, key = place.api_key()
        return StampedExchange(homes.exchange_as(key, owner, source, trust))
    folder = Path(source)
    if not _is_there(folder / "checkpoint") and not _is_there(folder / "tile"):
        what = "holds no ledger" if folder.is_dir() else "is neither the address of an exchange nor a folder"
        raise typer.BadParameter(f"{source} {what}; `comity ledger export FOLDER` makes a copy")
    return StampedDirectory(folder)


def _is_there(path: Path) -> bool:
    """Raises RequestFileInvalid where this machine does not tell it."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as kept_away:
        raise RequestFileInvalid(file=path, why=kept_away.strerror) from None
    return True


def is_address(source: str) -> bool:
    return source.startswith(("https://", "http://"))


@contextmanager
def progress_bar(output: Output) -> Iterator[Progress | None]:
    """A bar on standard error, for people at a terminal."""
    from comity.output import console

    errors = console(stderr=True)
    if output.as_json or not errors.is_terminal:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("entries", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
