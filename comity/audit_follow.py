"""`comity audit follow`: a log watched, until Ctrl-C; everything that is wrong is told when it is seen."""

from __future__ import annotations

import json as jsonlib
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.audit_workers import WORKERS
from comity.advice import UNVERIFIED
from comity.audit_options import Desk, Keep, Source, Workers, safe, where_of
from comity.home import find_home, now
from comity.options import HomeDir, Json, TrustFile
from comity.output import console, local_time, reporting, say, visible
from comity.words import _, _n, retold, told

if TYPE_CHECKING:
    from client.audit_monitor import Finding


def follow(
    source: Source,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between looks.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="One look, then end: for a timer.")] = False,
    explained: Annotated[
        list[int] | None, typer.Option(help="Number of a flagged key event that was explained to you. Repeat it.")
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option(help="A party's receipt, or a folder that receipts are put into. Repeat it.")
    ] = None,
    stalled_after: Annotated[
        float | None, typer.Option(min=0, help="Hours that the newest entry may be old; else 0.5, of a copy 26.")
    ] = None,
    unreachable_after: Annotated[float, typer.Option(min=0, help="Minutes that the ledger may be out of reach.")] = 5.0,
    trust: TrustFile = None,
    keep: Keep = None,
    workers: Workers = WORKERS,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Look at the ledger again and again, and tell each thing that is wrong: with --json one document a line.

    A fork, a ledger that shrank or stands still, a key event that nobody explained, a promise that was not kept, an
    entry that does not follow from those before. Ends at Ctrl-C or when it is told to stop: with exit code 4 if
    anything was found, else 0.

    With --once, a ledger that cannot be reached ends it with 3: nothing was looked at then.
    """
    with reporting(json) as output:
        from client.audit_monitor import COPY_STALLED_AFTER, STALLED_AFTER, Monitor, Patience
        from client.explained_events import EXPLAINED_FILE, ExplainedEvents

        desk = Desk(source, home, trust, keep)
        usual = COPY_STALLED_AFTER if desk.is_copy else STALLED_AFTER
        stalled = usual if stalled_after is None else timedelta(hours=stalled_after)
        patience = Patience(stalled, timedelta(minutes=unreachable_after))
        monitor = Monitor(
            desk.folder,
            desk.source(),
            lambda: desk.elsewhere(receipt),
            _as_line if json else _as_text,
            now,
            explained=tuple(explained or ()),
            kept=ExplainedEvents(find_home(home).path / EXPLAINED_FILE).read(),
            patience=patience,
            workers=workers,
        )
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _interrupt(stop))
        try:
            monitor.look(last=once)
            if monitor.away is not None:
                output.note(f"{told(monitor.away)} [{monitor.away.code}]")
            if not once:
                output.note(
                    _(
                        "{origin}: {size} entries read; a look each {every} s, until Ctrl-C",
                        origin=desk.trust.origin,
                        size=monitor.size,
                        every=f"{every:g}",
                    )
                )
            while not once and not stop.wait(every):
                monitor.look()
        except KeyboardInterrupt:
            pass
        entries = _n("{count} entry", "{count} entries", monitor.size)
        findings = _n("{count} finding", "{count} findings", monitor.told)
        output.note(f"{entries}, {findings}")
        if monitor.told:
            raise typer.Exit(UNVERIFIED)


def _interrupt(stop: threading.Event) -> None:
    """In the midst of a look it is broken off; what was read is kept."""
    stop.set()
    raise KeyboardInterrupt


def _document(one: Finding) -> dict[str, Any]:
    from shared.domain.ids import encode_time

    return {"at": encode_time(one.at), "what": one.what, "index": one.index, "why": one.why}


def _as_line(one: Finding) -> None:
    sys.stdout.write(visible(jsonlib.dumps(_document(one), ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def _as_text(one: Finding) -> None:
    document = _document(one)
    where = where_of(one.index)
    say(
        console(),
        f"{local_time(document['at'])}  {_(one.what).upper()}  {where}: {safe(retold(one.why))}",
        style="bold red",
    )
