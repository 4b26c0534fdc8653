"""`comity inbox` and `comity watch`: what the feed brought, and what looks wrong."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.advice import UNVERIFIED
from comity.home import find_home, now
from comity.options import HomeDir, Json, Url
from comity.output import console as console_of
from comity.output import local_time, reporting, say, visible
from comity.stolen_keys import stolen_document
from comity.words import _, kind_word, refusal, told, told_refusal
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.mailbox import News
    from client.register_rows import EventKept
    from shared.errors import KeyEventWithheld, Rejection

_TOLD: Final = {
    "message.accepted": mark("accepted"),
    "message.rejected": mark("REJECTED"),
    "message.delivered": mark("delivered"),
    "message.retrieved": mark("retrieved"),
    "message.relay-late": mark("NOT YET on its way"),
    "message.relay-failure": mark("NOT carried within the limit"),
    "message.delivery-late": mark("NOT YET in the mailbox"),
    "message.non-delivery": mark("NOT DELIVERED within the limit"),
    "message.retrieval-late": mark("NOT YET fetched"),
    "message.non-retrieval": mark("NOT FETCHED within the limit"),
    "message.received": mark("received"),
}
_CLOCK: Final = "clock."
_UNDECIDED: Final[dict[str, Any]] = {"code": None, "sentence": "", "facts": {}}
_SAID: Final = {
    "reminder-7": mark("due within 7 days"),
    "reminder-2": mark("due within 2 days"),
    "reminder-0": mark("due today"),
    "overdue": mark("OVERDUE"),
    "closed-by-silence": mark("closed by silence"),
    "desk-called": mark("EMERGENCY: act at once"),
    "desk-unattended": mark("EMERGENCY, and nobody has acted: use the telephone"),
}
_RECOVERED: Final = mark(
    "{party}: the operators gave it new keys (key event {event}, {at}), and its old keys did not sign for them."
)
_CALL_IT: Final = mark(
    "They are not used before {at}. Call it at a number that you know from before, and compare:"
    " comity keys compare {party}"
)


def inbox(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until something comes.")] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Send what is stored, read the feed, verify what came, and list what nobody has opened yet. What looks wrong is
    told first, and so is a party that the operators gave new keys.

    Exit code 4 when something does not verify, is missing, or contradicts what was seen before.
    """
    with reporting(json) as output:
        from shared.contracts.api import FEED_WAIT_MOST_S

        with find_home(home, url).correspondence() as own:
            said = own.outbox.resume()
            news = own.mailbox.read_feed(FEED_WAIT_MOST_S if wait else 0)
            while wait and not news.events:
                news = own.mailbox.read_feed(FEED_WAIT_MOST_S)
            document = _document(own, news, said)
        output.show(document, lambda console: _render(console, document))
        if any(document[wrong] for wrong in ("alarms", "gaps", "forks", "recovered", "withheld")) or any(
            one["in_use"] for one in document["stolen"]
        ):
            raise typer.Exit(UNVERIFIED)


