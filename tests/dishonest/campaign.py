"""The timetable by which lies are looked for, and what each came to."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from shared.errors import ComityError
from tests.dishonest import watchers
from tests.dishonest.declared import SEEN, Inner, Listed, Seen, Worth
from tests.dishonest.handed_lies import all_handed_lies, hand_out_copy, hand_over_bundle
from tests.dishonest.log_key_lies import all_log_key_lies, change_log_keys
from tests.dishonest.memory import fresh
from tests.dishonest.passing_lies import all_passing_lies
from tests.dishonest.receipt_lies import all_receipt_lies
from tests.dishonest.rows import all_row_lies
from tests.dishonest.scene import Scene
from tests.dishonest.set_back_lies import all_set_back_lies
from tests.dishonest.staged_lies import all_staged_lies
from tests.dishonest.story import Past
from tests.dishonest.tree_lies import all_tree_lies
from tests.dishonest.watchers import Watcher
from tests.dishonest.window import Loop

TIMETABLE: Final[tuple[tuple[timedelta, str, Watcher], ...]] = (
    (timedelta(seconds=1), "witness", watchers.witnesses),
    (timedelta(seconds=10), "audit follow", watchers.follow),
    (timedelta(minutes=15), "party", watchers.parties),
    (timedelta(hours=1), "copy", watchers.copies),
    (timedelta(hours=1), "court", watchers.court),
    (timedelta(hours=1), "audit", watchers.audit),
    (timedelta(hours=2, minutes=30), "audit follow", watchers.follow),
    (timedelta(hours=2, minutes=30), "party", watchers.parties),
    (timedelta(hours=25), "audit follow", watchers.follow),
    (timedelta(hours=25), "party", watchers.parties),
    (timedelta(hours=25), "audit", watchers.audit),
)
"""How long after the lie who looks: a witness at the next round, a follower every 10 s, a party's inbox every 15 min,
a whole audit every hour. Looks in between, at which nothing can have become due, are left out."""
HANDED: Final = ("copy", "court")
"""Who looks at what is handed over, and at nothing else."""
GOES_ON: Final = timedelta(hours=3)
"""From then on something else has happened on the exchange: an entry that has nothing to do with the lie."""


@dataclass(frozen=True)
class Outcome:
    """`after` and `by` are None where nobody saw it. `told` is a digest of all that anybody was answered until then."""

    what: str
    told: bytes
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
    return [
        *all_row_lies(),
        *all_tree_lies(),
        *all_staged_lies(),
        *all_set_back_lies(),
        *all_log_key_lies(),
        *all_receipt_lies(),
        *all_handed_lies(),
        *all_passing_lies(),
    ]


class Campaign:
    """Lies, played one after the other on copies of one past."""

    def __init__(self, past: Past, loop: Loop, place: Path, seed: int, blind: str | None = None) -> None:
        self._past = past
        self._loop = loop
        self._place = place
        self._seed = seed
        self._blind = blind

    def play(self, lie: Lie, number: int) -> Outcome | None:
        """What came of it; None where there was nothing to write it on."""
        scene = Scene(self._past, fresh(self._place), self._loop)
        try:
            what = lie.tell(scene, random.Random(f"{self._seed} {lie.name} {number}"))
            return None if what is None else look(scene, what, self._blind)
        finally:
            scene.close()


Play = Callable[[Iterable[tuple[Lie, int]]], Iterator[tuple[Lie, Outcome | None]]]
"""Lies, each with its number → what came of them, in their order."""


def attempts(n: int, lies: Sequence[Lie], seed: int, play: Play, told: bytes) -> Iterator[tuple[Lie, Outcome]]:
    """`n` lies that can be seen, each kind as often as every other, as far as there is something for it.

    Not among them is one that is declared to be idle at times, and was: every answer was the one that `told` digests.
    """

    def counted(lie: Lie, outcome: Outcome) -> bool:
        return not (isinstance(lie.worth, Seen) and lie.worth.idle and outcome.by is None and outcome.told == told)

    yield from _in_turn(n, [lie for lie in lies if isinstance(lie.worth, Seen)], seed, play, counted)


def listed(n: int, lies: Sequence[Lie], seed: int, play: Play) -> Iterator[tuple[Lie, Outcome]]:
    """`n` of the lies that stand on the list, to see whether they still belong there."""
    yield from _in_turn(n, [lie for lie in lies if isinstance(lie.worth, Listed)], seed, play)


def inner(n: int, lies: Sequence[Lie], seed: int, play: Play) -> Iterator[tuple[Lie, Outcome]]:
    """`n` of the lies that are said to have no effect, to see whether anybody is answered otherwise."""
    yield from _in_turn(n, [lie for lie in lies if isinstance(lie.worth, Inner)], seed, play)


def _in_turn(
    n: int,
    kinds: list[Lie],
    seed: int,
    play: Play,
    counted: Callable[[Lie, Outcome], bool] = lambda lie, outcome: True,
) -> Iterator[tuple[Lie, Outcome]]:
    if not kinds or not n:
        return
    random.Random(seed).shuffle(kinds)
    played = idle = 0
    for lie, outcome in play((lie, number) for number in itertools.count() for lie in kinds):
        if played == n or idle == len(kinds):  # of no kind there was anything left to write on
            return
        if outcome is None or not counted(lie, outcome):
            idle += 1
            continue
        played, idle = played + 1, 0
        yield lie, outcome
        if played == n:
            return


@dataclass(frozen=True)
class Truth:
    """Nothing that is written is a lie."""

    name: str
    act: Callable[[Scene], str]
    worth: Worth = SEEN

    def tell(self, scene: Scene, chance: random.Random) -> str | None:
        return self.act(scene)


def _hand_over_what_there_is(scene: Scene) -> str:
    hand_out_copy(scene)
    for at in range(3):
        hand_over_bundle(scene, at)
    return "copies and proofs are what there is"


TRUTHS: Final = (
    Truth("the truth", lambda scene: "nothing was written"),
    Truth("the truth, and new keys of the log", change_log_keys),
    Truth("the truth, and copies of it", _hand_over_what_there_is),
)
"""The first is what the exchange says to all of whom nothing else is told."""


def look(scene: Scene, what: str, blind: str | None = None) -> Outcome:
    """By the timetable, until somebody sees it; whoever is `blind` says nothing."""
    went_on = False
    # What the exchange says to all others is then the truth, which is played by itself.
    timetable = [one for one in TIMETABLE if one[1] in HANDED] if scene.is_handed else TIMETABLE
    for passed, by, watcher in timetable:
        scene.wait_until(passed)
        if passed >= GOES_ON and not went_on:
            went_on = scene.go_on()
        found = next(_told(watcher, scene), None)
        if found is not None and by != blind:
            return Outcome(what, _all_of(scene), passed, by, found)
    return Outcome(what, _all_of(scene))


def _all_of(scene: Scene) -> bytes:
    return sha256(b"".join(scene.answers)).digest()


def _told(watcher: Watcher, scene: Scene) -> Iterator[str]:
    """What it finds. An exchange that gives no answer, or one that is none, is noticed by whoever asks."""
    try:
        yield from watcher(scene)
    except ComityError as refused:
        yield refused.code
