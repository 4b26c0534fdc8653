"""Options that several commands share, so that they are spelled and explained the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from shared.domain.ids import is_authority_id

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
HomeDir = Annotated[
    Path | None, typer.Option("--home", help="Home of this party; COMITY_HOME, else ~/.comity.", show_default=False)
]
Url = Annotated[
    str | None, typer.Option("--url", help="Address of the exchange; COMITY_URL, else comity.toml.", show_default=False)
]
PageLanguage = Annotated[
    str | None, typer.Option("--language", help="en, fr, ar or es: the words of the page; else COMITY_LANGUAGE.")
]
TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="Trust file; else the one in the home.", show_default=False)
]
OperatorKeys = Annotated[
    list[Path], typer.Option("--operator-key", help="Key file of one operator; give it once for each.")
]

OneOperatorKey = Annotated[Path, typer.Option("--operator-key", help="Key file of one operator; one suffices.")]


def authority_id(text: str) -> str:
    """For options that name an authority. Raises typer.BadParameter."""
    if not is_authority_id(text):
        raise typer.BadParameter(f"{text!r} is no authority id such as MA.PGR")
    return text


def day(text: str) -> date:
    """For options that name a day. Raises typer.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2027-01-14") from None


def pairs(items: Iterable[str], what: str) -> dict[str, str]:
    """`fr=Nom` → {"fr": "Nom"}. Raises typer.BadParameter."""
    found = {}
    for item in items:
        name, mark, value = item.partition("=")
        if not mark or not name or not value:
            raise typer.BadParameter(f"{item!r} is not of the form {what}")
        found[name] = value
    return found
