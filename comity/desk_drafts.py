"""`comity desk drafts|read|approve|send|ratify|discard`: the messages that wait for their officers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.advice import REFUSED
from comity.home import Home, find_home, now
from comity.officer_keys import load_officer
from comity.options import HomeDir, Json, Url
from comity.output import Output, local_time, reporting, say
from comity.send import Patience, Wait, seal_and_send, shown_flag, tell_doubts, tell_flags
from comity.words import _, code_word, kind_word, reader_language, refusal, told, told_refusal
from shared.errors import ComityError
from shared.texts.catalogue import SOURCE, mark

if TYPE_CHECKING:
    from client.composition import Composed
    from client.correspondence import Correspondence
    from client.desk.drafts import Draft
    from client.sealing import Attachment
    from shared.domain.admissibility import Flag
    from shared.texts.sentence import Sentence

Name = Annotated[str, typer.Argument(help="The draft, as `comity desk drafts` names it.")]
OfficerKey = Annotated[Path, typer.Option("--officer-key", help="Your own key file, with a passphrase of your own.")]


def drafts(home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """What waits: for approval, for sending, or to be ratified."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        waiting, unusable = own.office.waiting()
        found = [_told(own, one) for one in waiting]
        spoilt = [{"draft": str(one.facts["draft"]), **refusal(one)} for one in unusable]

        def render(console: Any) -> None:
            for one, waits_for in zip(found, (_waits_for(own, draft) for draft in waiting), strict=True):
                say(
                    console,
                    _(
                        "{draft}  {kind} to {recipients} · {waits_for}",
                        draft=one["draft"],
                        kind=kind_word(one["kind"]),
                        recipients=", ".join(one["recipients"]),
                        waits_for=waits_for,
                    ),
                )
            if not found:
                say(console, _("Nothing waits."))
            for broken in spoilt:
                say(console, told_refusal(broken), style="bold red")

        output.show({"drafts": found, "unusable": spoilt}, render)
        if unusable:
            raise typer.Exit(REFUSED)


