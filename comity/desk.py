"""`comity desk`: an authority's officers, their deputies, and how many of them a message needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity import desk_drafts
from comity.home import find_home, now
from comity.officer_keys import load_officer
from comity.options import HomeDir, Json, Url, day
from comity.output import Output, local_time, reporting, say
from comity.words import _

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.desk.rules import Desk

app = typer.Typer(no_args_is_help=True, help="Officers, their approvals, and the messages that wait for them.")

app.command()(desk_drafts.drafts)
app.command()(desk_drafts.read)
app.command()(desk_drafts.approve)
app.command()(desk_drafts.send)
app.command()(desk_drafts.ratify)
app.command()(desk_drafts.discard)

OfficerId = Annotated[str, typer.Argument(help="How the officer is called here: small letters, such as alami.")]


@app.command()
def officer(
    officer_id: OfficerId,
    name: Annotated[str, typer.Option(help="The officer's name; the other side reads it.")],
    functions: Annotated[str, typer.Option(help="The officer's functions; the other side reads them.")],
    role: Annotated[list[str], typer.Option(help="drafter, approver or sender; repeat it.")],
    officer_key: Annotated[
        Path, typer.Option("--officer-key", help="The officer's key file; made if it is not there.")
    ],
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Add an officer to the desk, or change one. The first officer sets the desk up: from then on it rules."""
    with reporting(json) as output:
        from pydantic import ValidationError

        from client.desk.rules import OFFICER_PATTERN, Desk, Officer, Role
        from shared.domain.ids import encode_time
        from shared.domain.misfits import first_misfit
        from shared.keys.base64url import encode_b64u

        if re.fullmatch(OFFICER_PATTERN[1:-1], officer_id) is None:
            raise typer.BadParameter(f"{officer_id!r} is no id of an officer: 2 to 32 small letters, such as alami")
        if unknown := [one for one in role if one not in set(Role)]:
            raise typer.BadParameter(f"{unknown[0]!r} is no role; there are {', '.join(Role)}")
        place = find_home(home, url)
        with place.correspondence() as own:
            signer = load_officer(place, own, officer_key, make=True)
            desk = own.office.desk() or Desk(authority=own.keys.authority)
            key = encode_b64u(signer.public)
            before = next(
                (one for one in desk.officers if (one.id, one.key, one.until) == (officer_id, key, None)), None
            )
            since = encode_time(now()) if before is None else before.since  # what he signed before stays signed
            members = {"id": officer_id, "name": name, "functions": functions, "key": key}
            try:
                added = Officer.model_validate({**members, "roles": role, "since": since})
            except ValidationError as invalid:
                raise typer.BadParameter(f"{first_misfit(invalid)}; nothing changed") from None
            others = tuple(one for one in desk.officers if one.id != officer_id)
            _change(own, desk, output, officers=[*others, added])


@app.command()
def end(officer_id: OfficerId, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """An officer leaves: what he signed stays, and he signs nothing more."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        from shared.domain.ids import encode_time

        desk = own.office.require_desk()
        gone = desk.officer(officer_id).model_copy(update={"until": encode_time(now())})
        _change(own, desk, output, officers=[gone if one.id == officer_id else one for one in desk.officers])


@app.command()
def deputy(
    officer_id: OfficerId,
    stands_for: Annotated[str, typer.Option("--for", help="The officer whose place is taken.")],
    since: Annotated[str, typer.Option("--from", help="First day, 2026-12-01.")],
    until: Annotated[str, typer.Option("--until", help="Last day, 2026-12-31.")],
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """An officer stands for another from one day to another; what he signs then says so."""
    days = [day(one) for one in (since, until)]
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        desk = own.office.require_desk()
        added = {"officer": officer_id, "stands_for": stands_for, "since": days[0], "until": days[1]}
        _change(own, desk, output, deputies=[*desk.deputies, added])


@app.command()
def eyes(
    kind: Annotated[str, typer.Argument(help="A kind of message, such as refuse or acknowledge.")],
    number: Annotated[int, typer.Argument(help="How many officers it needs from now on.")],
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """How many officers a kind of message needs. By itself: two where its act counts approvals, else one."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        from shared.domain.profiles import PROFILES

        if not any(kind in profile.kinds for profile in PROFILES.values()):
            raise typer.BadParameter(f"no profile has a kind {kind}; `comity kinds` lists them")
        desk = own.office.require_desk()
        _change(own, desk, output, eyes={**desk.eyes, kind: number})


@app.command()
def show(home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """The desk: officers, deputies, and the kinds that need more or fewer eyes than usual."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        _show(own.office.require_desk(), output)


def _change(own: Correspondence, desk: Desk, output: Output, **members: Any) -> None:
    from pydantic import ValidationError

    from client.desk.rules import Desk
    from shared.domain.misfits import first_misfit

    try:
        changed = Desk.model_validate({**desk.model_dump(), **{name: _plain(one) for name, one in members.items()}})
    except ValidationError as invalid:
        raise typer.BadParameter(f"{first_misfit(invalid)}; nothing changed") from None
    own.office.change(changed)
    _show(changed, output)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [one if isinstance(one, dict) else one.model_dump() for one in value]
    return value


def _show(desk: Desk, output: Output) -> None:
    from client.desk.rules import ROLE_WORDS

    def render(console: Any) -> None:
        for one in desk.officers:
            gone = _(", until {until}", until=local_time(one.until)) if one.until else ""
            roles = ", ".join(_(ROLE_WORDS[role]) for role in one.roles)
            say(console, f"{one.id} · {one.name}, {one.functions} · {roles}{gone}")
        for two in desk.deputies:
            say(
                console,
                _(
                    "{officer} stands for {stands_for} from {since} to {until}",
                    officer=two.officer,
                    stands_for=two.stands_for,
                    since=two.since,
                    until=two.until,
                ),
            )
        for kind, number in desk.eyes.items():
            say(console, _("{kind}: {number} officers", kind=kind, number=number))

    output.show(desk.model_dump(mode="json"), render)
