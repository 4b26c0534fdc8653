"""`comity operator renew`, `announce-log` and `renew-log`: new keys for the exchange's own services and for its log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from comity.home import find_home, load_trust, now
from comity.operator_keys import load_operator
from comity.options import HomeDir, Json, OperatorKeys
from comity.output import reporting, say
from comity.words import _


def renew(
    services: Annotated[
        list[str], typer.Argument(help="Services that get new keys: gateway, intake, routing, notification, ledger.")
    ],
    operator_key: OperatorKeys,
    data: Annotated[Path, typer.Option(help="Directory of the exchange, with its keys, roster and trust file.")],
    stolen_since: Annotated[
        str | None, typer.Option(help="The keys of before are in other hands since then: 2026-11-22T09:30:00Z.")
    ] = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Make new keys for services, and the roster that the operators sign. They count from the next start on.

    What was sealed under the keys of before is still done, unless they were stolen. New keys of the gateway need a new
    trust file at every party before it starts: docs/guide/operator.md, `Keys of the exchange`.
    """
    moment = now()
    since = None if stolen_since is None else _time_before(moment, stolen_since)
    with reporting(json) as output:
        from shared.adapters.keyfiles import ROSTER_FILE, TRUST_FILE
        from shared.adapters.renewed_keys import GATEWAY, is_broken_off, renew_services
        from shared.domain.ids import encode_time

        place = find_home(home)
        operators = [load_operator(place, path) for path in operator_key]
        mended = is_broken_off(data)
        roster = renew_services(data, services, operators, moment, since)
        named = sorted(set(services))
        document = {
            "services": named,
            "roster": str(data / ROSTER_FILE),
            "roster_sha256": roster.digest,
            "issued_at": encode_time(roster.issued_at),
            "trust_file": str(data / TRUST_FILE) if GATEWAY in services else None,
            "mended": mended,
        }

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "New keys for {named} in {data}; the roster is {digest}.",
                    named=", ".join(named),
                    data=data,
                    digest=roster.digest,
                ),
            )
            if mended:
                told = _(
                    "A renewal that was broken off had left a trust file with a key that never signed. It is replaced:"
                    " whoever was handed that file needs this one."
                )
                say(console, told, style="bold")
            say(console, _("Stop all processes, give each its files, start the ledger, then intake, then the others."))
            if GATEWAY in services:
                told = _(
                    "Before the gateway starts, hand {file} to every party and auditor, from person to person: by the"
                    " trust file that they have they believe no receipt of it.",
                    file=data / TRUST_FILE,
                )
                say(console, told)

        output.show(document, render)


def announce_log(
    operator_key: OperatorKeys,
    data: Annotated[Path, typer.Option(help="Directory of the exchange, with its keys, roster and trust file.")],
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Make new keys for the ledger's checkpoints, and the roster that announces them. They do not count yet.

    The ledger is told the roster while its keys are still those of before, so that every auditor can tell the keys that
    come from any others: docs/guide/operator.md, `Keys of the exchange`.
    """
    with reporting(json) as output:
        from shared.adapters.keyfiles import ROSTER_FILE
        from shared.adapters.renewed_keys import announce_log as announce

        place = find_home(home)
        roster = announce(data, [load_operator(place, path) for path in operator_key], now())
        document = {
            "roster": str(data / ROSTER_FILE),
            "roster_sha256": roster.digest,
            "log_vkeys": list(roster.log_vkeys or ()),
        }

        def render(console: Any) -> None:
            say(console, _("The roster {digest} announces new keys for the log.", digest=roster.digest))
            told = _(
                "Give {file} to every service and start intake again, which tells the ledger. An auditor proves that it"
                " stands there: comity audit show --kind directory.roster, comity ledger prove. With that proof, comity"
                " operator renew-log takes the keys into use.",
                file=data / ROSTER_FILE,
            )
            say(console, told)

        output.show(document, render)


def renew_log(
    data: Annotated[Path, typer.Option(help="Directory of the exchange, with its keys, roster and trust file.")],
    announced: Annotated[
        Path,
        typer.Option(
            help="The .tlog-proof of the entry that tells the roster of announce-log.", exists=True, dir_okay=False
        ),
    ],
    size: Annotated[
        int | None, typer.Option(min=0, help="Entries that the log has; without it, what the directory remembers.")
    ] = None,
    json: Json = False,
) -> None:
    """Take the announced keys for the ledger's checkpoints into use. The ledger must not run.

    They count from its next start on, for whoever has the new trust file; what those of before signed stays good for
    the entries that there are now. Witnesses, parties and auditors get the file first: docs/guide/operator.md, `Keys of
    the exchange`.
    """
    with reporting(json) as output:
        from shared.adapters import renewed_keys
        from shared.adapters.head_memory import FileHeadMemory
        from shared.adapters.keyfiles import TRUST_FILE
        from shared.adapters.owned_directory import own_directory
        from shared.errors import SettingsRefused

        with own_directory(data, "runs the embedded exchange"):
            known = FileHeadMemory(data, load_trust(data / TRUST_FILE).origin).last()
            if known is None and size is None:
                why = f"{data} does not remember how many entries were signed; give --size, of the newest checkpoint"
                raise SettingsRefused(why=why)
            if known is not None and size is not None and size < known.size:
                raise SettingsRefused(why=f"{known.size} entries were signed already, and --size says {size}")
            entries = size if size is not None else (known.size if known else 0)
            _require_announced(data, announced, entries)
            trust = renewed_keys.renew_log(data, entries)
        document = {"trust_file": str(data / TRUST_FILE), "log_vkeys": list(trust.log_vkeys), "size": entries}

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "New keys for the log {origin}; those of before count for {entries} entries.",
                    origin=trust.origin,
                    entries=entries,
                ),
            )
            told = _(
                "Hand {file} to every witness (comity witness renew), party and auditor (comity trust import"
                " --replace), from person to person, before the ledger starts again: by the trust file that they have"
                " they believe no checkpoint of it.",
                file=data / TRUST_FILE,
            )
            say(console, told)

        output.show(document, render)


def _require_announced(data: Path, proof: Path, size: int) -> None:
    """That one of the first `size` entries tells the roster that is there. Raises SettingsRefused, and what proofs do
    that do not verify."""
    from client.ledger_proofs import check_entry_proof
    from client.request_file import read_given
    from shared.adapters.keyfiles import ROSTER_FILE, TRUST_FILE, load_roster
    from shared.audit.leaves import parse_entry
    from shared.audit.proofs import MAX_PROOF_BYTES, parse_proof
    from shared.errors import SettingsRefused

    trust = load_trust(data / TRUST_FILE)
    proven = check_entry_proof(parse_proof(read_given(proof, MAX_PROOF_BYTES + 1)), trust)
    leaf = parse_entry(proven.entry)[1]
    if leaf.type != "directory.roster" or leaf.fields["roster_sha256"] != load_roster(data, trust).digest:
        raise SettingsRefused(why=f"the entry that {proof} proves does not tell the roster in {data / ROSTER_FILE}")
    if proven.index >= size:
        raise SettingsRefused(why=f"{proof} proves entry {proven.index}; the log is said to have {size} entries")


def _time_before(moment: datetime, text: str) -> datetime:
    from shared.domain.ids import parse_time

    try:
        since = parse_time(text)
    except ValueError:
        raise typer.BadParameter("--stolen-since is a time in UTC, such as 2026-11-22T09:30:00Z") from None
    if since > moment:
        raise typer.BadParameter("--stolen-since is a time that has passed")
    return since
