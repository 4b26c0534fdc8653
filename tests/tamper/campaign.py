"""The campaign: stage by stage along the way of a message, everything that can be done to the frames of each queue.

Of each queue: fields changed, frames spliced, forged, sealed by the wrong service or beyond the limits of an epoch, too
large; then the genuine frames themselves, dressed in other AMQP properties, out of order, twice, in the dead queue, and
again: after their acknowledgement, to a restarted consumer, up to the inbox's retention and after it. At last each
queue gets the frames of all others, and the gateway's wake-ups get the same treatment.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Final

from sqlalchemy import delete

from shared.adapters.tables.messaging import MESSAGING
from shared.contracts.messages import EnvelopeAdmitted, EnvelopeRetrieved, ServiceMessage
from shared.contracts.registry import encode_message, parse_message
from shared.contracts.topology import CONSUMER, PRODUCERS, QUEUES, RETRY_LETTER, WAKEUPS
from shared.domain.ids import encode_time, new_uuid7
from shared.frame.items import Item
from shared.frame.seal import MAX_FRAME_BYTES
from tests.tamper.arena import Arena
from tests.tamper.cases import Case, Genuine, May
from tests.tamper.dead_queue import try_dead_queue
from tests.tamper.dresses import dresses
from tests.tamper.forgeries import Forger
from tests.tamper.judge import Judge, Verdicts
from tests.tamper.mutations import Mutator
from tests.tamper.wakeups import Listening
from tests.unit.apisig.signed_calls import proof_of_asking
from tests.unit.services.desk import BE, api_key

SHARES: Final = {"field": 0.45, "splice": 0.14, "stranger": 0.09, "insider": 0.06, "breach": 0.10}
"""Of N, what each kind of attack gets; replays and crossings below."""
REPLAYS: Final = 0.06
CROSSINGS: Final = 0.06
WAKINGS: Final = 0.06
BATCH: Final = 100
OVERSIZE_EVERY: Final = 2000
SECOND: Final = timedelta(seconds=1)


@dataclass
class Campaign:
    arena: Arena
    n: int
    chance: random.Random
    say: Callable[[str], None] = lambda _: None
    verdicts: Verdicts = field(default_factory=Verdicts)
    spare: dict[str, list[Genuine]] = field(default_factory=lambda: {queue: [] for queue in QUEUES})
    """Genuine frames that nobody has had yet."""
    had: dict[str, list[Genuine]] = field(default_factory=lambda: {queue: [] for queue in QUEUES})
    """Genuine frames that have had their effect."""

    async def run(self) -> Verdicts:
        await self.begin()
        for queue in QUEUES:
            await self.stage(queue)
        for queue in QUEUES:
            await self.crossings(queue)
        await self.wake()
        return self.verdicts

    async def begin(self) -> None:
        """Enrol the parties through intake. Requests are sent by two processes of the gateway."""
        arena = self.arena
        documents = await arena.sent(arena.publisher("gateway"), *arena.documents())
        async with arena.serving("intake") as watched:
            judge = Judge(arena, "intake", watched, self.verdicts)
            for document in documents:
                await judge.try_cases([], document)
        self.had["intake"] += documents
        for _ in range(2):
            gateway = arena.publisher("gateway")
            self.spare["intake"] += await arena.sent(gateway, *(arena.fresh("intake")[1] for _ in range(self._half())))
            self.spare["routing"] += await arena.sent(gateway, self._retrieval(new_uuid7(arena.clock.now())))
            for queue in QUEUES:
                self.spare[queue] += await arena.sent(gateway, self._order(queue))

    async def stage(self, queue: str) -> None:
        """One service, and everything that can be done to its queue."""
        victims = await self._choose_victims(queue)
        before = self.verdicts.attempted.copy()
        numbers = {name: max(8, int(self.n * share / 3)) for name, share in SHARES.items()}
        async with self.arena.serving(queue) as watched:
            judge = Judge(self.arena, queue, watched, self.verdicts)
            await self.attempt(judge, queue, self.attacks(queue, victims, numbers))
            await self.attempt(judge, queue, self._oversize(victims[0], 1 + self.n // OVERSIZE_EVERY))
            await self.attempt(judge, queue, self._dressed(queue, victims))
            self.had[queue] += victims
            await self.replay(judge, queue, "after its acknowledgement")
        await self._collect()
        await try_dead_queue(
            self.arena, queue, self.verdicts, [*self._cycled(self.had[queue], 3), *self.spare[queue][:3]]
        )
        async with self.arena.serving(queue) as watched:
            judge = Judge(self.arena, queue, watched, self.verdicts)
            await self.replay(judge, queue, "after a restart of the consumer")
            await self._collect(queue)
            await self._replay_later(judge, queue)
        self.say(f"{queue:<13}{_told(self.verdicts.attempted - before)}")

    async def crossings(self, queue: str) -> None:
        """The frames of every other queue, and the wake-ups, moved to this one."""
        before = self.verdicts.attempted.copy()
        foreign = [one for other in QUEUES if other != queue for one in self._sample(self.had[other], 40)]
        foreign += await Listening(self.arena, self.verdicts).hints(2)
        self.chance.shuffle(foreign)
        cases = [
            Case("crossed", f"{one.producer}→{one.queue} moved to {queue}", one.frame)
            for one in self._cycled(foreign, max(8, int(self.n * CROSSINGS / 3)))
        ]
        async with self.arena.serving(queue) as watched:
            await self.attempt(Judge(self.arena, queue, watched, self.verdicts), queue, cases)
        await self._collect()
        self.say(f"to {queue:<13}{_told(self.verdicts.attempted - before)}")

    async def wake(self) -> None:
        """Everything that is no genuine hint, given to a gateway that listens."""
        before = self.verdicts.attempted.copy()
        listening = Listening(self.arena, self.verdicts)
        hints = await listening.hints(4)
        foreign = [one for queue in QUEUES for one in self._sample(self.had[queue], 10)]
        mutator, forger = Mutator(hints, foreign, self.chance), self._forger(WAKEUPS, hints)
        now, number = self.arena.clock.now(), max(30, int(self.n * WAKINGS))
        sources = (
            mutator.fields(),
            mutator.splices(),
            forger.strangers(now),
            forger.insiders(now),
            forger.breaches(now),
        )
        cases = [case for one in sources for case in islice(one, number // 5)]
        cases += [Case("crossed", f"{one.producer}→{one.queue} as a wake-up", one.frame) for one in foreign]
        await listening.try_cases(cases, hints[0])
        self.say(f"wakeups      {_told(self.verdicts.attempted - before)}")

    async def attempt(self, judge: Judge, queue: str, cases: Sequence[Case]) -> None:
        for at in range(0, len(cases), BATCH):
            await judge.try_cases(cases[at : at + BATCH], await self._neighbour(queue))

    def attacks(self, queue: str, victims: Sequence[Genuine], numbers: Mapping[str, int]) -> list[Case]:
        """So many of each kind in SHARES, shuffled."""
        strangers = [
            one for other in QUEUES if other != queue for one in (*self.spare[other][:20], *self.had[other][:20])
        ]
        mutator, forger = Mutator(victims, strangers, self.chance), self._forger(queue, victims)
        now = self.arena.clock.now()
        sources: dict[str, Iterator[Case]] = {
            "field": mutator.fields(),
            "splice": mutator.splices(),
            "stranger": forger.strangers(now),
            "insider": forger.insiders(now),
            "breach": forger.breaches(now),
        }
        cases = [case for name, number in numbers.items() for case in islice(sources[name], number)]
        self.chance.shuffle(cases)
        return cases

    def _oversize(self, victim: Genuine, number: int) -> list[Case]:
        sizes = [MAX_FRAME_BYTES + 1 + extra * 2**20 for extra in range(number)]
        return [
            Case("oversize", f"{victim.queue}: {size} bytes", victim.frame + bytes(size - len(victim.frame)))
            for size in sizes
        ]

    def _forger(self, queue: str, genuine: Sequence[Genuine]) -> Forger:
        backend = self.arena.backend
        services = backend.roster.services
        return Forger(
            queue,
            CONSUMER[queue],
            sorted(PRODUCERS[queue]),
            {name: known.seal for name, known in services.items()},
            {name: backend.keys(name).signer for name in services},
            [self._fresh_item(queue) for _ in range(3)],
            genuine,
            timedelta(seconds=backend.settings.inbox_retention_s),
            self.chance,
        )

    async def _choose_victims(self, queue: str) -> list[Genuine]:
        """Half of what nobody has had. For routing they are also fetched by a recipient."""
        if queue == "routing":
            self.spare[queue] = [one for one in self.spare[queue] if "envelope-retrieved" not in one.types]
        spare = self.spare[queue]
        self.chance.shuffle(spare)
        victims, self.spare[queue] = spare[: self._half()], spare[self._half() :]
        if queue != "routing":
            return victims
        letters = [
            message.summary.message
            for one in victims[:6]
            for item in self.arena.open(queue, one.frame).items
            if isinstance(message := parse_message(item.type, item.v, item.data), EnvelopeAdmitted)
        ]
        gateway = self.arena.publisher("gateway")
        return victims + await self.arena.sent(gateway, *(self._retrieval(letter) for letter in letters))

    def _dressed(self, queue: str, victims: list[Genuine]) -> list[Case]:
        """The genuine frames at last, out of order, some twice in a row, in AMQP properties that say other things."""
        self.chance.shuffle(victims)
        victims.sort(key=lambda one: "envelope-retrieved" in one.types)  # which would wait for its mailbox
        ways = list(dresses(f"{self.arena.backend.settings.queue_prefix}{queue}").items())
        cases = []
        for number, one in enumerate(victims):
            what, properties = ways[number % len(ways)]
            cases.append(Case("dressed", what, one.frame, May.have_its_effect, "", properties, one.items))
            if number % 2:
                cases.append(Case("replayed", "twice in a row", one.frame, May.have_no_effect))
        return cases

    async def replay(self, judge: Judge, queue: str, when: str) -> None:
        cases = [
            Case("replayed", f"{queue}: {when}", one.frame, May.have_no_effect)
            for one in self._cycled(self.had[queue], max(4, int(self.n * REPLAYS / 12)))
        ]
        await self.attempt(judge, queue, cases)

    async def _replay_later(self, judge: Judge, queue: str) -> None:
        """Up to the retention a repeat is known; then the inbox is pruned, and a repeat is refused for its age."""
        had, clock, began = list(self.had[queue]), self.arena.clock, self.arena.clock.now()
        spare, self.spare[queue] = self.spare[queue], []  # these would be too old: neighbours are sealed in that time
        retention = timedelta(seconds=self.arena.backend.settings.inbox_retention_s)
        clock.move(retention - 120 * SECOND)
        await self.replay(judge, queue, "shortly before the inbox forgets")
        clock.move(240 * SECOND)
        inbox = MESSAGING[queue].inbox
        async with self.arena.backend.store.write() as connection:
            await connection.execute(delete(inbox).where(inbox.c.claimed_at < (clock.now() - retention).timestamp()))
        cases = [
            Case("replayed", f"{queue}: after the inbox forgot it", one.frame)
            for one in self._cycled(had, max(4, int(self.n * REPLAYS / 12)))
        ]
        await self.attempt(judge, queue, cases)
        clock.move(began - clock.now())
        for other in QUEUES:  # sent on in that time, and from the future now
            if other != queue:
                await self.arena.broker.take(other)
        self.had[queue], self.spare[queue] = had, spare

    async def _neighbour(self, queue: str) -> Genuine:
        """A genuine frame that nobody has had; sealed now, by a service that speaks there, if none is left."""
        if self.spare[queue]:
            neighbour = self.spare[queue].pop()
        else:
            producer, message = self.arena.fresh(queue)
            [neighbour] = await self.arena.sent(self.arena.publisher(producer), message)
        self.had[queue].append(neighbour)
        return neighbour

    async def _collect(self, but: str = "") -> None:
        """What the services have sent on is the adversary's now."""
        for queue in QUEUES:
            if queue != but:
                self.spare[queue] += await self.arena.intercept(queue)

    def _fresh_item(self, queue: str) -> Item:
        message = self.arena.fresh(queue)[1]
        return Item(new_uuid7(self.arena.clock.now()), message.TYPE, message.VERSION, encode_message(message))

    def _retrieval(self, message: str) -> EnvelopeRetrieved:
        now = self.arena.clock.now()
        asked = proof_of_asking(f"/v1/messages/{message}", BE, api_key(BE), now)
        return EnvelopeRetrieved(message=message, recipient=BE, request=asked, retrieved_at=encode_time(now))

    def _order(self, queue: str) -> ServiceMessage:
        """An operator wants a dead letter tried again that is gone."""
        at = encode_time(self.arena.clock.now())
        return RETRY_LETTER[queue](letter=2**40, request="a signed request", requested_at=at)

    def _cycled(self, among: Sequence[Genuine], number: int) -> list[Genuine]:
        return [among[at % len(among)] for at in range(number)]

    def _sample(self, among: Sequence[Genuine], most: int) -> list[Genuine]:
        return self.chance.sample(among, min(most, len(among)))

    def _half(self) -> int:
        """Of the frames that each queue begins with."""
        return 8 + self.n // 300


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
