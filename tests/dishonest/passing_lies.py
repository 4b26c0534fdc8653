"""Lies that are told once, to one reader, and lies that are told together.

A tree that was shown for a moment is taken back before anybody else looks; a proof bundle of such a tree goes to a
court that has nothing else to hold it against.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from shared.domain.ids import encode_time, parse_time
from tests.dishonest.books import entry_with, leaf_of
from tests.dishonest.declared import Seen
from tests.dishonest.handed_lies import hand_over_bundle
from tests.dishonest.own_books import StagedLie, own_tree_for, without_one
from tests.dishonest.rows import all_row_lies
from tests.dishonest.scene import Scene
from tests.dishonest.story import RABAT, WRITERS
from tests.dishonest.tree_lies import forget_second_chapter
from tests.dishonest.watchers import follow, party_looks
from tests.exchange_process import AUDITOR

_UNDONE: Final = "one may undo what the other did"


def all_passing_lies() -> list[StagedLie]:
    return [
        StagedLie("another tree, shown to one party for a moment", _to_a_party),
        StagedLie("another tree, shown to the auditor for a moment", _to_the_auditor),
        StagedLie("a proof bundle of another tree, which a quorum of witnesses cosigned", _bundle_of_another_tree),
        StagedLie("two lies about rows at once", _two_at_once, Seen(idle=_UNDONE)),
    ]


def _to_a_party(scene: Scene, chance: random.Random) -> str | None:
    victim = chance.choice(WRITERS)

    def look() -> None:
        with scene.correspondence(victim) as own:
            list(party_looks(own, scene.now()))

    return _for_a_moment(scene, chance, victim, look)


def _to_the_auditor(scene: Scene, chance: random.Random) -> str | None:
    return _for_a_moment(scene, chance, AUDITOR, lambda: list(follow(scene)))


def _deny(scene: Scene, reader: str, true: list[bytes]) -> None:
    """Everybody is shown the true tree, the reader too; the witnesses are the operator's and remember no other."""
    scene.show(reader, scene.file)
    forget_second_chapter(scene)
    scene.books.write(true, scene.witnesses)


def _for_a_moment(scene: Scene, chance: random.Random, reader: str, look: Callable[[], object]) -> str:
    true = scene.books.entries()
    own_tree_for(scene, reader, lambda entries: without_one(entries, scene, chance))
    look()
    _deny(scene, reader, true)
    return f"{reader} was shown another tree than everybody, once"


def _bundle_of_another_tree(scene: Scene, chance: random.Random) -> str | None:
    """In which Rabat's message was delivered some minutes earlier: what the hour of the merge delay lets be said."""
    earlier = timedelta(minutes=chance.randrange(5, 50))

    def dated(entries: list[bytes]) -> list[bytes]:
        first = scene.past.first_size  # the witness knows those before
        return [*entries[:first], *(_dated(one, earlier) for one in entries[first:])]

    true = scene.books.entries()
    own_tree_for(scene, RABAT, dated)
    hand_over_bundle(scene, 3 + chance.randrange(3))
    _deny(scene, RABAT, true)
    return f"a court has a bundle in which deliveries are {earlier} earlier"


def _dated(entry: bytes, earlier: timedelta) -> bytes:
    leaf = leaf_of(entry)
    if leaf["type"] != "evidence.delivery":
        return entry
    return entry_with(entry, at=encode_time(parse_time(leaf["at"]) - earlier))


def _two_at_once(scene: Scene, chance: random.Random) -> str | None:
    told = (one.tell(scene, chance) for one in chance.sample([one for one in all_row_lies() if one.worth == Seen()], 2))
    said = [one for one in told if one is not None]
    return "; ".join(said) or None
