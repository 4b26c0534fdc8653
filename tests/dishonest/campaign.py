"""The timetable by which lies are looked for, and what each came to."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from shared.errors import ComityError
from tests.dishonest import watchers
from tests.dishonest.declared import Listed, Seen, Worth
from tests.dishonest.memory import fresh
from tests.dishonest.rows import all_row_lies
from tests.dishonest.scene import Scene
from tests.dishonest.staged_lies import all_staged_lies
from tests.dishonest.story import Past
from tests.dishonest.tree_lies import all_tree_lies
from tests.dishonest.watchers import Watcher
from tests.dishonest.window import Loop

TIMETABLE: Final[tuple[tuple[timedelta, str, Watcher], ...]] = (
    (timedelta(seconds=1), "witness", watchers.witnesses),
    (timedelta(seconds=10), "audit follow", watchers.follow),
    (timedelta(minutes=15), "party", watchers.parties),
    (timedelta(hours=1), "audit", watchers.audit),
    (timedelta(hours=2, minutes=30), "audit follow", watchers.follow),
    (timedelta(hours=2, minutes=30), "party", watchers.parties),
    (timedelta(hours=25), "audit follow", watchers.follow),
    (timedelta(hours=25), "audit", watchers.audit),
)
"""How long after the lie who looks: a witness at the next round, a follower every 10 s, a party's inbox every 15 min,
a whole audit every hour. Looks in between, at which nothing can have become due, are left out."""
GOES_ON: Final = timedelta(hours=3)
"""From then on something else has happened on the exchange: an entry that has nothing to do with the lie."""


@dataclass(frozen=True)
class Outcome:
    """`after` and `by` are None where nobody saw it."""

    what: str
    after: timedelta | None = None
    by: str | None = None
    why: str = ""


class Lie(Protocol):
    """One thing that the operator may do. `tell` writes it, and says what it wrote; None where there is nothing to
    write it on."""

    @property
    def name(self) -> str: ...

    @property
    def worth(self) -> Worth: ...

    def tell(self, scene: Scene, chance: random.Random) -> str | None: ...


def all_lies() -> list[Lie]:
    return [*all_row_lies(), *all_tree_lies(), *all_staged_lies()]


class Campaign:
    """Lies, played one after the other on copies of one past."""

    def __init__(self, past: Past, loop: Loop, place: Path, seed: int, blind: str | None = None) -> None:
        self._past = past
        self._loop = loop
        self._place = place
        self._seed = seed
        self._blind = blind

    def control(self) -> Outcome:
        """Nothing is written: whoever finds something now finds it in the truth."""
        outcome = self.play(_Truth(), 0)
        assert outcome is not None
        return outcome

    def play(self, lie: Lie, number: int) -> Outcome | None:
        """What came of it; None where there was nothing to write it on."""
        scene = Scene(self._past, fresh(self._place), self._loop)
        try:
            what = lie.tell(scene, random.Random(f"{self._seed} {lie.name} {number}"))
            return None if what is None else look(scene, what, self._blind)
        finally:
            scene.close()

    def attempts(self, n: int, lies: Sequence[Lie]) -> Iterator[tuple[Lie, Outcome]]:
        """`n` lies that can be seen, each kind as often as every other, as far as there is something for it."""
        kinds = [lie for lie in lies if isinstance(lie.worth, Seen)]
        random.Random(self._seed).shuffle(kinds)
        played = 0
        for number in itertools.count():
            before = played
            for lie in kinds:
                if played == n:
                    return
                outcome = self.play(lie, number)
                if outcome is not None:
                    played += 1
                    yield lie, outcome
            if played == before:
                return

    def listed(self, n: int, lies: Sequence[Lie]) -> Iterator[tuple[Lie, Outcome]]:
        """`n` of the lies that stand on the list, to see whether they still belong there."""
        kinds = [lie for lie in lies if isinstance(lie.worth, Listed)]
        random.Random(self._seed).shuffle(kinds)
        for number in range(n):
            lie = kinds[number % len(kinds)]
            outcome = self.play(lie, number)
            if outcome is not None:
                yield lie, outcome


class _Truth:
    name = "nothing"
    worth: Worth = Seen()

    def tell(self, scene: Scene, chance: random.Random) -> str | None:
        return "nothing was written"


def look(scene: Scene, what: str, blind: str | None = None) -> Outcome:
    """By the timetable, until somebody sees it; whoever is `blind` says nothing."""
    went_on = False
    for passed, by, watcher in TIMETABLE:
        scene.wait_until(passed)
        if passed >= GOES_ON and not went_on:
            went_on = scene.go_on()
        found = next(_told(watcher, scene), None)
        if found is not None and by != blind:
            return Outcome(what, passed, by, found)
    return Outcome(what)


def _told(watcher: Watcher, scene: Scene) -> Iterator[str]:
    """What it finds. An exchange that gives no answer, or one that is none, is noticed by whoever asks."""
    try:
        yield from watcher(scene)
    except ComityError as refused:
        yield refused.code
