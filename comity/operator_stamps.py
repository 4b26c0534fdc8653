"""`comity operator stamp-roots`: under which certificates parties believe time-stamps over the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from comity.home import load_trust
from comity.options import Json
from comity.output import reporting, say
from comity.stamp_roots import read_roots
from comity.words import _


def stamp_roots(
    roots: Annotated[list[Path], typer.Argument(help="PEM files of root certificates; they replace those before.")],
    data: Annotated[Path, typer.Option(help="Directory of the exchange.")],
    json: Json = False,
) -> None:
    """Put the root certificates of time-stamp authorities into the exchange's trust file.

    Nothing that runs changes: whoever verifies proofs and copies of the ledger believes by the trust file that he has.
    Hand the new one to each, from person to person (comity trust import --replace).
    """
    with reporting(json) as output:
        from dataclasses import replace

        from shared.adapters.durable_file import write_durably
        from shared.adapters.keyfiles import TRUST_FILE
        from shared.keys.trust import encode_trust, parse_trust

        file = data / TRUST_FILE
        given = read_roots(roots)
        ders = given.ders() if given is not None else ()
        raw = encode_trust(replace(load_trust(file), stamp_roots=ders))
        parse_trust(raw)  # as everybody will who gets it: not too large, not too many
        write_durably(file, raw)
        names = [] if given is None else given.names()
        document = {"trust_file": str(file), "stamp_roots": names}

        def render(console: Any) -> None:
            for name in names:
                say(console, _("{file} believes time-stamps under {name}", file=file, name=name))
            say(
                console, _("Hand it to every party and auditor, from person to person: until then they have the other.")
            )

        output.show(document, render)
