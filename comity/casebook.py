"""`comity search` and `comity list`: one's own dossiers, by their words and by whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.dossiers import lines_of, speech_for
from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import Output, local_time, reporting, say
from comity.words import _, _n, kind_word, reader_language, refusal, told_refusal
from shared.texts.catalogue import SOURCE, mark

if TYPE_CHECKING:
    from client.correspondence import Correspondence

EXCHANGE = "the exchange"
_OF_THE_HEADER: Final = {"number": mark("Dossier"), "sender": mark("From"), "kind": mark("Kind of message")}


def search(
    words: Annotated[list[str], typer.Argument(help="Words, names or file numbers; all must stand in one message.")],
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="First open what was read before this register kept its words.")
    ] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Search the messages that were opened here or sent from here. It asks the exchange nothing."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        from client.casebook import USE_LIMIT
        from client.use_notes import SPECIALITY

        casebook = own.mailbox.casebook
        for message in casebook.missing() if catch_up else ():
            own.mailbox.open(message)
        found = [
            {
                "number": hit.noted.number,
                "dossier": hit.noted.dossier,
                "message": hit.noted.message,
                "kind": hit.noted.kind,
                "sender": hit.noted.sender,
                "sent_at": hit.noted.sent_at,
                "where": hit.where,
                "snippet": hit.snippet,
                "use": hit.noted.words.get(USE_LIMIT),
            }
            for hit in casebook.search(words)
        ]
        missing = len(casebook.missing())

        def render(console: Any) -> None:
            for one in found:
                gaps = {"kind": kind_word(str(one["kind"])), "sender": one["sender"], "at": local_time(one["sent_at"])}
                say(console, f"{one['number']}  " + _("{kind} of {sender}, sent {at}", **gaps))
                say(console, f"    {_place(one)}: {one['snippet']}")
                if one["use"]:
                    say(console, f"    {_('Use limitation')}: {one['use']}", style="bold")
                say(console, f"    comity open {one['message']}")
            if found:
                say(console, _(SPECIALITY), style="bold")
            else:
                say(console, _("Nothing of that stands in what was opened here or sent from here."))

        if missing:
            command = f"comity search --catch-up {' '.join(words)}"
            output.note(
                _n(
                    "{count} message is not searched yet: {command}",
                    "{count} messages are not searched yet: {command}",
                    missing,
                    command=command,
                )
            )
        output.show({"found": found, "not_searched": missing}, render)


def _place(hit: dict[str, Any]) -> str:
    """Where in the message it stands, by the labels of its form."""
    from client.casebook import ATTACHMENT
    from client.forms.faults import path_label

    where = str(hit["where"])
    if where.startswith(ATTACHMENT):
        return _("Document {part}", part=where.removeprefix(ATTACHMENT).strip())
    if where in _OF_THE_HEADER:
        return _(_OF_THE_HEADER[where])
    return path_label(str(hit["kind"]), where, reader_language()) or where


def list_dossiers(
    mine_today: Annotated[
        bool, typer.Option("--mine-today", help="What you owe by the end of today, or owed before.")
    ] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="What is overdue, whoever owes it.")] = False,
    waiting_on_them: Annotated[
        bool, typer.Option("--waiting-on-them", help="What another authority owes; the earliest date first.")
    ] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="What is closed instead, and how it ended; the newest first.")
    ] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Your open dossiers, line by line: whose turn it is, on what, and by when. The earliest date comes first."""
    if mine_today + overdue + waiting_on_them + closed > 1:
        raise typer.BadParameter("one of --mine-today, --overdue, --waiting-on-them and --closed, not several")
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        alarms: list[dict[str, Any]] = []
        lines = [
            one
            for one in _lines(own, now(), alarms, output)
            if (one["waiting_on"] is None) == closed
            and (not mine_today or _is_mine_today(one, own.keys.authority))
            and (not overdue or any(due["overdue"] for due in one["dues"]))
            and (not waiting_on_them or one["waiting_on"] not in (EXCHANGE, own.keys.authority))
        ]
        lines.sort(key=_earliest)
        if closed:
            lines.sort(key=lambda one: str(one["since"]), reverse=True)

        def render(console: Any) -> None:
            for one in lines:
                late = any(due["overdue"] for due in one["dues"])
                say(console, f"{one['number']}  {one['text']}{_files(one)}", style="red" if late else None)
                for party, limit in one["use"].items():
                    say(console, f"    {_('Use limitation')}, {party}: {limit}", style="bold")
            for rule in dict.fromkeys(one["speciality"] for one in lines):
                say(console, rule, style="bold")
            for one in alarms:
                say(console, _("ALARM") + f"  {one['number']}: {told_refusal(one)}", style="bold red")
            if not lines:
                say(console, _("Nothing."))

        output.show({"lines": lines, "alarms": alarms}, render)


def _lines(own: Correspondence, moment: datetime, alarms: list[dict[str, Any]], output: Output) -> list[dict[str, Any]]:
    """Every line of every dossier; one that the exchange shows otherwise than its messages make it is an alarm."""
    from client.use_notes import specialities, speciality_notes
    from shared.domain.instruments import calendars_of
    from shared.errors import AnswerRefused, StateContradicted

    registry, casebook = own.instruments(), own.mailbox.casebook
    language = SOURCE if output.as_json else reader_language()
    found, calendars = [], calendars_of(registry)
    for answer in own.exchange.dossiers():
        try:
            legs = own.read_legs(answer)
            lines = lines_of(own, answer, legs, moment, calendars, speech_for(output))
        except (StateContradicted, AnswerRefused) as contradicted:
            alarms.append({"number": answer.number, "dossier": answer.dossier, **refusal(contradicted)})
            continue
        for line in lines:
            party = line["requested"]
            ours, theirs = casebook.file_numbers(answer.dossier, party)
            told = {"number": answer.number, "dossier": answer.dossier, "our_file": ours, "their_file": theirs}
            bases = [leg.basis for leg in legs if leg.requested == party]
            rules = specialities(bases, registry, moment.astimezone(UTC).date(), language)
            [speciality] = speciality_notes(rules, language)
            use = {"use": casebook.use_limits(answer.dossier, party), "speciality": speciality}
            found.append({**told, **line, **use})
    return found


def _is_mine_today(line: dict[str, Any], authority: str) -> bool:
    """Whether this authority owes it by the end of this day (that it is in UTC), or owed it before."""
    today = now().astimezone(UTC).date().isoformat()
    return line["waiting_on"] == authority and any(
        due["day"] is not None and due["day"] <= today for due in line["dues"]
    )


def _earliest(line: dict[str, Any]) -> tuple[bool, str, str]:
    dates = [due["due"] for due in line["dues"] if due["due"] is not None]
    return (not dates, min(dates, default=""), line["number"])


def _files(line: dict[str, Any]) -> str:
    ours = _("our file {number}", number=line["our_file"]) if line["our_file"] else ""
    theirs = _("their file {number}", number=line["their_file"]) if line["their_file"] else ""
    known = ", ".join(one for one in (ours, theirs) if one)
    return f" · {known}" if known else ""
