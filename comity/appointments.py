"""`comity appointments`: hearings, test calls and transfers ahead, in all dossiers, by the clocks of both sides."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.words import _, reader_language
from shared.texts.catalogue import SOURCE, mark, translate

if TYPE_CHECKING:
    from client.agenda import Planned

WEEK_DAYS = 7


def appointments(
    today: Annotated[
        bool, typer.Option("--today", help="Today only, by the clock of this machine or of either side.")
    ] = False,
    week: Annotated[bool, typer.Option("--week", help="Today and the six days after it.")] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Hearings, test calls and transfers that stand open, the earliest first. It asks the exchange nothing."""
    if today and week:
        raise typer.BadParameter("one of --today and --week, not both")
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        from client.agenda import planned

        moment, language = now(), SOURCE if output.as_json else reader_language()
        first = moment.astimezone().date()
        days = {first + timedelta(days=after) for after in range(1 if today else WEEK_DAYS)} if today or week else None
        found = [
            _document(one, one.is_over(moment), language)
            for one in planned(own.register, own.mailbox.casebook, own.keys.authority)
            if days is None or days & _days_of(one)
        ]

        def render(console: Any) -> None:
            for one in found:
                say(console, f"{one['number']} · {', '.join(one['measures'])} · {one['other']} · {_(one['title'])}")
                for line in one["lines"]:
                    say(console, f"    {line}", style="bold red" if one["is_over"] else "bold")
                if one["is_over"]:
                    say(console, "    " + _("The day is over, and nobody has reported on it."), style="red")
            if not found:
                say(console, _("No appointment stands open."))

        output.show({"appointments": found}, render)


def _days_of(one: Planned) -> set[date]:
    """The days on which it begins: where it is held, on the other side, and by the clock of this machine."""
    if one.at is None:
        return {one.day}
    return {one.day, one.at.astimezone().date(), date.fromisoformat(one.hours["other_begins"][:10])}


def _document(one: Planned, is_over: bool, language: str) -> dict[str, Any]:
    from client.agenda import PROPOSED
    from client.appointments import hour_lines

    what = str(one.hours.get("what") or translate(one.title, language))
    lines = list(hour_lines(one.hours, what, language)) or [one.day.isoformat()]
    if one.act == PROPOSED:
        lines.append(translate(_PROPOSED, language, party=one.debtor))
    return {
        "number": one.number,
        "dossier": one.dossier,
        "leg": one.leg,
        "other": one.other,
        "measures": list(one.measures),
        "act": one.act,
        "title": one.title,
        "day": one.day.isoformat(),
        "utc": None if one.at is None else f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        "zones": {one.hours[name]: one.hours[at] for name, at in _CLOCKS} if one.at else {},
        "owed_by": one.debtor,
        "message": one.message,
        "is_over": is_over,
        "lines": lines,
    }


_CLOCKS = (("zone", "begins"), ("other_zone", "other_begins"))
_PROPOSED = mark("Only proposed: {party} has not answered yet.")
