"""`comity reply`: the next message on a leg that is open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.home import find_home
from comity.options import HomeDir, Json, Url, authority_id, pairs
from comity.output import reporting
from comity.send import Attach, Despite, DraftBy, Patience, Wait, attachments, send_or_draft

if TYPE_CHECKING:
    from shared.domain.profile_format import Kind


def reply(
    dossier: Annotated[str, typer.Argument(help="Number, id, or the beginning or end of an id.")],
    kind: Annotated[str, typer.Argument(help="acknowledge, accept, refuse, ask-information, deliver-result …")],
    leg: Annotated[
        str | None, typer.Option(help="The requested authority, where the dossier has several legs.")
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="M1, M2 …; else all for which it is possible.")] = None,
    ground: Annotated[list[str] | None, typer.Option(help="A ground of refusal; may be repeated.")] = None,
    due: Annotated[str | None, typer.Option(help="By when an answer is asked for, 2026-12-12.")] = None,
    estimate: Annotated[str | None, typer.Option(help="When the result is expected, 2026-12-12.")] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="executed, or M1=executed and so on for each measure.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Of report-status: registered, assigned, in-hand …")] = None,
    holder: Annotated[str | None, typer.Option(help="The competent authority that does the work.")] = None,
    approvals: Annotated[int | None, typer.Option(help="How many internal approvals it has.")] = None,
    member: Annotated[
        list[str] | None,
        typer.Option("--act", help="Any other member of the act, NAME=VALUE; `comity kinds DOSSIER` lists them."),
    ] = None,
    part: Annotated[
        list[str] | None, typer.Option(help="Of forward: body, p1 …, the parts handed over; else all of them.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Of forward: the holder is only named; you sign for it.")
    ] = False,
    holder_name: Annotated[str | None, typer.Option(help="Of forward: how people call the holder; sealed.")] = None,
    body: Annotated[Path | None, typer.Option(help="The content to seal, as a JSON object.")] = None,
    reasons: Annotated[str | None, typer.Option(help="Reasons, sealed.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Sealed text for the first mandatory field of this kind: questions, result …")
    ] = None,
    in_reply_to: Annotated[str | None, typer.Option(help="The message answered; else the last one received.")] = None,
    urgency: Annotated[str, typer.Option(help="routine, urgent or emergency.")] = "routine",
    handling: Annotated[list[str] | None, typer.Option(help="A handling code; may be repeated.")] = None,
    despite: Despite = None,
    draft_by: DraftBy = None,
    attach: Attach = None,
    wait: Wait = True,
    patience: Patience = 60.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Answer in a dossier. Codes, dates and ids go into the header; reasons, texts and files are sealed."""
    given: dict[str, Any] = {
        "grounds": list(ground or []) or None,
        "due": due,
        "estimate": estimate,
        "outcomes": _outcomes(outcome or []),
        "stage": stage,
        "holder": None if holder is None else authority_id(holder),
        "approvals": approvals,
    }
    with reporting(json) as output:
        from client.act_text import read_act
        from client.composition import ReplyWish
        from client.forwarding import HOLDER_NAME
        from client.request_file import OVERRIDE
        from shared.domain.profiles import kind_of

        place = find_home(home, url)
        with place.correspondence() as own:
            found = own.find_dossier(dossier)
            rules = kind_of(own.profile_of(found), kind)
            act = {name: value for name, value in given.items() if value is not None} | read_act(rules, member or ())
            content = _content(rules, body, reasons, text)
            if despite is not None:
                content[OVERRIDE] = despite
            if holder_name is not None:
                content[HOLDER_NAME] = holder_name
            takes_part = rules.forwards and not offline and own.is_enrolled(act.get("holder", ""))
            wish = ReplyWish(
                kind=kind,
                act=act,
                content=content,
                measures=tuple(measure or ()),
                urgency=urgency,
                handling=tuple(handling or ()),
                takes_part=takes_part,
                hand_over=tuple(part or ()),
            )
            answered = None if in_reply_to is None else own.register.find_message(in_reply_to)
            composed = own.compose_reply(found, wish, leg, answered)
            files = attachments(attach or [])
            if rules.renews and not files:
                files = own.sent_before(own.leg(found, leg))[1]
            send_or_draft(own, composed, files, draft_by, place, output, wait, patience)


def _outcomes(given: list[str]) -> dict[str, str] | str | None:
    """One code for all measures, or one for each."""
    if not given:
        return None
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    return pairs(given, "M1=executed")


def _content(kind: Kind, body: Path | None, reasons: str | None, text: str | None) -> dict[str, Any]:
    """What is sealed: the file's members, and the texts of the options over them. Raises RequestFileInvalid."""
    from client.request_file import load_json
    from shared.errors import RequestFileInvalid

    content: dict[str, Any] = {}
    if body is not None:
        document = load_json(body)
        if not isinstance(document, dict):
            raise RequestFileInvalid(file=body, why="it is not a JSON object")
        content |= document
    if reasons is not None:
        content["reasons"] = reasons
    if text is not None:
        content[kind.body[0].name if kind.body else "text"] = text
    return content
