"""Which of an authority's own keys were declared to be in other hands.

Operators may have been told so by anybody, and sign it without asking: whoever owns the keys is to learn of it before
its letters are refused. It follows from signed key events alone, from one that is not proven to stand in the ledger
too: such an event takes away at once (`directory_watch`, rule 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.directory_history import DirectoryHistory
from shared.keys.event_document import Use

TOLD_FOR: Final = timedelta(days=30)
"""How long it is told of keys that had been renewed before: their owner has others, and letters to send again. Who got
new ones afterwards knows."""


@dataclass(frozen=True, slots=True)
class DeclaredStolen:
    """By this event; `uses` are those of its keys. `in_use`: no newer key took the place of one of them."""

    seq: int
    at: datetime
    since: datetime
    uses: tuple[Use, ...]
    in_use: bool


def declared_stolen(history: DirectoryHistory, party: str, now: datetime) -> list[DeclaredStolen]:
    """Of this party's keys, as long as there is something for it to do."""
    known = history.latest.party(party)
    use_of = {key.kid: key.use for key in known.keys} if known else {}
    newest = {key.use: key for key in known.keys} if known else {}
    found = []
    for event in history.events:
        if event.party != party or event.compromise is None:
            continue
        kids = event.compromise.kids
        in_use = any(newest[use_of[kid]].kid == kid for kid in kids)
        is_news = all(newest[use_of[kid]].seq < event.seq for kid in kids) and now - event.at < TOLD_FOR
        if in_use or is_news:
            uses = tuple(dict.fromkeys(use_of[kid] for kid in kids))
            found.append(DeclaredStolen(event.seq, event.at, event.compromise.since, uses, in_use))
    return found
