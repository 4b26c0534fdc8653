"""What everybody remembers when the lies begin.

Witnesses cosigned the tree of each chapter. The auditor followed the log to the end of the first, and so did the
parties, in their registers; whatever came in the second they only sent.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from shared.audit.tree_head import TreeHead
from tests.dishonest.books import Books, build_whole, logged_at, open_witnesses, started
from tests.dishonest.leftovers import leave_in_hand, prune, stamp
from tests.dishonest.scene import Scene
from tests.dishonest.story import AWAY, QUIET, Past
from tests.dishonest.watchers import follow
from tests.dishonest.window import Loop

ENTRIES_AT_LEAST: Final = 258
"""The story has few; services that start again and again fill a tile of hashes, so that there is one to lie about."""


def remember(past: Past, loop: Loop) -> None:
    """Fill in what `live` left open in the story's folder: cosignatures, and what auditors and witnesses know."""
    place = past.place
    final = Books(place / "exchange.sqlite3", past).entries()
    _look_at_the_first(past, final[: past.first_size], loop)
    witnesses = open_witnesses(place / "witnesses", past, lambda: past.ended_at)
    pruned = prune(place / "exchange.sqlite3", past.pruned, past.ended_at)
    missing = range(ENTRIES_AT_LEAST - len(final) - 1)
    rest = (past.ended_at - logged_at(final[-1])) / len(missing)
    padded = [*final, *(started(logged_at(final[-1]) + number * rest, number) for number in missing), pruned]
    answers = Books(place / "exchange.sqlite3", past).write(padded, witnesses)
    for witness in witnesses:
        witness.close()
    assert all(answer.line for answer in answers), answers
    heads = [_head(past, final[:size]) for size in (past.first_size - 9, past.first_size)]
    stamp(place / "exchange.sqlite3", place, heads, past.ended_at)
    leave_in_hand(place / "exchange.sqlite3", past.ended_at)


def _head(past: Past, entries: Sequence[bytes]) -> TreeHead:
    made = build_whole(entries)
    return TreeHead(past.trust.origin, made.size, made.root)


def _look_at_the_first(past: Past, entries: list[bytes], loop: Loop) -> None:
    """Everybody's look at the end of the first chapter; witnesses as they were then are kept beside."""
    place = past.place
    (place / "audits").mkdir()
    witnesses = open_witnesses(place / "witnesses", past, lambda: past.ended_at)
    answers = Books(place / "before.sqlite3", past).write(entries, witnesses)
    for witness in witnesses:
        witness.close()
    assert all(answer.line for answer in answers), answers
    shutil.copytree(place / "witnesses", place / "witnesses-before")
    with_first = place / "look"
    with_first.mkdir()
    then = replace(past, ended_at=past.ended_at - QUIET - AWAY)  # what parties sent is not overdue yet
    scene = Scene(then, with_first, loop, database="before.sqlite3")
    try:
        assert list(follow(scene)) == []
        shutil.rmtree(place / "audits")
        shutil.copytree(with_first / "audits", place / "audits")
    finally:
        scene.close()
        shutil.rmtree(with_first)


def fresh(place: Path) -> Path:
    """An empty folder of this name."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place