def read(draft: Name, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Everything that a draft says, before you put your name to it."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        from client.printing.letter import told_content

        found = own.office.drafts.load(draft)
        header = found.header
        flags = _warnings(own, found, output)
        document = {
            **_told(own, found),
            "dossier": header.dossier,
            "leg": header.leg,
            "urgency": header.urgency,
            "measures": header.measures,
            "basis": {} if header.basis is None else {party: one.primary for party, one in header.basis.items()},
            "act": header.act,
            "content": found.content,
            "attachments": [{"name": one.name, "size": len(one.data)} for one in found.attachments],
            "flags": [shown_flag(one) for one in flags],
        }
        lines = list(told_content(header, found.content, reader_language()))
        waits_for = _waits_for(own, found)

        def render(console: Any) -> None:
            say(console, _line(document, waits_for), style="bold")
            if found.message is not None:
                say(console, _("sent as {message}", message=found.message))
            say(console, f"{code_word(header.urgency)}, " + _("dossier {dossier}", dossier=header.dossier))
            for party, basis in document["basis"].items():
                say(console, _("For {party} it rests on {basis}.", party=party, basis=code_word(basis)))
            for line in lines:
                say(console, line)
            for one in document["attachments"]:
                say(console, _("attached: {name} ({size} bytes)", name=one["name"], size=one["size"]))

        output.show(document, render)
        tell_flags(flags, output)


def approve(draft: Name, officer_key: OfficerKey, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Put your name to a draft that somebody else wrote: to every word of it, its attachments and its recipients."""
    with reporting(json) as output:
        place = find_home(home, url)
        with place.correspondence() as own:
            signed = own.office.approve(draft, load_officer(place, own, officer_key))
            _show_draft(own, signed, output)


def send(
    draft: Name,
    officer_key: OfficerKey,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Alone, in an emergency; another officer ratifies it within days.")
    ] = False,
    wait: Wait = True,
    patience: Patience = 60.0,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Seal and send a draft that has the signatures it needs. Yours as its sender is added."""
    with reporting(json) as output:
        from client.composition import Composed

        place = find_home(home, url)
        with place.correspondence() as own:
            signer = load_officer(place, own, officer_key)
            flags = _warnings(own, own.office.drafts.load(draft), output)
            with own.office.sending(draft, signer, alone=emergency) as (signed, header, content):
                seal_and_send(own, Composed(header, content, flags), signed.attachments, wait, patience, output)


def ratify(draft: Name, officer_key: OfficerKey, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Stand by what a colleague sent alone in an emergency."""
    with reporting(json) as output:
        place = find_home(home, url)
        with place.correspondence() as own:
            sent = own.office.ratify(draft, load_officer(place, own, officer_key))
            ratified = {"message": sent.message, "ratified": True}
            output.show(ratified, lambda console: say(console, _("{message} is ratified.", message=sent.message)))


def discard(draft: Name, home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Throw a draft away. What one officer sent alone is not thrown away: it is ratified."""
    with reporting(json) as output, find_home(home, url).correspondence() as own:
        own.office.discard(draft)
        output.show({"discarded": draft}, lambda console: say(console, _("{draft} is gone.", draft=draft)))


def keep_draft(
    own: Correspondence, composed: Composed, files: list[Attachment], key: Path, place: Home, output: Output
) -> None:
    """What `--draft-by` does instead of sending."""
    from client.desk.drafts import draft_of

    tell_doubts(composed, output)
    draft = draft_of(composed.header, dict(composed.content), files)
    _show_draft(own, own.office.draft(draft, load_officer(place, own, key)), output)


def _show_draft(own: Correspondence, draft: Draft, output: Output) -> None:
    document = _told(own, draft)
    text = _line(document, _waits_for(own, draft))
    output.show(document, lambda console: say(console, text))


def _line(document: dict[str, Any], waits_for: str) -> str:
    return _(
        "Draft {draft}: {kind} to {whom} · waits for {waits_for}",
        draft=document["draft"],
        kind=kind_word(document["kind"]),
        whom=", ".join(document["recipients"]),
        waits_for=waits_for,
    )


def _warnings(own: Correspondence, draft: Draft, output: Output) -> tuple[Flag, ...]:
    """What the registry of now warns of. Where it cannot be asked, that is said instead."""
    try:
        return own.warnings_of(draft.header, draft.content)
    except ComityError as failed:
        output.note(_("What the registry warns of could not be asked: {why}", why=told(failed)))
        return ()


def _told(own: Correspondence, draft: Draft) -> dict[str, Any]:
    header = draft.header
    return {
        "draft": draft.name,
        "kind": header.kind,
        "recipients": list(header.recipients),
        "signed": [str(one) for one in _signers(draft)],
        "needs": _needs(own, draft),
        "waits_for": _waits_for(own, draft, SOURCE),
        "message": draft.message,
    }


def _needs(own: Correspondence, draft: Draft) -> int:
    from shared.domain.profiles import kind_of

    return own.office.require_desk().eyes_for(kind_of(draft.header.profile, draft.header.kind))


def _waits_for(own: Correspondence, draft: Draft, language: str | None = None) -> str:
    """In the reader's language unless another is named."""
    from shared.domain.ids import encode_time
    from shared.texts.sentence import Sentence

    words = language or reader_language()
    approved, needs = draft.approved, _needs(own, draft)
    if draft.ratify_by is not None:
        at = encode_time(draft.ratify_by)
        late = mark("OVERDUE, to be ratified by {at}") if draft.ratify_by < now() else mark("to be ratified by {at}")
        stage = Sentence(late, {"at": at if language == SOURCE else local_time(at)})
    else:
        ready = needs == 1 or approved.approvers
        is_ready = ready and len(approved.approvers) + 1 >= needs
        stage = Sentence(mark("its sender") if is_ready else mark("an approver"))
    if not approved.approvals:
        return Sentence(mark("{stage}; signed by nobody"), {"stage": stage}).told(words)
    signers = ", ".join(one.told(words) for one in _signers(draft))
    return Sentence(mark("{stage}; signed by {signers}"), {"stage": stage, "signers": signers}).told(words)


def _signers(draft: Draft) -> list[Sentence]:
    """Each officer who signed, in which role, and whose place he took."""
    from client.desk.rules import ROLE_WORDS
    from shared.texts.sentence import Sentence

    return [
        Sentence(
            mark("{officer} ({role} for {other})") if one.stands_for else "{officer} ({role})",
            {"officer": one.officer, "role": Sentence(ROLE_WORDS[one.role]), "other": one.stands_for},
        )
        for one in draft.approved.approvals
    ]