def watch(home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Print every event as it comes, until Ctrl-C; with --json one document a line."""
    with reporting(json):
        from shared.contracts.api import FEED_WAIT_MOST_S

        with find_home(home, url).correspondence() as own:
            while True:
                news = own.mailbox.read_feed(FEED_WAIT_MOST_S)
                for event in news.events:
                    document = _event(own, event)
                    if json:
                        sys.stdout.write(visible(jsonlib.dumps(document, ensure_ascii=False)) + "\n")
                        sys.stdout.flush()
                    else:
                        _render_event(console_of(), document)
                for alarm in news.alarms:
                    say(console_of(stderr=True), f"{alarm.message}: {told(alarm.error)}", style="bold red")
                for withheld in own.directory().withheld():
                    say(console_of(stderr=True), _("WITHHELD") + f"  {told(withheld)}", style="bold red")


def _document(own: Correspondence, news: News, said: dict[str, Rejection | None]) -> dict[str, Any]:
    from shared.domain.ids import encode_time

    return {
        "events": [_event(own, event) for event in news.events],
        "unopened": [
            {
                "message": one.message,
                "dossier": one.dossier,
                "number": _number(own, one.dossier),
                "kind": one.kind,
                "sender": one.sender,
                "received_at": one.recorded_at,
            }
            for one in own.register.received(unopened_only=True)
        ],
        "unsent": [
            {"message": message, **(_UNDECIDED if refused is None else refusal(refused))}
            for message, refused in said.items()
            if message in own.register.undecided() or refused is not None
        ],
        "alarms": [{"message": one.message, **refusal(one.error)} for one in news.alarms],
        "recovered": [
            {
                "party": one.event.party,
                "event": one.event.seq,
                "at": encode_time(one.event.at),
                "usable_from": encode_time(one.until),
            }
            for one in own.directory().recovered()
        ],
        "withheld": [_withheld(own, one) for one in own.directory().withheld()],
        "keys_end": _end_of_keys(own),
        "stolen": [stolen_document(one) for one in own.directory().declared_stolen(own.keys.authority)],
        "gaps": [
            {"dossier": one.dossier, "leg": one.leg, "message": one.message, "missing": one.missing}
            for one in news.gaps
        ],
        "forks": [
            {"dossier": one.dossier, "leg": one.leg, "seen": one.seen, "messages": list(one.messages)}
            for one in news.forks
        ],
    }


def _withheld(own: Correspondence, error: KeyEventWithheld) -> dict[str, Any]:
    """With the messages that were sealed to the party meanwhile, by its keys of before."""
    said = refusal(error)
    facts = said["facts"]
    first_seen = own.register.keys.events()[int(facts["seq"]) - 1].first_seen
    return {
        "event": int(facts["seq"]),
        "party": facts["party"],
        "type": facts["type"],
        "logged_at": facts["logged_at"],
        "stated_at": facts["at"],
        "sealed_meanwhile": own.register.keys.sealed_between(facts["party"], facts["logged_at"], first_seen),
        **said,
    }


def _end_of_keys(own: Correspondence) -> str | None:
    """When the first of the own keys ends, if that is soon."""
    from client.rotation import renewal_due
    from shared.domain.ids import encode_time

    ends = renewal_due(own.directory().latest, own.keys.authority, now())
    return None if ends is None else encode_time(ends)


def _event(own: Correspondence, event: EventKept) -> dict[str, Any]:
    kept = own.register.message(event.message)
    decision = own.register.decision(event.message)
    return {
        "at": event.at,
        "type": event.type,
        "message": event.message,
        "dossier": event.dossier,
        "number": _number(own, event.dossier),
        "kind": kept.kind if kept else None,
        "sender": kept.sender if kept else None,
        "recipient": event.data.get("recipient"),
        "code": decision.code if decision else None,
        "sentence": decision.sentence if decision else None,
        "facts": dict(decision.facts) if decision else {},
        "clock": dict(event.data) if event.type.startswith(_CLOCK) else None,
    }


def _number(own: Correspondence, dossier: str) -> str | None:
    from shared.domain.reference import encode_number

    opened_by = own.register.dossiers().get(dossier)
    return None if opened_by is None else encode_number(dossier, opened_by[:2])


def _render(console: Any, document: dict[str, Any]) -> None:
    for one in document["recovered"]:
        about = {"party": one["party"], "event": one["event"], "at": local_time(one["at"])}
        say(console, _("RECOVERED") + "  " + _(_RECOVERED, **about), style="bold red")
        say(console, "  " + _(_CALL_IT, party=one["party"], at=local_time(one["usable_from"])))
    for one in document["withheld"]:
        say(console, _("WITHHELD") + f"  {told_refusal(one)}", style="bold red")
        for message in one["sealed_meanwhile"]:
            meanwhile = _(
                "Sealed to {party} meanwhile, by its keys of before: {message}", party=one["party"], message=message
            )
            say(console, f"  {meanwhile}", style="bold red")
        say(console, "  " + _("Hand withheld-key-events.json of this home to an auditor."))
    if document["keys_end"]:
        say(console, _("Your keys end at {at}: comity keys rotate", at=local_time(document["keys_end"])), style="bold")
    for event in document["events"]:
        _render_event(console, event)
    if not document["events"]:
        say(console, _("Nothing new."))
    if document["unopened"]:
        say(console, "")
        say(console, _("Not opened yet:"), style="bold")
        for one in document["unopened"]:
            what = _("{kind} from {sender}", kind=kind_word(one["kind"]), sender=one["sender"])
            say(console, f"  {one['number']}  {what}  comity open {one['message']}")
    for one in document["unsent"]:
        why = f": {told_refusal(one)}" if one["code"] else ""
        say(console, _("Undecided") + f"  {one['message']}{why}")
    for one in document["alarms"]:
        say(console, _("ALARM") + f"  {one['message']}: {told_refusal(one)}", style="bold red")
    for one in document["gaps"]:
        why = _("{message} was written by somebody who had seen a message that never came here", message=one["message"])
        say(console, _("GAP") + f"  {one['dossier']}, {one['leg']}: {why}", style="bold red")
    for one in document["forks"]:
        pair = _("{messages} follow the same envelope", messages=", ".join(one["messages"]))
        say(console, _("FORK") + f"  {one['dossier']}, {one['leg']}: {pair}", style="bold red")


def _render_event(console: Any, event: dict[str, Any]) -> None:
    if event["clock"] is not None:
        _render_clock(console, event)
        return
    kind = kind_word(event["kind"]) if event["kind"] else _("message")
    what = f"{kind} {_(_TOLD.get(event['type'], event['type']))}"
    whom = event["recipient"] or (event["sender"] if event["type"] == "message.received" else None)
    why = f" · {told_refusal(event)}" if event["code"] else ""
    by = f" · {whom}" if whom else ""
    say(console, f"{local_time(event['at'])}  {event['number'] or event['dossier']}  {what}{by}{why}")


def _render_clock(console: Any, event: dict[str, Any]) -> None:
    """What the exchange's clocks say: on what, by whom, by when."""
    clock, said = event["clock"], event["type"].removeprefix(_CLOCK)
    owed = str(clock.get("debtor"))
    if "owed" in clock:
        owed = _("{owed} by {party}", owed=_(clock["owed"]), party=owed)
    due = f" · {local_time(clock['due'])} ({_(clock['basis'])})" if "due" in clock else ""
    line = f"{local_time(event['at'])}  {event['number'] or event['dossier']}  {_(_SAID.get(said, said))} · {owed}{due}"
    say(console, line, style="bold red" if said in ("overdue", "desk-called", "desk-unattended") else None)
