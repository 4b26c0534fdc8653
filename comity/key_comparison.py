"""`comity keys show` and `compare`: the number that two people read to each other, and the keys that it stands for.

Rules:
1. What the other side told is read before anything is asked of the exchange, and compared whole: a QR code also by the
   exchange and the authority that it names.
2. What is noted is what was compared: the number that the other side told is held against the keys that are noted, in
   one step. A mere yes would be to keys that the exchange could have changed since they were shown.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.advice import UNVERIFIED
from comity.fingerprints import fingerprint
from comity.home import Home, find_home
from comity.options import HomeDir, Json, Url, authority_id
from comity.output import Output, local_time, reporting, say
from comity.qr_code import show_qr
from comity.words import _, retold
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.directory_watch import DirectoryWatch
    from shared.keys.comparison import ToldNumber
    from shared.keys.directory import DirectoryKey, Party
    from shared.keys.event_document import Use

Qr = Annotated[bool, typer.Option("--qr", help="A QR code of the number as well, for the other side to scan.")]
_TELL_AGAIN: Final = mark(
    "Nothing was noted. Have {party} tell its number once more, in person or at a telephone number that you know from"
    " before. If it differs again, send nothing, and tell the operators and an auditor."
)
_CALL: Final = mark(
    "Call {party} at a number that you know from before, and have it read to you the number that `comity keys show`"
    " gives it ({bits} bits). The program compares what you hear:"
)
_STANDINGS: Final = {"enrolled": mark("enrolled"), "suspended": mark("suspended")}


def show(qr: Qr = False, home: HomeDir = None, json: Json = False) -> None:
    """The key ids of this home's key file, and their number for a comparison; needs no passphrase."""
    with reporting(json) as output:
        from client.keystore import read_kids
        from shared.keys.comparison import comparison_code, comparison_number

        place = find_home(home)
        owner, kids = read_kids(place.keys)
        acting: dict[str, str] = {}
        for key in kids:
            if key.get("since") is not None:
                acting.setdefault(key["use"], key["kid"])
        number = comparison_number(owner, acting.values()) if acting else None
        code = {"qr": comparison_code(place.trust().origin, owner, number)} if qr and number else {}

        def render(console: Any) -> None:
            say(console, f"{owner} · {place.keys}")
            for key in kids:
                say(console, f"  {key['use']:<13} {fingerprint(key['kid'])}")
                since = (
                    _("acts since {since}", since=local_time(key["since"])) if key["since"] else _("not registered yet")
                )
                token = _(", in the token {token}", token=key["token"]) if key["token"] else ""
                say(
                    console,
                    "    "
                    + _("made {made_at}, {since}{token}", made_at=local_time(key["made_at"]), since=since, token=token),
                )
            if number is None:
                say(console, _("No number for a comparison: none of these keys acts yet."))
                return
            say(console, _("Number for a comparison: {number}", number=number))
            say(console, _("It stands for the keys of this file; others see the same once you are enrolled with them."))
            if qr:
                show_qr(console, code["qr"])

        output.show({"owner": owner, "file": str(place.keys), "keys": kids, "number": number, **code}, render)


def compare(
    party: Annotated[str, typer.Argument(help="Whose keys to compare.")],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What the party told: its 40 digits, or its scanned QR code; - reads a line."
        ),
    ] = None,
    qr: Qr = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """The number of another party's keys, to be compared with it by telephone or in person.

    The party reads its own from `comity keys show`. It stands for the newest key of each use: 40 digits, 132 bits.
    With --against, exit code 0 says that they agree, which is noted, and 4 that they do not.
    """
    authority_id(party)
    if against is not None and qr:
        raise typer.BadParameter("give only one of --against and --qr")
    with reporting(json) as output:
        place = find_home(home, url)
        if against is None:
            _compare(place, party, qr, output)
        else:
            _compare_against(place, party, _told(against, output), output)


