"""`comity operator queues`: how much waits where, and what does not answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from comity.home import find_home
from comity.operator_keys import operator_exchange
from comity.options import HomeDir, Json, OneOperatorKey, TrustFile, Url
from comity.output import local_time, reporting, say, visible
from comity.words import _, retold

if TYPE_CHECKING:
    from shared.contracts.operator_api import LedgerState, OperatorQueues

UNREAD = "?"


def queues(
    operator_key: OneOperatorKey,
    trust: TrustFile = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """How much waits where: on the bus, in each service, for the ledger.

    What does not answer is named, and its figures show as "?"; the exit code is then 3.
    """
    with reporting(json) as output:
        found = operator_exchange(operator_key, trust, find_home(home, url)).queues()
        output.show(found.model_dump(mode="json"), lambda console: _render(console, found))
        if found.unread:
            from comity.advice import UNREACHABLE

            raise typer.Exit(UNREACHABLE)


def _render(console: Any, found: OperatorQueues) -> None:
    from rich.table import Table

    table = Table(
        _("service"),
        _("waiting"),
        _("given up"),
        _("parked"),
        _("next due"),
        _("outbox"),
        _("oldest"),
        _("dead letters"),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found.queues:
        table.add_row(
            one.service,
            _count(one.waiting),
            _count(one.given_up),
            _count(one.parked),
            "" if one.next_due is None else local_time(one.next_due),
            _count(one.outbox),
            _age(one.outbox_age_s),
            _count(one.dead_letters),
        )
    console.print(table)
    say(console, _("ledger: {ledger}", ledger=_ledger(found.ledger)))
    for unread in found.unread:
        say(console, _("The {part} cannot be read: {why}", part=unread.part, why=retold(unread.why)), style="bold red")
    if any(one.dead_letters for one in found.queues) or (found.ledger and found.ledger.dead_letters):
        say(console, _("Why: comity operator dead-letters list"))


def _ledger(state: LedgerState | None) -> str:
    if state is None:
        return UNREAD
    newest = _("no entry yet") if state.age_s is None else _("the newest {age_s} ago", age_s=_age(state.age_s))
    unsigned = state.size - state.signed_size
    refused = _(", {dead_letters} are refused", dead_letters=state.dead_letters) if state.dead_letters else ""
    late = _(", {unsigned} of them not signed yet", unsigned=unsigned) if unsigned else ""
    return _(
        "{size} entries{late}, {newest}; {leaves_waiting} frames of leaves wait{refused}",
        size=state.size,
        late=late,
        newest=newest,
        leaves_waiting=state.leaves_waiting,
        refused=refused,
    )


def _count(number: int | None) -> str:
    return UNREAD if number is None else str(number)


def _age(seconds: float | None) -> str:
    """`4 s`, `3:07:02`: nothing where nothing waits."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else visible(str(timedelta(seconds=round(seconds))))
