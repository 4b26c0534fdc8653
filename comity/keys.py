"""`comity keys`: make the keys of an authority or an auditor, show them, compare those of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity import key_archive, key_comparison, key_rotation, key_statements
from comity.fingerprints import fingerprint
from comity.home import find_home, now
from comity.options import HomeDir, Json, authority_id, pairs
from comity.output import reporting, say
from comity.words import _

if TYPE_CHECKING:
    from shared.keys.event_document import NameDocument

app = typer.Typer(no_args_is_help=True, help="Make, renew, show and compare keys.")
app.command()(key_comparison.show)
app.command()(key_rotation.rotate)
app.command()(key_comparison.compare)
app.command()(key_statements.statements)
app.command()(key_archive.rewrap)
app.command()(key_archive.destroy)
app.command()(key_archive.discard)
app.command()(key_archive.passphrase)


@app.command()
def new(
    authority: Annotated[str | None, typer.Option(help="Id of the authority, such as MA.PGR.")] = None,
    auditor: Annotated[str | None, typer.Option(help="Id of an auditor, such as MA.COUR: an API key only.")] = None,
    mandate: Annotated[str, typer.Option(help="Of an auditor: full, or country.")] = "full",
    name: Annotated[
        list[str] | None, typer.Option(help="Name in one language, fr=…; the first is the official one.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to write the enrolment request.")] = None,
    in_token: Annotated[
        bool, typer.Option("--in-token", help="Make an authority's Ed25519 keys in the token of COMITY_PKCS11_MODULE.")
    ] = False,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Make the key file of this home, and a request for enrolment with proofs of possession.

    Give the request to the operators of the exchange, and the fingerprints by another road.
    """
    if (authority is None) == (auditor is None):
        raise typer.BadParameter("give either --authority or --auditor")
    if in_token and authority is None:
        raise typer.BadParameter("an auditor's key lies in its file")
    if mandate not in ("full", "country"):
        raise typer.BadParameter("a mandate is full or country")
    party = authority_id(authority or auditor or "")
    names = pairs(name or [], "fr=Name")
    if not names:
        raise typer.BadParameter("give at least one --name, such as --name fr='Parquet général'")
    official = _official(names)  # before a key is made: a key file is not made twice
    with reporting(json) as output:
        from client.enrolment import auditor_request, authority_request, encode_enrolment
        from client.keystore import create_auditor_key, create_keystore

        place = find_home(home)
        place.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        passphrase = place.passphrase(new=True)
        if authority is not None:
            module = place.new_key_module() if in_token else None
            keys = create_keystore(place.keys, passphrase, party, place.key_cost, module)
            request = authority_request(keys, official, now())
        else:
            key = create_auditor_key(place.keys, passphrase, party, place.key_cost)
            request = auditor_request(party, key, "full" if mandate == "full" else "country", official, now())
        target = out or place.path / "enrolment.json"
        target.write_bytes(encode_enrolment(request))
        document = {"party": party, "keys": str(place.keys), "request": str(target), "kids": request.kids()}

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "{party}: keys in {keys}, request for enrolment in {target}",
                    party=party,
                    keys=place.keys,
                    target=target,
                ),
            )
            for use, kid in request.kids().items():
                say(console, f"  {use:<13} {fingerprint(kid)}")
            say(console, _("Hand the request to the operators, and read the fingerprints to them by another road."))

        output.show(document, render)


def _official(names: dict[str, str]) -> NameDocument:
    """Raises typer.BadParameter."""
    from client.enrolment import party_names

    try:
        return party_names(names)
    except ValueError:
        raise typer.BadParameter("a --name is fr=Name: a language in two or three small letters, a name") from None
