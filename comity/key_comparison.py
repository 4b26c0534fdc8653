"""`comity keys show` and `compare`: the number that two people read to each other, and the keys that it stands for."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from comity.fingerprints import fingerprint
from comity.home import Home, find_home
from comity.options import HomeDir, Json, Url, authority_id
from comity.output import Output, local_time, reporting, say


def show(home: HomeDir = None, json: Json = False) -> None:
    """The key ids of this home's key file, and their number for a comparison; needs no passphrase."""
    with reporting(json) as output:
        from client.keystore import read_kids
        from shared.keys.comparison import comparison_number

        place = find_home(home)
        owner, kids = read_kids(place.keys)
        acting: dict[str, str] = {}
        for key in kids:
            if key.get("since") is not None:
                acting.setdefault(key["use"], key["kid"])
        number = comparison_number(owner, acting.values())

        def render(console: Any) -> None:
            say(console, f"{owner} · {place.keys}")
            for key in kids:
                say(console, f"  {key['use']:<13} {fingerprint(key['kid'])}")
                since = f"acts since {local_time(key['since'])}" if key["since"] else "not registered yet"
                token = f", in the token {key['token']}" if key["token"] else ""
                say(console, f"    made {local_time(key['made_at'])}, {since}{token}")
            say(console, f"Number for a comparison: {number}")

        output.show({"owner": owner, "file": str(place.keys), "keys": kids, "number": number}, render)


def compare(
    party: Annotated[str, typer.Argument(help="Whose keys to compare.")],
    confirm: Annotated[
        bool, typer.Option("--confirm", help="The number was compared with the party itself, and was the same.")
    ] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """The number of another party's keys, to be compared with it by telephone or in person.

    The party reads its own from `comity keys show`. It stands for the newest key of each use: 40 digits, 132 bits.
    """
    authority_id(party)
    with reporting(json) as output:
        _compare(find_home(home, url), party, confirm, output)


def _compare(place: Home, party: str, confirm: bool, output: Output) -> None:
    from shared.domain.ids import encode_time
    from shared.errors import RecipientUnknown
    from shared.keys.comparison import COMPARISON_BITS, comparison_number

    with place.correspondence() as own:
        watch = own.directory()
        known = watch.latest.party(party)
        if known is None:
            raise RecipientUnknown(recipient=party)
        newest = {key.use: key for key in known.keys}
        number = comparison_number(party, [key.kid for key in newest.values()])
        if confirm:
            watch.note_compared(newest.values())
        keys: list[dict[str, Any]] = []
        for key in known.keys:
            waiting = watch.waiting(key.kid)
            since = key.compromised_since
            keys.append(
                {
                    "use": key.use,
                    "kid": key.kid,
                    "not_before": encode_time(key.not_before),
                    "not_after": encode_time(key.not_after),
                    "event": key.seq,
                    "event_type": key.by,
                    "is_newest": newest[key.use] is key,
                    "usable_from": None if waiting is None else encode_time(waiting.until),
                    "compromised_since": None if since is None else encode_time(since),
                }
            )

    def render(console: Any) -> None:
        say(console, f"{party} · {known.name.official} · {known.status}")
        say(console, f"  {number}", style="bold")
        for key in keys:
            say(console, f"  {key['use']:<13} {fingerprint(key['kid'])}{_standing(key)}")
        if confirm:
            say(console, "Noted: these keys were compared.")
            return
        say(console, f"Call {party} at a number that you know from before, and have it read to you the number that")
        say(console, f"`comity keys show` gives it ({COMPARISON_BITS} bits). If all 40 digits are the same:")
        say(console, f"  comity keys compare {party} --confirm")

    document = {"party": party, "name": known.name.official, "status": known.status, "number": number, "keys": keys}
    output.show(document, render)


def _standing(key: dict[str, Any]) -> str:
    """What is to be said of a key, behind its id."""
    told = f"\n    by event {key['event']} ({key['event_type']}), until {local_time(key['not_after'])}"
    if not key["is_newest"]:
        told += ", replaced"
    if key["compromised_since"]:
        told += f", COMPROMISED since {local_time(key['compromised_since'])}"
    return told + (f", usable from {local_time(key['usable_from'])}" if key["usable_from"] else "")
