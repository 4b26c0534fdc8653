"""`comity keys statements`: what the exchange signed to be its newest, for an auditor to hold it against."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import find_home
from comity.options import HomeDir, Json
from comity.output import local_time, reporting, say
from comity.words import _

if TYPE_CHECKING:
    from client.register_keys import StatementKept


def statements(
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write them into this file.")] = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """What the exchange signed to be its newest key event and registry of instruments, each time before something was
    sealed: of each pair the last. An auditor holds them against the ledger: `comity audit keys LEDGER --against FILE`.
    Needs no passphrase.
    """
    with reporting(json) as output:
        from client.correspondence import Place
        from client.register import Register
        from shared.errors import RequestFileInvalid, SettingsRefused

        register_file = Place(find_home(home).path).register
        if not register_file.exists():
            raise SettingsRefused(why=f"there is no {register_file} yet; `comity inbox` makes it")
        with Register(register_file) as register:
            kept = register.keys.statements()
        if out is not None:
            try:
                text = jsonlib.dumps({"events": [], "statements": [one.statement for one in kept]}, indent=1)
                out.write_text(text + "\n", encoding="utf-8")
            except OSError as broken:
                raise RequestFileInvalid(file=out, why=broken.strerror) from None
        document = {
            "statements": [
                {"event": one.seq, "registry": one.registry, "at": one.at, "statement": one.statement} for one in kept
            ],
            "file": None if out is None else str(out),
        }

        def render(console: Any) -> None:
            for one in kept:
                say(console, _told(one))
            if not kept:
                say(console, _("The exchange signed nothing here yet."))
            if out is not None:
                say(console, _("written: {out}", out=out))

        output.show(document, render)


def _told(one: StatementKept) -> str:
    members = {"seq": one.seq, "at": local_time(one.at)}
    if one.registry:
        sentence = _(
            "key event {seq} and registry {registry} were the newest at {at}, says the exchange",
            **members,
            registry=one.registry,
        )
    else:
        sentence = _("key event {seq} was the newest at {at}, says the exchange", **members)
    return sentence
