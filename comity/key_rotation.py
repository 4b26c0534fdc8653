"""`comity keys rotate`: new keys under the old ones, or for a recovery by the operators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity import home as homes
from comity.home import Home, find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import Output, local_time, reporting, say
from comity.words import _

if TYPE_CHECKING:
    from client.exchange import Exchange
    from client.rotation import Rotated
    from client.signing import AuthorityKeys
    from shared.keys.event_document import Use

_USES: Final = ("sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519")


def rotate(
    use: Annotated[list[str] | None, typer.Option(help="Renew this key alone; repeat it. All four otherwise.")] = None,
    for_recovery: Annotated[
        bool, typer.Option("--for-recovery", help="Write a request for the operators: the old keys cannot sign.")
    ] = False,
    in_file: Annotated[
        bool, typer.Option("--in-file", help="Make the new keys in the key file, though the old ones lie in a token.")
    ] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to write that request.")] = None,
    patience: Annotated[float, typer.Option("--patience", help="Seconds to wait until it counts.")] = 30.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Renew the keys of this authority: the old ones sign for the new ones, and both are accepted for seven days.

    Broken off, it goes on where it was when it is repeated, with the same new keys.
    """
    uses: list[Use] = [one for one in _USES if one in (use or _USES)]
    if len(uses) < len(set(use or _USES)):
        raise typer.BadParameter(f"a use is one of {', '.join(_USES)}")
    if for_recovery and use:
        raise typer.BadParameter("a recovery renews all four keys")
    with reporting(json) as output:
        place = find_home(home, url)
        if for_recovery:
            _request(output, place, out or place.path / "recovery.json", in_file)
        else:
            _show(output, _rotate(place, uses, patience, in_file))


def _rotate(place: Home, uses: list[Use], patience_s: float, in_file: bool) -> Rotated:
    from client.directory_history import replay_history
    from client.keystore import load_keystore, stage_keys
    from client.rotation import rotate_keys, settle_rotation
    from shared.errors import CallKeyUnknown, KeyModuleUnusable

    passphrase, module = place.passphrase(), place.key_module()
    if in_file:
        stage_keys(place.keys, passphrase, uses, module, in_file=True)
    try:
        with place.correspondence(passphrase, module) as own:
            own.directory()  # stops where the directory names keys that are not ours
            return rotate_keys(
                own.exchange, own.trust, place.keys, passphrase, now, uses, module=module, patience_s=patience_s
            )
    except (CallKeyUnknown, KeyModuleUnusable):
        keys = load_keystore(place.keys, passphrase, module=module)
        if keys.coming is None or keys.coming.since is not None:
            raise
        exchange = _calling_with_coming_key(place, keys)  # after a recovery the old key calls no more
        try:
            directory = replay_history(exchange.directory().events, place.trust()).latest
        finally:
            exchange.close()
        staged = stage_keys(place.keys, passphrase, list(keys.coming.keys), module)
        settled = settle_rotation(directory, staged, place.keys, passphrase, module)
        if settled is None:
            raise
        return settled


def _calling_with_coming_key(place: Home, keys: AuthorityKeys) -> Exchange:
    from shared.errors import KeyRefused
    from shared.keys.custody import Signer

    key = keys.coming.keys.get("api-ed25519") if keys.coming else None
    if not isinstance(key, Signer):
        raise KeyRefused(alg="api-ed25519", why="no new one was made")
    return homes.exchange_as(key, keys.authority, place.require_url(), place.trust())


def _request(output: Output, place: Home, target: Path, in_file: bool) -> None:
    from client.enrolment import encode_enrolment
    from client.keystore import stage_keys
    from client.rotation import recovery_request
    from comity.fingerprints import fingerprint

    staged = stage_keys(place.keys, place.passphrase(), module=place.key_module(), in_file=in_file)
    request = recovery_request(staged, now())
    target.write_bytes(encode_enrolment(request))
    document = {"party": request.party, "request": str(target), "kids": request.kids()}

    def render(console: Any) -> None:
        say(
            console,
            _(
                "{party}: new keys in {keys}, request for a recovery in {target}",
                party=request.party,
                keys=place.keys,
                target=target,
            ),
        )
        for use, kid in request.kids().items():
            say(console, f"  {use:<13} {fingerprint(kid)}")
        say(console, _("Bring it to the operators in person. When they recovered you: comity keys rotate"))

    output.show(document, render)


def _show(output: Output, rotated: Rotated) -> None:
    from comity.fingerprints import fingerprint
    from shared.domain.ids import encode_time

    keys = [
        {"use": use, "kid": key.kid, "not_before": encode_time(key.not_before), "not_after": encode_time(key.not_after)}
        for use, key in rotated.keys.items()
    ]

    def render(console: Any) -> None:
        say(
            console,
            _("New keys by key event {seq}; what was sealed to the old sealing key still opens:", seq=rotated.seq),
        )
        for key in keys:
            until = _("until {at}", at=local_time(key["not_after"]))
            say(console, f"  {key['use']:<13} {fingerprint(key['kid'])}, {until}")

    output.show({"event": rotated.seq, "keys": keys}, render)
