"""`comity operator dead-letters`: what nobody could process, why, and once more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.advice import REFUSED
from comity.home import find_home
from comity.operator_keys import operator_exchange
from comity.options import HomeDir, Json, OneOperatorKey, TrustFile, Url
from comity.output import local_time, reporting, say, visible
from comity.words import _, _n, told_by_code

if TYPE_CHECKING:
    from client.exchange import Exchange
    from shared.contracts.operator_api import DeadLetterAnswer, DeadLetterItem

app = typer.Typer(no_args_is_help=True, help="What nobody could process: list, show, try again.")

Letter = Annotated[str, typer.Argument(help="Id of the letter, such as intake-17.")]
Service = Annotated[str | None, typer.Option("--service", help="intake, routing, notification or ledger only.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only with this code, as the list shows it.")]
LOOK_AGAIN_S: Final = 0.5
SETTLE_S: Final = 2.0
"""After it left the dead letters, a message is tried within half a second, and set aside again if it fails."""


@app.callback()
def _letters() -> None:
    """What nobody could process: list, show, try again."""


@app.command(name="list")
def list_(
    operator_key: OneOperatorKey,
    service: Service = None,
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """The dead letters, service by service, the newest first. No content is shown: nobody here can open it."""
    with reporting(json) as output:
        exchange = operator_exchange(operator_key, trust, find_home(home, url))
        found, more = _first(exchange.dead_letters(_service(service), reason), limit)
        document = {"items": [one.model_dump(mode="json") for one in found], "more": more}
        output.show(document, lambda console: _render_list(console, found, more))


@app.command()
def show(
    letter: Letter,
    operator_key: OneOperatorKey,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """One dead letter: what it is, why it was set aside, and why before."""
    with reporting(json) as output:
        found = _required(operator_exchange(operator_key, trust, find_home(home, url)), letter)
        output.show(found.model_dump(mode="json"), lambda console: _render_one(console, found))


@app.command()
def retry(
    operator_key: OneOperatorKey,
    letter: Annotated[str | None, typer.Argument(help="Id of the letter, such as intake-17.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All that --service and --reason leave.")] = False,
    service: Service = None,
    reason: Reason = None,
    patience: Annotated[float, typer.Option("--patience", help="Seconds to wait for the services.")] = 30.0,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Try a dead letter again, or all of them; then say what came back.

    Mend the cause first: what fails again comes back as a new dead letter with all its reasons. The ledger records each
    retry. Exit code 1 if any came back.
    """
    if (letter is None) != all_ or (letter is not None and (service or reason)):
        raise typer.BadParameter("give the id of one letter, or --all with --service and --reason if you like")
    with reporting(json) as output:
        exchange = operator_exchange(operator_key, trust, find_home(home, url))
        chosen: list[DeadLetterItem]
        # all are chosen before the first is retried: what comes back is not tried again and again
        chosen = [_required(exchange, letter)] if letter else list(exchange.dead_letters(_service(service), reason))
        _retry_each(exchange, chosen, shows_progress=not json)
        left, back = _await_outcome(exchange, chosen, patience)
        document = {
            "retried": [one.id for one in chosen],
            "not_taken_yet": left,
            "came_back": [one.model_dump(mode="json") for one in back],
        }
        output.show(document, lambda console: _render_outcome(console, len(chosen), left, back))
        if back or left:
            raise typer.Exit(REFUSED)


def _retry_each(exchange: Exchange, chosen: list[DeadLetterItem], *, shows_progress: bool) -> None:
    from rich.progress import track

    from comity.output import console

    errors = console(stderr=True)
    hidden = not shows_progress or not errors.is_terminal or len(chosen) < 2
    for one in track(chosen, _("retrying"), console=errors, transient=True, disable=hidden):
        exchange.retry_dead_letter(one.id)