def _told(given: str, output: Output) -> ToldNumber:
    """Raises ComparisonUnreadable."""
    from shared.keys.comparison import MAX_COMPARISON_TEXT, read_told_number

    if given == "-":
        if sys.stdin.isatty():
            output.note(_("Scan the QR code, or type the 40 digits; then Enter."))
        # A line and not all: a scanner that types ends with Enter, and a camera that is read from goes on.
        given = sys.stdin.buffer.readline(4 * MAX_COMPARISON_TEXT + 1).decode(errors="replace")
    return read_told_number(given)


def _compare_against(place: Home, party: str, told: ToldNumber, output: Output) -> None:
    """Raises typer.Exit(4) where they do not agree."""
    with place.correspondence() as own:
        watch = own.directory()
        newest, number = _keys_of(watch, party)[1:]
        difference = _difference(told, own.trust.origin, party, number)
        if difference is None:
            watch.note_compared(newest.values())

    def render(console: Any) -> None:
        if difference is None:
            say(
                console,
                _("They agree: these are the keys of {party}, and it was noted that they were compared.", party=party),
            )
            return
        say(console, _("They do not agree: {difference}.", difference=retold(difference)), style="bold red")
        say(console, _(_TELL_AGAIN, party=party))

    output.show({"party": party, "number": number, "agree": difference is None, "difference": difference}, render)
    if difference is not None:
        raise typer.Exit(UNVERIFIED)


def _difference(told: ToldNumber, exchange: str, party: str, number: str) -> str | None:
    """What is another on the other side; None: nothing."""
    if told.exchange not in (None, exchange):
        return f"the QR code is of the exchange {told.exchange}, and this home is at {exchange}"
    if told.party not in (None, party):
        return f"the QR code is of {told.party}, and not of {party}"
    if told.digits != number.replace(" ", ""):
        return f"the exchange shows other keys of {party} here than those that this number stands for"
    return None


def _compare(place: Home, party: str, qr: bool, output: Output) -> None:
    from shared.domain.ids import encode_time
    from shared.keys.comparison import COMPARISON_BITS, comparison_code

    with place.correspondence() as own:
        watch = own.directory()
        known, newest, number = _keys_of(watch, party)
        code = {"qr": comparison_code(own.trust.origin, party, number)} if qr else {}
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
        say(console, f"{party} · {known.name.official} · {_(_STANDINGS.get(known.status, known.status))}")
        say(console, f"  {number}", style="bold")
        for key in keys:
            say(console, f"  {key['use']:<13} {fingerprint(key['kid'])}{_standing(key)}")
        say(console, _(_CALL, party=party, bits=COMPARISON_BITS))
        say(console, f"  comity keys compare {party} --against NUMBER")
        if qr:
            show_qr(console, code["qr"])

    document = {"party": party, "name": known.name.official, "status": known.status, "number": number, "keys": keys}
    output.show({**document, **code}, render)


def _keys_of(watch: DirectoryWatch, party: str) -> tuple[Party, dict[Use, DirectoryKey], str]:
    """The party, its newest key of each use, and the number of these. Raises RecipientUnknown."""
    from shared.errors import RecipientUnknown
    from shared.keys.comparison import comparison_number

    known = watch.latest.party(party)
    if known is None:
        raise RecipientUnknown(recipient=party)
    newest = {key.use: key for key in known.keys}
    return known, newest, comparison_number(party, [key.kid for key in newest.values()])


def _standing(key: dict[str, Any]) -> str:
    """What is to be said of a key, behind its id."""
    told = "\n    " + _(
        "by event {event} ({event_type}), until {not_after}",
        event=key["event"],
        event_type=key["event_type"],
        not_after=local_time(key["not_after"]),
    )
    if not key["is_newest"]:
        told += _(", replaced")
    if key["compromised_since"]:
        told += _(", COMPROMISED since {at}", at=local_time(key["compromised_since"]))
    return told + (
        _(", usable from {usable_from}", usable_from=local_time(key["usable_from"])) if key["usable_from"] else ""
    )
