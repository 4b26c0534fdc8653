"""`comity trust`: what this home believes of its exchange before it believes anything else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.fingerprints import fingerprint
from comity.home import SETTINGS_FILE, find_home, load_trust
from comity.options import HomeDir, Json
from comity.output import reporting, say
from comity.words import _, retold
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from shared.keys.trust import Trust

app = typer.Typer(no_args_is_help=True, help="Import and show the trust file of an exchange.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The trust file, as it was handed over.")],
    yes: Annotated[bool, typer.Option("--yes", help="The fingerprints were compared: ask nothing.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another trust file.")] = False,
    url: Annotated[str | None, typer.Option(help="Keep this address of the exchange in comity.toml.")] = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Show the fingerprints of a trust file, and keep it in this home."""
    with reporting(json) as output:
        from shared.audit.quorum import rule_of
        from shared.errors import SettingsRefused
        from shared.keys.trust import encode_trust

        place = find_home(home)
        trust = load_trust(file)
        rule_of(trust)  # the ledger's keys and the witnesses' are read before anything is believed
        raw = encode_trust(trust)
        if place.trust_file.exists() and place.trust_file.read_bytes() != raw and not replace:
            raise SettingsRefused(why=f"{place.trust_file} is another trust file; --replace replaces it")
        forgotten = _forgotten(place.trust_file, trust)
        if not yes:
            if json:
                raise SettingsRefused(why="with --json, give --yes: nothing can be asked")
            output.show({}, lambda console: _render(console, trust, forgotten))
            typer.confirm(_("Were these fingerprints compared with the operators?"), abort=True, err=True)
        place.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _keep(place.trust_file, raw)
        if url is not None:
            _keep_url(place.path / SETTINGS_FILE, url)
        document = {**_document(trust), "file": str(place.trust_file), "forgotten_keys": forgotten}

        def render(console: Any) -> None:
            say(console, _("Trust in {origin} kept in {trust_file}", origin=trust.origin, trust_file=place.trust_file))
            if yes:
                _warn(console, forgotten)

        output.show(document, render)


@app.command()
def show(home: HomeDir = None, json: Json = False) -> None:
    """The trust file of this home."""
    with reporting(json) as output:
        trust = find_home(home).trust()
        output.show(_document(trust), lambda console: _render(console, trust))


def _forgotten(file: Path, trust: Trust) -> list[str]:
    """Of whose keys the trust file that is here knows some that the new one does not even name as former ones."""
    from shared.errors import ComityError

    try:
        known = load_trust(file)
    except ComityError:
        return []  # there is none, or none that can be read
    if known.origin != trust.origin:
        return []
    log = [set(one) for one in (trust.log_vkeys, *(pair.vkeys for pair in trust.former_log_keys))]
    receipts = {key.raw for key in trust.all_receipt_keys}
    kept = {mark("the ledger"): set(known.log_vkeys) in log, mark("the gateway"): known.receipt_key.raw in receipts}
    return [whose for whose, is_kept in kept.items() if not is_kept]


def _warn(console: Any, forgotten: list[str]) -> None:
    for whose in forgotten:
        told = _(
            "The keys of {whose} that were trusted here are not in this file, not even as former ones: what they signed"
            " does not verify any more.",
            whose=_(whose),
        )
        say(console, told, style="bold red")


def _document(trust: Trust) -> dict[str, Any]:
    from shared.audit.time_stamps import StampRoots
    from shared.domain.ids import encode_time
    from shared.keys.public import OPERATOR, service_owner

    return {
        "origin": trust.origin,
        "environment": trust.environment,
        "operator_quorum": trust.operator_quorum,
        "operator_kids": [key.kid(OPERATOR) for key in trust.operator_keys],
        "receipt_kid": trust.receipt_key.kid(service_owner("gateway")),
        "former_receipt_kids": {
            one.key.kid(service_owner("gateway")): encode_time(one.until) for one in trust.former_receipt_keys
        },
        "log_vkeys": list(trust.log_vkeys),
        "former_log_keys": [{"vkeys": list(one.vkeys), "size": one.size} for one in trust.former_log_keys],
        "witness_policy": trust.witness_policy,
        "pinned_keys": list(trust.pinned_keys),
        "stamp_roots": StampRoots(ders=trust.stamp_roots).names() if trust.stamp_roots else [],
    }


def _render(console: Any, trust: Trust, forgotten: list[str] | None = None) -> None:
    from shared.keys.witness_policy import parse_witness_policy

    shown = _document(trust)
    say(console, _("exchange   {origin} ({environment})", origin=trust.origin, environment=trust.environment))
    for kid in shown["operator_kids"]:
        say(console, _("operator   {kid}", kid=fingerprint(kid)))
    say(
        console,
        _(
            "quorum     {operator_quorum} of {operator_keys} operator keys",
            operator_quorum=trust.operator_quorum,
            operator_keys=len(trust.operator_keys),
        ),
    )
    say(console, _("receipts   {receipt_kid}", receipt_kid=fingerprint(shown["receipt_kid"])))
    for kid, until in shown["former_receipt_kids"].items():
        say(console, "           " + _("{kid} until {until}", kid=fingerprint(kid), until=until))
    for vkey in trust.log_vkeys:
        say(console, _("ledger     {vkey}", vkey="+".join(vkey.split("+")[:2])))
    for pair in trust.former_log_keys:
        names = ", ".join("+".join(vkey.split("+")[:2]) for vkey in pair.vkeys)
        say(console, "           " + _("{names} up to {size} entries", names=names, size=pair.size))
    policy = parse_witness_policy(trust.witness_policy)
    if policy.quorum is None:
        say(console, _("witnesses  none: nobody but the exchange signs the ledger"))
    else:
        say(console, _("witnesses  {quorum} must cosign the ledger", quorum=retold(policy.told())))
    for one in policy.witnesses.values():
        say(console, f"  {one.name:<8} {'+'.join(one.vkey.split('+')[:2])}")
    _warn(console, forgotten or [])
    for root in shown["stamp_roots"]:
        say(console, _("stamps     {root}", root=root))


def _keep_url(file: Path, url: str) -> None:
    kept = [line for line in _lines(file) if not line.replace(" ", "").startswith("url=")]
    escaped = url.replace("\\", "\\\\").replace('"', '\\"')
    _keep(file, ("\n".join([f'url = "{escaped}"', *kept]) + "\n").encode())


def _keep(file: Path, raw: bytes) -> None:
    """Whole or not at all: half a trust file would be none. Raises SettingsRefused."""
    from client.whole_file import put_in_place
    from shared.errors import SettingsRefused

    try:
        put_in_place(file, raw, replace=True)
    except OSError as broken:
        raise SettingsRefused(why=f"{file} cannot be written: {broken.strerror}") from None


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
