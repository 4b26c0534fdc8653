"""`comity instruments`: what the registry says of the law between countries, and how a party takes requests."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, Url, day
from comity.output import reporting, say
from comity.words import _, retold
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from shared.domain.instruments import Instrument, Party, Registry

_WORDS: Final = {
    "multilateral": mark("multilateral"),
    "bilateral": mark("bilateral"),
    "directive": mark("directive"),
    "group": mark("group"),
    "central-authority": mark("central authority"),
    "direct": mark("direct"),
    "diplomatic": mark("diplomatic"),
    "24-7-desk": mark("24/7 desk"),
    "accepted": mark("electronic filing accepted"),
    "hard-copy-follows": mark("hard copy follows"),
    "diplomatic-channel": mark("diplomatic channel"),
    "unknown": mark("not known"),
}
"""Kinds of instruments, channels, and filing."""


def instruments(
    code: Annotated[str | None, typer.Argument(help="One instrument in full; else all of them.")] = None,
    between: Annotated[
        str | None, typer.Option(help="Two countries, MA-FR: what binds them both, what comes first at the top.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="On which day, 2027-01-01; else today.")] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Instruments in force: parties, measures, grounds of refusal, channels, languages, filing."""
    on_day, pair = now().date() if on is None else day(on), _pair(between)
    with reporting(json) as output:
        from shared.errors import InstrumentsInvalid

        with find_home(home, url).correspondence() as own:
            registry = own.instruments()
        if registry is None:
            raise InstrumentsInvalid(why="the exchange has none yet; ask its operators for it")
        found = _found(registry, code, pair, on_day)
        document = {
            "registry": registry.version,
            "note": registry.note,
            "on": on_day.isoformat(),
            "instruments": [one.model_dump(mode="json") for one in found],
        }
        output.show(document, lambda console: _render(console, registry.note, found, on_day, whole=code is not None))


def _found(registry: Registry, code: str | None, pair: tuple[str, str] | None, day: date) -> list[Instrument]:
    if code is not None:
        entry = registry.instrument(code, day)
        if entry is None:
            known = ", ".join(one.code for one in registry.instruments)
            raise typer.BadParameter(f"the registry knows no instrument {code}; it knows {known}")
        return [entry]
    if pair is not None:
        return registry.between(*pair, day)
    return [one.as_of(day) for one in registry.instruments]


def _pair(text: str | None) -> tuple[str, str] | None:
    one, _, other = (text or "").upper().partition("-")
    if text is not None and not (len(one) == len(other) == 2):
        raise typer.BadParameter("--between takes two countries, such as MA-FR")
    return None if text is None else (one, other)


def _render(console: Any, note: str, found: list[Instrument], day: date, *, whole: bool) -> None:
    say(console, retold(note), style="bold")
    for entry in found:
        parties = ", ".join(f"{name}{_standing(party, day)}" for name, party in entry.parties.items())
        begun = _("in force since {in_force}", in_force=entry.in_force) if entry.in_force else _("not in force")
        say(console, f"{entry.code} · {_(_WORDS[entry.kind])} · {begun} · {parties}")
        say(console, f"    {entry.title}")
        if whole:
            _render_whole(console, entry)
    if not found:
        say(console, _("Nothing binds them both on that day; --instrument reciprocity asks on an assurance."))


def _render_whole(console: Any, entry: Instrument) -> None:
    say(
        console,
        "    "
        + _(
            "channels: {channels}; clock {clock}",
            channels=", ".join(_(_WORDS[one]) for one in entry.channels),
            clock=entry.clock,
        ),
    )
    if entry.measures is not None:
        say(console, "    " + _("measures: {measures}", measures=", ".join(entry.measures)))
    for name, party in entry.parties.items():
        desk = _(", desk {desk}", desk=party.desk) if party.desk else ""
        languages = " ".join(party.languages) or _("not known")
        authority = party.central_authority or _("not known")
        say(
            console,
            "    "
            + _(
                "{name}: central authority {authority}{desk}; languages {languages}; filing {filing}",
                name=name,
                authority=authority,
                desk=desk,
                languages=languages,
                filing=_(_WORDS[party.filing]),
            ),
        )
    for ground in entry.grounds:
        limited = (" " + _("({measures} only)", measures=", ".join(ground.measures))) if ground.measures else ""
        say(
            console,
            "    " + _("ground {code}: {clause}{limited}", code=ground.code, clause=ground.clause, limited=limited),
        )
    for language, rule in entry.speciality.items():
        say(console, "    " + _("speciality ({language}): {rule}", language=language, rule=rule))
    for amendment in entry.amendments:
        changed = ", ".join(amendment.changes)
        say(
            console,
            "    "
            + _(
                "amended from {in_force} on ({changed}): {title} [{source}]",
                in_force=amendment.in_force,
                changed=changed,
                title=amendment.title,
                source=amendment.source,
            ),
        )
    for convention in entry.conventions:
        say(console, f"    {', '.join(convention.parties)}: {convention.instrument}")
    say(console, "    " + _("source: {source}", source=entry.source))
    for note in entry.notes:
        say(console, "    " + _("note: {note}", note=note))


def _standing(party: Party, day: date) -> str:
    if party.denounced is not None:
        return " " + _("(denounced from {denounced})", denounced=party.denounced)
    if party.is_suspended(day):
        return " " + _("(suspended since {suspended})", suspended=party.suspended)
    if party.suspended is not None and party.resumed is None:
        return " " + _("(suspended from {suspended})", suspended=party.suspended)
    return "" if party.is_bound(day) else (" " + _("(not bound)"))
