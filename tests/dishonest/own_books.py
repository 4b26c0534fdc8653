"""What lies are made of: rows and trees that the operator brings into one story, and keeps in order.

Witnesses are asked to cosign whatever results; they are real ones, and do what they do.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from shared.audit.leaves import encode_entry, encode_leaf
from tests.dishonest.books import Books, leaf_of
from tests.dishonest.declared import SEEN, Worth
from tests.dishonest.scene import Scene
from tests.dishonest.story import WRITERS
from tests.dishonest.tree_lies import forget_second_chapter

Tell = Callable[[Scene, random.Random], str | None]


@dataclass(frozen=True)
class StagedLie:
    name: str
    tell: Tell
    worth: Worth = SEEN


_OF_A_MESSAGE: Final = (
    *("claim", "decision", "envelope", "mailbox", "evidence", "feed_entry"),
    *("failed_evidence", "late_message"),
)
"""Tables with rows of it."""


def unread_message(scene: Scene, chance: random.Random) -> str:
    """An accepted message of the second chapter."""
    entries = scene.books.entries()[scene.past.first_size :]
    told = [leaf_of(one) for one in entries]
    return str(chance.choice([one["message"] for one in told if one["type"] == "decision.accepted"]))


def erase(scene: Scene, message: str, but: tuple[str, ...] = ()) -> None:
    """All rows of it, and the state that it made."""
    with scene.writing() as database:
        for table in _OF_A_MESSAGE:
            if table not in but:
                database.execute(f"DELETE FROM {table} WHERE message = ?", (message,))
        _unmake(database, scene, message)


def _unmake(database: sqlite3.Connection, scene: Scene, message: str) -> None:
    """Legs as they were before the second chapter, where this message moved them."""
    opened = database.execute("SELECT dossier FROM dossier WHERE opening = ?", (message,)).fetchone()
    if opened is not None:
        database.execute("DELETE FROM leg WHERE dossier = ?", opened)
        database.execute("DELETE FROM dossier WHERE dossier = ?", opened)
        return
    database.execute("ATTACH ? AS before", (str(scene.past.place / "before.sqlite3"),))
    database.execute("DELETE FROM main.leg WHERE dossier IN (SELECT dossier FROM before.leg)")
    database.execute("INSERT INTO main.leg SELECT * FROM before.leg")


def hide(scene: Scene, message: str) -> None:
    """From its recipients: feed, mailbox, list of dossiers. Each party that did not send it reads a copy without it."""
    with scene.writing() as database:
        [sender] = database.execute("SELECT sender FROM decision WHERE message = ?", (message,)).fetchone()
    for reader in (one for one in WRITERS if one != sender):
        with scene.writing(scene.another(reader)) as database:
            for table in ("envelope", "mailbox", "evidence", "feed_entry"):
                database.execute(f"DELETE FROM {table} WHERE message = ?", (message,))
            _unmake(database, scene, message)


def tell_anew(scene: Scene, change: Callable[[bytes], bytes | None]) -> None:
    """The second chapter's tree, as witnesses never saw another; copies for single readers have it, too."""
    true, first = scene.books.entries(), scene.past.first_size
    entries = true[:first] + [told for one in true[first:] if (told := change(one)) is not None]
    forget_second_chapter(scene)
    scene.books.write(entries, scene.witnesses)
    for file in scene.copies:
        Books(file, scene.past).write(entries, scene.witnesses)


def own_tree_for(scene: Scene, victim: str, change: Callable[[list[bytes]], list[bytes]]) -> Any:
    true = scene.books.entries()
    other = change(list(true))
    file = scene.another(victim)
    forget_second_chapter(scene)
    first, second = scene.witnesses
    scene.books.write(true, [first])
    Books(file, scene.past).write(other, [second])
    return file


def without_one(entries: list[bytes], scene: Scene, chance: random.Random) -> list[bytes]:
    """Without the beginning of a service: each tree is right in itself. Never the last: without it the tree is no
    other one, but the same a moment ago."""
    places = [
        at
        for at in range(scene.past.first_size, len(entries) - 1)
        if leaf_of(entries[at])["type"] == "exchange.started"
    ]
    del entries[chance.choice(places)]
    return entries


def entry_of(scene: Scene, type_: str, **fields: Any) -> bytes:
    nonce = sha256(repr(sorted(fields)).encode()).digest()[:16]
    return encode_entry(scene.now(), encode_leaf(type_, scene.now(), nonce, **fields))