def _await_outcome(
    exchange: Exchange, chosen: list[DeadLetterItem], patience_s: float
) -> tuple[list[str], list[DeadLetterItem]]:
    """Ids of the letters that no service took in time, and what came back meanwhile."""
    if not chosen:
        return [], []
    give_up = time.monotonic() + patience_s
    retried = {one.id: one for one in chosen}
    while True:
        there = {one.id: one for one in exchange.dead_letters()}
        left = [id_ for id_ in retried if id_ in there]
        if not left or time.monotonic() > give_up:
            break
        time.sleep(LOOK_AGAIN_S)
    time.sleep(SETTLE_S)
    return left, [one for one in exchange.dead_letters() if one.id not in retried and _came_back(one, retried.values())]


def _came_back(letter: DeadLetterItem, retried: Iterable[DeadLetterItem]) -> bool:
    """By its item's id; a whole frame has none, and is known by its service and the count of its retries."""
    if letter.item is not None:
        return any(one.item == letter.item for one in retried)
    return letter.retries > 0 and any((one.item, one.service) == (None, letter.service) for one in retried)


def _required(exchange: Exchange, letter: str) -> DeadLetterAnswer:
    from shared.errors import NotThere

    found = exchange.dead_letter(letter)
    if found is None:
        raise NotThere()
    return found


def _service(name: str | None) -> str | None:
    from shared.contracts.topology import LETTERED

    if name is not None and name not in LETTERED:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(LETTERED)}")
    return name


def _first(letters: Iterable[DeadLetterItem], limit: int) -> tuple[list[DeadLetterItem], bool]:
    found: list[DeadLetterItem] = []
    for one in letters:
        if len(found) == limit:
            return found, True
        found.append(one)
    return found, False


def _render_list(console: Any, found: list[DeadLetterItem], more: bool) -> None:
    from rich.table import Table

    if not found:
        say(console, _("No dead letters."))
        return
    table = Table(_("letter"), _("when"), _("type"), _("tries"), _("retried"), _("reason"))
    for one in found:
        kind = one.type or _("(frame that does not open)")
        table.add_row(
            one.id, local_time(one.at), visible(kind), str(one.attempts), str(one.retries), visible(_reason(one.reason))
        )
    console.print(table)
    counts = Counter(one.reason.split(":")[0].split(" ")[0] for one in found)
    say(console, ", ".join(f"{count} × {code}" for code, count in counts.most_common()))
    if more:
        say(console, _("There are more: --limit, --service, --reason."))


def _render_one(console: Any, found: DeadLetterAnswer) -> None:
    say(console, f"{found.id}: {found.type or _('a frame that does not open')}", style="bold")
    tried = _n(
        "set aside  {at}, after {count} try",
        "set aside  {at}, after {count} tries",
        found.attempts,
        at=local_time(found.at),
    )
    say(console, f"  {tried}")
    say(console, "  " + _("reason     {reason}", reason=_reason(found.reason)))
    for number, reason in enumerate(found.earlier):
        say(console, f"  {_('before') if number == 0 else '      '}     {_reason(reason)}")
    say(console, "  " + _n("retried    {count} time", "retried    {count} times", found.retries))
    say(console, "  " + _("item       {item} (the name under which the logs know it)", item=found.item or "–"))
    say(console, _("Its content is sealed to its service and shown to nobody."))
    say(console, _("Once the cause is mended: comity operator dead-letters retry {id}", id=found.id))


def _reason(kept: str) -> str:
    """Code and sentence, as the service kept them in English: the sentence in the reader's language."""
    code, colon, sentence = kept.partition(": ")
    return f"{code}: {told_by_code(code, sentence, {})}" if colon else kept


def _render_outcome(console: Any, count: int, left: list[str], back: list[DeadLetterItem]) -> None:
    if not count:
        say(console, _("No dead letters."))
        return
    say(
        console,
        _("{count} retried, {back} came back, {left} not taken yet.", count=count, back=len(back), left=len(left)),
    )
    for one in back:
        say(console, f"  {one.id}  {_reason(one.reason)}", style="bold red")
    for id_ in left:
        say(
            console,
            "  " + _("{id}  is still where it was: does the service run? comity operator queues", id=id_),
            style="bold red",
        )
