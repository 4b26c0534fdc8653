"""`comity show` and `comity status`: a dossier, whose turn it is, and by when."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import Output, local_time, reporting, say
from comity.words import ReaderSpeech, _, code_word, kind_word, reader_language
from shared.domain.speech import ENGLISH, Speech
from shared.texts.catalogue import SOURCE
from shared.texts.catalogue import mark as told_as

if TYPE_CHECKING:
    from datetime import datetime

    from client.correspondence import Correspondence
    from shared.contracts.api import DossierAnswer
    from shared.domain.calendars import Calendars
    from shared.domain.leg import Leg

_STATES: Final = {
    "stored": told_as("stored"),
    "submitted": told_as("submitted"),
    "accepted": told_as("accepted"),
    "rejected": told_as("rejected"),
    "refused": told_as("refused"),
    "received": told_as("received"),
}
Dossier = Annotated[str, typer.Argument(help="Number, id, or the beginning or end of an id.")]


def status(dossier: Dossier, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Whose turn it is, since when and by when; law, deadlines and targets are told apart."""
    with reporting(json) as output:
        with find_home(home, url).correspondence() as own:
            document = dossier_document(own, own.find_dossier(dossier), speech_for(output))
        output.show(document, lambda console: _render_status(console, document))


def show(dossier: Dossier, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """The dossier's messages as this home recorded them, and its status."""
    with reporting(json) as output:
        with find_home(home, url).correspondence() as own:
            found = own.find_dossier(dossier)
            answer = own.exchange.dossier(found)
            legs = own.read_legs(answer)
            document = _document(own, answer, legs, speech_for(output))
            document["use"] = _use(own, found, legs, SOURCE if output.as_json else reader_language())
            document["messages"] = [
                {
                    "message": one.message,
                    "at": one.recorded_at,
                    "kind": one.kind,
                    "sender": one.sender,
                    "recipients": list(one.recipients),
                    "state": one.state,
                    "opened": one.opened_at is not None or one.sender == own.keys.authority,
                    "leg": one.leg,
                }
                for one in own.register.messages(found)
            ]
        output.show(document, lambda console: _render(console, document))


def speech_for(output: Output) -> Speech:
    """Programs read English, whoever runs them."""
    return ENGLISH if output.as_json else ReaderSpeech()


def dossier_document(own: Correspondence, dossier: str, speech: Speech = ENGLISH) -> dict[str, Any]:
    """The exchange's view, its status lines derived here by the same rules, and whether its head is known here."""
    answer = own.exchange.dossier(dossier)
    return _document(own, answer, own.read_legs(answer), speech)


def _document(own: Correspondence, answer: DossierAnswer, legs: list[Leg], speech: Speech) -> dict[str, Any]:
    from shared.domain.instruments import calendars_of

    return {
        "dossier": answer.dossier,
        "number": answer.number,
        "profile": answer.profile,
        "requesting": answer.requesting,
        "status": answer.status,
        "opened_at": answer.opened_at,
        "lines": lines_of(own, answer, legs, now(), calendars_of(own.instruments()), speech),
        "legs": [
            {
                "requested": leg.requested,
                "basis": leg.basis.primary,
                "group": leg.basis.group,
                "measures": {one.id: one.type for one in leg.measures},
                "read": own.register.knows(answer.dossier, leg.requested, leg.head),
            }
            for leg in legs
        ],
    }


def lines_of(
    own: Correspondence,
    answer: DossierAnswer,
    legs: list[Leg],
    moment: datetime,
    calendars: Calendars,
    speech: Speech = ENGLISH,
) -> list[dict[str, Any]]:
    """The lines of status of one dossier, as this authority sees it."""
    from shared.domain.evidences import TransportState
    from shared.domain.status import encode_line, line_text, status_of

    known = set(TransportState)  # a newer exchange may know more; then the legal state shows alone
    transport = {view.requested: view.transport for view in answer.legs if view.transport in known}
    lines = status_of(legs, own.keys.authority, moment, transport, own.holders(legs), calendars)
    return [
        {
            **encode_line(line),
            "text": line_text(line, own.keys.authority, moment, speech, _about(own, line.asked_in, speech)),
        }
        for line in lines
    ]


def _about(own: Correspondence, message: str | None, speech: Speech) -> str:
    """What a line is about, where the message that asks for it was read here."""
    from client.asked_words import about_message
    from shared.domain.header import parse_header

    kept = None if message is None else own.register.message(message)
    return "" if kept is None else about_message(parse_header(kept.header), speech)


def _use(own: Correspondence, dossier: str, legs: list[Leg], language: str) -> list[str]:
    """For what all of it may be used: what each side named for what it gave, what the instruments say, the codes of its
    messages, and what was permitted besides."""
    from client.use_notes import handling_notes, permission_notes, permissions_in, specialities, speciality_notes
    from shared.domain.header import parse_header

    messages = own.register.messages(dossier)
    limits = own.mailbox.casebook.use_limits(dossier)
    rules = specialities((leg.basis for leg in legs), own.instruments(), now().astimezone(UTC).date(), language)
    codes = sorted({code for one in messages for code in parse_header(one.header).handling})
    permitted = permission_notes(permissions_in(dossier, [leg.requested for leg in legs], messages), language)
    named = (f"{party}: {limit}" for party, limit in limits.items())
    return [*named, *speciality_notes(rules, language), *handling_notes(codes, language), *permitted]


def _render_status(console: Any, document: dict[str, Any]) -> None:
    say(console, f"{document['number']} · {document['requesting']} · {_(document['status'])}", style="bold")
    for line in document["lines"]:
        overdue = any(due["overdue"] for due in line["dues"])
        say(console, line["text"], style="red" if overdue else None)
    for leg in document["legs"]:
        if not leg["read"]:
            say(
                console,
                _("{leg}: something happened that was not read here; run `comity inbox`.", leg=leg["requested"]),
            )


def _render(console: Any, document: dict[str, Any]) -> None:
    _render_status(console, document)
    at = local_time(document["opened_at"])
    say(console, _("opened {at}, dossier {dossier}", at=at, dossier=document["dossier"]))
    for leg in document["legs"]:
        basis = f"{leg['basis']} ({leg['group']})" if leg["group"] else leg["basis"]
        measures = ", ".join(f"{name} {code_word(type_)}" for name, type_ in leg["measures"].items())
        say(
            console,
            "  " + _("leg {leg} under {basis}: {measures}", leg=leg["requested"], basis=basis, measures=measures),
        )
    for line in document["use"]:
        say(console, f"  {line}", style="bold")
    for one in document["messages"]:
        mark = "" if one["opened"] else "  " + _("not opened")
        whom = ", ".join(one["recipients"])
        state = _(_STATES.get(one["state"], one["state"]))
        say(console, f"  {local_time(one['at'])}  {kind_word(one['kind'])}  {one['sender']} → {whom}  {state}{mark}")
        say(console, f"    {one['message']}")
