"""`comity kinds`: what may be sent, with what, and how it is typed."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import reporting, say
from comity.words import _, reader_language
from shared.texts.catalogue import SOURCE, mark

_BY: Final = {
    ("requested",): mark("by the requested side"),
    ("requesting",): mark("by the requesting side"),
    ("requested", "requesting"): mark("by the requested or requesting side"),
}


def kinds(
    what: Annotated[
        str, typer.Argument(help="A dossier: what you may send in it now. A profile: all that it knows.")
    ] = "mla-request",
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """What may be sent, by whom or on which measures, the members of its act and the fields of its content."""
    with reporting(json) as output:
        from shared.domain.profiles import PROFILES

        language = SOURCE if output.as_json else reader_language()
        if what in PROFILES:
            listed = [
                _described(what, name, {"senders": sorted(kind.senders)}, language)
                for name, kind in PROFILES[what].kinds.items()
            ]
            document: dict[str, Any] = {"profile": what, "kinds": listed}
        else:
            document = _in_dossier(what, home, url, language)
        output.show(document, lambda console: _render(console, document))


def _in_dossier(what: str, home: Any, url: str | None, language: str) -> dict[str, Any]:
    from shared.domain.dossier import lapsed, possible_kinds

    with find_home(home, url).correspondence() as own:
        dossier = own.find_dossier(what)
        legs = own.shown_legs(dossier)
        listed = [
            _described(leg.profile, name, {"leg": leg.requested, "measures": list(measures)}, language)
            for leg, undelivered in legs
            for name, measures in possible_kinds(lapsed(leg, now()), own.keys.authority, undelivered).items()
        ]
    return {"dossier": dossier, "profile": legs[0][0].profile, "kinds": listed}


def _described(profile: str, name: str, where: dict[str, Any], language: str) -> dict[str, Any]:
    from client.act_text import hint_of
    from shared.domain.profiles import kind_of

    kind = kind_of(profile, name)
    return {
        "kind": name,
        "label": kind.label,
        **where,
        "act": [hint_of(member, rule, language) for member, rule in kind.act.items()],
        "content": [
            {"name": one.name, "label": one.label, "rule": one.rule, "when": str(one.when)} for one in kind.body
        ],
    }


def _render(console: Any, document: dict[str, Any]) -> None:
    leg = None
    for one in document["kinds"]:
        if one.get("leg") != leg:
            leg = one["leg"]
            say(console, _("on the leg of {leg}:", leg=leg), style="bold")
        where = ", ".join(one["measures"]) if "measures" in one else _BY[tuple(one["senders"])]
        say(console, f"{one['kind']} · {_(one['label'])} · {_(where)}")
        for hint in one["act"]:
            say(console, f"    --act {hint}")
        for field in one["content"]:
            when = "" if field["when"] == "always" else f", {_(field['when'])}"
            about = {"name": field["name"], "label": _(field["label"]), "rule": f"{_rule(field['rule'])}{when}"}
            say(console, "    " + _("content {name}: {label} ({rule})", **about))
    if not document["kinds"]:
        say(console, _("nothing: it is not your turn to say anything, or all is closed"))


def _rule(rule: str) -> str:
    """What asks for a field: an article, or practice."""
    return rule.replace("practice", _("practice"))
