"""`comity operator instruments`: publish the registry, and what happens to an instrument: suspended, resumed,
denounced, amended. Each is a publication of its own, signed by the operators, and a leaf that names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import exchange_as, find_home
from comity.operator_keys import load_operator
from comity.options import HomeDir, Json, OperatorKeys, TrustFile, Url, day
from comity.output import reporting, say
from comity.words import _

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(no_args_is_help=True, help="The registry of legal instruments.")

Code = Annotated[str, typer.Argument(help="The instrument's code in the registry, such as ma-fr-2008.")]
Country = Annotated[str, typer.Option("--party", help="The country, two letters, such as FR.")]
From = Annotated[str, typer.Option("--from", help="From which day on, 2027-01-01; it may be to come.")]
Version = Annotated[str, typer.Option("--version", help="How the registry is called from now on.")]
Change = dict[str, Any]


@app.callback()
def _instruments() -> None:
    """The registry of legal instruments."""


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="The registry, as JSON.")],
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Sign a registry of instruments with the operator keys, and post it."""
    with reporting(json) as output:
        from client.request_file import read_given

        output.show(*_publish(lambda _: read_given(file), operator_key, trust, home, url))


@app.command()
def suspend(
    code: Code,
    party: Country,
    since: From,
    version: Version,
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """A country suspends an instrument: requests under it are flagged from that day on."""
    with reporting(json) as output:
        change = _of_party(code, party, version, {"suspended": day(since).isoformat(), "resumed": None})
        output.show(*_publish(change, operator_key, trust, home, url))


@app.command()
def resume(
    code: Code,
    party: Country,
    since: From,
    version: Version,
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """A country ends its suspension of an instrument."""
    with reporting(json) as output:
        change = _of_party(code, party, version, {"resumed": day(since).isoformat()})
        output.show(*_publish(change, operator_key, trust, home, url))


@app.command()
def denounce(
    code: Code,
    party: Country,
    since: From,
    version: Version,
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """A country has denounced an instrument, with effect from that day on. Dossiers opened before go on."""
    with reporting(json) as output:
        change = _of_party(code, party, version, {"denounced": day(since).isoformat()})
        output.show(*_publish(change, operator_key, trust, home, url))


@app.command()
def amend(
    code: Code,
    file: Annotated[
        Path, typer.Argument(help="The amendment as JSON: in_force, title, source, and what it replaces of the entry.")
    ],
    version: Version,
    operator_key: OperatorKeys,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """An instrument is amended from a day on: its measures, grounds, clock or channels. What it said before stays."""
    with reporting(json) as output:
        from client.request_file import load_json

        amendment = load_json(file)

        def change(registry: Change) -> Change:
            entry = _entry(registry, code)
            amendments = [*entry.get("amendments", []), amendment]
            entry["amendments"] = sorted(
                amendments, key=lambda one: str(one.get("in_force")) if isinstance(one, dict) else ""
            )
            return {**registry, "version": version}

        output.show(*_publish(change, operator_key, trust, home, url))


def _of_party(code: str, country: str, version: str, members: Change) -> Callable[[Change], Change]:
    def change(registry: Change) -> Change:
        parties = _entry(registry, code)["parties"]
        if country not in parties:
            raise typer.BadParameter(f"{country} is no party to {code}; its parties are {', '.join(parties)}")
        if members.items() <= parties[country].items():
            raise typer.BadParameter(f"the registry says so already: {code}, {country}; nothing was posted")
        parties[country] |= members
        return {**registry, "version": version}

    return change


def _entry(registry: Change, code: str) -> Change:
    """Raises typer.BadParameter."""
    found: Change | None = next((one for one in registry["instruments"] if one["code"] == code), None)
    if found is None:
        known = ", ".join(one["code"] for one in registry["instruments"])
        raise typer.BadParameter(f"the registry knows no instrument {code}; it knows {known}")
    return found


def _publish(
    change: Callable[[Change], Change | bytes],
    operator_key: list[Path],
    trust: Path | None,
    home: Path | None,
    url: str | None,
) -> tuple[Change, Callable[[Any], None]]:
    """Change what is in force, sign it as the next publication and post it: what to show. Raises InstrumentsInvalid."""
    from shared.domain.instrument_changes import changes_between
    from shared.domain.instruments import parse_registry
    from shared.domain.strict_json import encode_canonical_json, parse_strict_json
    from shared.errors import InstrumentsInvalid
    from shared.keys.instruments import publication_after, sign_instruments, verify_instruments

    place = find_home(home, url)
    believed = place.trust(trust)
    operators = [load_operator(place, path) for path in operator_key]
    exchange = exchange_as(operators[0], "operator", place.require_url(), believed)
    quorum = (believed.operator_keys, believed.operator_quorum, believed.origin)
    shown = exchange.instruments()
    last = None if shown is None else verify_instruments(shown, *quorum)
    known = {"instruments": []} if last is None else parse_strict_json(last.registry)
    wanted = change(known)
    raw = wanted if isinstance(wanted, bytes) else encode_canonical_json(wanted)
    try:
        registry = parse_registry(raw)
    except InstrumentsInvalid as bad:
        raise typer.BadParameter(f"nothing was posted: {bad.facts['why']}") from None
    number, prev = publication_after(last)
    document = sign_instruments(raw, operators, believed.origin, number, prev)
    verify_instruments(document, *quorum)
    exchange.post_instruments(document)
    changes = changes_between(None if last is None else parse_registry(last.registry), registry)
    told = {
        "version": registry.version,
        "number": number,
        "instruments": [one.code for one in registry.instruments],
        "changes": list(changes),
    }

    def render(console: Any) -> None:
        count = len(registry.instruments)
        say(
            console,
            _(
                "Registry {version} with {count} instruments was posted, as publication {number}.",
                version=registry.version,
                count=count,
                number=number,
            ),
        )
        for one in changes:
            say(console, f"  {one}")

    return told, render
