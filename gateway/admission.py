"""How many submissions are let in: as many as the services deliver, and of nobody so many that others find no room.

A submission is *on its way* from its call until its sender's feed says that it was delivered or rejected
(`gateway.settlement` looks). This process lets at most `window` of its own be on their way.

Rules:
1. The window follows delivery. Those of a look that took longer than `target_s` narrow it, in proportion; it widens
   again, by a quarter of what was settled, only while calls are refused for want of room. Each gateway measures its
   own, and so several share what the services can do without speaking to each other.
2. The time of a look is that of the faster quarter of its submissions: the queue is what all of them share. A few that
   wait for a dossier of their own say nothing about it.
3. A party may have as many on their way as are still free for everybody (Choudhury and Hahne, dynamic thresholds): one
   that floods has half, of two that flood each has a third, and there is always room for one that sends little.
4. Room is asked for by proven callers alone: a refusal widens the window and tells how busy the exchange is, which is
   nothing for those who merely name a party. A key that was proven and refused is refused unheard until room is made:
   the answer would be the same, and verifying every call of a flood takes the time in which messages are delivered.
   Whoever knows the id of such a key can learn that it is refused, and moves nothing.
5. If nothing is settled, nothing is let in once the window is full. What was not settled in `forgotten_after_s` is
   counted no more: it may be in the dead letters, or its sender reused an id.
No state of it outlives the process, and none is needed: the limits of the queues hold besides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from math import ceil, inf
from typing import Final, NamedTuple

from gateway.config import Limits
from shared.errors import Busy
from shared.ports.clock import Clock

MOST_NARROWING: Final = 0.7
"""One look takes away no more than this leaves, however slow the submissions were."""
WIDENING: Final = 0.25
LONGEST_RETRY_S: Final = 5


class Submitted(NamedTuple):
    """What tells a submission from all others until it is decided: an id is its sender's own."""

    sender: str
    message: str


class Admission:
    """The window of one gateway process, and who is in it."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self.window = float(limits.window_least)
        self.arriving: Counter[str] = Counter()
        self._on_their_way: dict[Submitted, tuple[float, int]] = {}
        """Since when, and how many times under this id; first what was not looked for the longest."""
        self._load: Counter[str] = Counter()
        """Per party, arriving or on their way."""
        self._just_kept: Counter[str] = Counter()
        """Per party, kept by the bus while its call is not answered yet."""
        self._was_refused = False
        self._refused_keys: set[str] = set()
        """Proven, and refused since room was last made."""
        self._narrowed_until = -inf
        self._age_s = 0.0

    def refuse_unheard(self, kid: str) -> None:
        """Who names this key proved nothing yet. Raises Busy where its holder was refused and nothing changed."""
        if kid in self._refused_keys:
            raise self._busy()

    def _require_room(self, party: str, kid: str) -> None:
        """Raises Busy where one more of this party would be too many."""
        limits = self._limits
        in_memory = self.arriving.total() >= limits.submissions_in_flight
        if in_memory or self.arriving[party] >= limits.submissions_per_party:
            raise Busy(retry_after_s=1)
        if self._load[party] >= self.window - self._load.total():
            self._was_refused = True
            self._refused_keys.add(kid)
            raise self._busy()

    def _busy(self) -> Busy:
        return Busy(retry_after_s=max(1, min(LONGEST_RETRY_S, ceil(self._age_s))))

    @contextmanager
    def arrival(self, party: str, kid: str) -> Iterator[None]:
        """One submission of this party, which signed the call with this key, while its body arrives and until the bus
        keeps it. Raises Busy."""
        self._require_room(party, kid)
        self.arriving[party] += 1
        self._load[party] += 1
        try:
            yield
        finally:
            _take_off(self.arriving, party, 1)
            # What the bus kept goes on taking this place; whichever call of the party it was makes no difference.
            if self._just_kept[party]:
                _take_off(self._just_kept, party, 1)
            else:
                self._make_room(party, 1)

    def kept(self, submitted: Submitted) -> None:
        """The bus has it: it is on its way. To be called within its `arrival`."""
        since, times = self._on_their_way.get(submitted, (self._clock.monotonic(), 0))
        self._on_their_way[submitted] = (since, times + 1)
        self._just_kept[submitted.sender] += 1

    def next_to_look_for(self, most: int) -> list[Submitted]:
        """Those that were not looked for the longest; what is too old to be counted is forgotten.

        Never the oldest alone: a few hundred that wait for something of their own would hide all others.
        """
        forget_before = self._clock.monotonic() - self._limits.forgotten_after_s
        chosen = list(islice(self._on_their_way, most))
        for one in chosen:
            since, times = self._on_their_way[one]
            if since < forget_before:
                self._leave(one)
            else:
                del self._on_their_way[one]
                self._on_their_way[one] = (since, times)
        return [one for one in chosen if one in self._on_their_way]

    def settle(self, settled: Collection[Submitted]) -> None:
        """These are delivered or rejected: they make room, and their time moves the window."""
        now = self._clock.monotonic()
        ages = sorted(now - self._on_their_way[one][0] for one in settled if one in self._on_their_way)
        for one in settled:
            self._leave(one)
        if ages:
            self._age_s = ages[len(ages) // 4]
            self._adjust(len(ages), now)

    @property
    def on_their_way(self) -> Mapping[Submitted, object]:
        return self._on_their_way

    def _adjust(self, settled: int, now: float) -> None:
        limits = self._limits
        if self._age_s > limits.target_s:
            if now >= self._narrowed_until:
                narrower = self.window * max(MOST_NARROWING, limits.target_s / self._age_s)
                self.window = max(limits.window_least, narrower)
                self._narrowed_until = now + self._age_s  # until then it is the wider window that shows
        elif self._was_refused:
            self.window = min(limits.window_most, self.window + max(1.0, settled * WIDENING))
        self._was_refused = False

    def _leave(self, one: Submitted) -> None:
        _, times = self._on_their_way.pop(one, (0.0, 0))
        self._make_room(one.sender, times)

    def _make_room(self, party: str, places: int) -> None:
        _take_off(self._load, party, places)
        self._refused_keys.clear()


def _take_off(counter: Counter[str], party: str, times: int) -> None:
    counter[party] -= times
    if counter[party] <= 0:
        del counter[party]
