"""A year of dossiers on a clock that is set: real envelopes, handlers of intake and notification, the keeper of clocks.

Rows lie in memory behind the ports; everything that decides is the exchange's own. It is away for some days of the
year, and catches up: events then stand later in the feed, and fall where they always did. Every leaf goes into a
ledger, which the real auditor reads.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from client.audit_report import AuditReport
from services.intake.clock_keeper import ClockKeeper
from services.intake.transport_keeper import SETTLES, TransportKeeper
from services.notification.handler import NotificationHandler
from shared.apisig.receipts import MERGE_DELAY
from shared.contracts.messages import ClockStruck, EnvelopeAdmitted, LimitPassed
from shared.contracts.records import FeedEntry, Key, LegRecord, Record
from shared.domain.ids import encode_time, new_uuid7, parse_time
from shared.envelope.container import parse_submission
from shared.ports.due_legs import DueLeg
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects
from tests.fakes import FakeClock
from tests.legal_year.ledger import YearLedger
from tests.legal_year.stories import ES, FR, MA, STORIES, Story
from tests.legal_year.table import FETCHED_BY, Heard, unfetched
from tests.legal_year.transport import YearTransport
from tests.unit.envelope.workshop import header_document
from tests.unit.services.desk import Desk, intake, leaves_of, new_exchange, sample_registry, signed, submit

BEGINS = datetime(2026, 11, 23, tzinfo=UTC)
OPENED_WITHIN = timedelta(days=150)
ENDS = BEGINS + timedelta(days=355)
_LAST_HEARD = ENDS - timedelta(minutes=2)
"""What falls later may not be said yet."""
AWAY = [(BEGINS + timedelta(days=day), BEGINS + timedelta(days=day + length)) for day, length in ((40, 5), (120, 2))]
"""When the exchange is away: nobody can send, fetch or hear anything."""
FETCHES = (0.8, 0.1)
"""How many messages are fetched before the warning, and how many after it; the others never."""


@dataclass
class Played:
    story: Story
    dossier: str
    head: str = ""
    opening: str = ""
    fetches: list[Heard] = field(default_factory=list)
    """What must be heard of its messages because they are fetched late or never."""


@dataclass
class Year:
    """`heard` is what stands in feeds, by dossier; `wrong` says what does not stand where the table has it."""

    count: int
    seed: int
    clock: FakeClock = field(default_factory=lambda: FakeClock(BEGINS))
    heard: dict[str, Counter[Heard]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        exchange = new_exchange(MA, FR, ES)
        self.desk = intake(exchange.directory, sample_registry())
        self.ledger = YearLedger(exchange, BEGINS)
        self.transport = YearTransport(self.desk)
        self.chance = random.Random(self.seed + 1)
        self.feeds = Desk(NotificationHandler())
        self.falls: list[tuple[datetime, str, str]] = []
        self.steps: list[tuple[datetime, int, int]] = []
        self.played: list[Played] = []
        self.stories: dict[str, Story] = {}
        for number in range(self.count):
            story = self._begin(number, chance)
            self.played.append(Played(story, new_uuid7(story.steps[0].at)))
            self.stories[self.played[-1].dossier] = story
            for place, step in enumerate(story.steps):
                heapq.heappush(self.steps, (step.at, number, place))

    def _begin(self, number: int, chance: random.Random) -> Story:
        """A story of which nothing is sent while the exchange is away."""
        while True:
            seconds = chance.randrange(int(OPENED_WITHIN.total_seconds()))
            story = STORIES[number % len(STORIES)](chance, BEGINS + timedelta(seconds=seconds))
            if not any(_is_away(step.at) for step in story.steps):
                return story

    async def play(self) -> None:
        keeper = ClockKeeper(self, self, self._instruments, self._publish, self.clock)  # type: ignore[arg-type]  # rows
        limits = TransportKeeper(self.transport, self, self._publish, self.clock, self.said.append)  # type: ignore[arg-type]  # as above
        while True:
            step = self.steps[0][0] if self.steps else ENDS
            fetch = self.transport.fetches[0][0] if self.transport.fetches else ENDS
            limit = _when_back(self.transport.next_look(self.clock.now()) or ENDS)
            now = min(step, fetch, limit, self._next_look(), ENDS)
            self.clock.jump(max(now, self.clock.now()))
            if now >= ENDS:
                return
            if now == step:
                _, number, place = heapq.heappop(self.steps)
                self._send(self.played[number], place)
            elif now == fetch:
                at, message, recipient = heapq.heappop(self.transport.fetches)
                self._note(self.transport.fetch(message, recipient, at))
            elif now == limit:
                await limits.strike_due()
                self.transport.looked(now)
            else:
                await keeper.strike_due()

    def audit(self, folder: Path) -> AuditReport:
        return self.ledger.audit(folder)

    def judge(self) -> tuple[int, int]:
        """Dossiers of which everything stands where the table has it, and all dossiers."""
        passed = -len(self.wrong)
        for one in self.played:
            ought = Counter(heard for heard in (*one.story.heard, *one.fetches) if heard[3] < _LAST_HEARD)
            found = Counter({heard: many for heard, many in self.heard[one.dossier].items() if heard[3] < _LAST_HEARD})
            passed += found == ought
            if found != ought and len(self.wrong) < 20:
                missing, extra = _told(ought - found), _told(found - ought)
                opened = encode_time(one.story.steps[0].at)
                self.wrong.append(f"{one.story.name} of {opened}: missing {missing}; not expected {extra}")
        return passed, len(self.played)

    # --- ports -------------------------------------------------------------------------------------------------------

    async def due(self, now: datetime, most: int) -> Sequence[DueLeg]:
        found: list[DueLeg] = []
        while len(found) < most and self._earliest() <= now:
            falls, dossier, leg = heapq.heappop(self.falls)
            found.append(DueLeg(dossier, leg, falls))
        return found  # each comes again with the row that is written of it

    async def counted_before(self, registry: int, most: int) -> Sequence[DueLeg]:
        return []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Year]:
        yield self

    async def load(self, keys: Iterable[Key]) -> dict[Key, Record]:
        wanted = [(key, self._row(key)) for key in keys]
        return {key: row for key, row in wanted if row is not None}

    def _row(self, key: Key) -> Record | None:
        return self.desk.rows[key] if key.record is LegRecord else self.transport.row(key.record, key.values)

    async def write(self, effects: Effects) -> list[Any]:
        for row in effects.updates:
            if isinstance(row, LegRecord):
                self.desk.rows[row.key()] = row
        self._note(effects)
        return []

    async def forget_outbox(self, ids: Sequence[str]) -> None:
        """Nothing waits here."""

    async def commit(self) -> None:
        """Everything is there already."""

    # --- how it goes on ----------------------------------------------------------------------------------------------

    async def _instruments(self) -> PublishedInstruments:
        return PublishedInstruments(1, sample_registry())

    async def _publish(self, rows: Sequence[Any]) -> set[str]:
        return set()

    def _next_look(self) -> datetime:
        return _when_back(max(self._earliest(), self.clock.now()))

    def _earliest(self) -> datetime:
        """When the next event falls, by the rows as they are now."""
        while self.falls:
            falls, dossier, leg = self.falls[0]
            row = self.desk.rows[Key(LegRecord, (dossier, leg))]
            if isinstance(row, LegRecord) and row.next_fall == falls:
                return falls
            heapq.heappop(self.falls)
        return ENDS

    def _send(self, one: Played, place: int) -> None:
        story, step = one.story, one.story.steps[place]
        opens = place == 0
        header: dict[str, Any] = {
            "id": new_uuid7(step.at),
            "dossier": one.dossier,
            "profile": story.profile,
            "kind": step.kind,
            "sender": step.sender,
            "recipients": [story.asked if step.sender == story.asker else story.asker],
            "leg": None if opens else story.asked,
            "measures": {"M1": story.measure},
            "basis": {story.asked: {"primary": story.instrument, "cited": [], "group": None}} if opens else None,
            "urgency": story.urgency,
            "in_reply_to": None if opens else one.opening,
            "seen": None if opens else one.head,
            "sent_at": encode_time(step.at),
            "expires_at": encode_time(step.at + timedelta(days=30)),
            "act": step.act,
        }
        raw = signed(header_document(**header))
        promised = {"received_at": encode_time(step.at), "decide_by": encode_time(step.at + MERGE_DELAY)}
        effects = self.desk.handle(submit(raw, step.sender).model_copy(update=promised), self.clock.now())
        decided = leaves_of(effects)[-1]
        if decided.type != "decision.accepted":
            self.refusals.append(f"{story.name}: {step.kind} was refused as {decided.fields['code']}")
            return
        one.head, one.opening = parse_submission(raw).digest, one.opening or header["id"]
        self._note(effects)
        for admitted in effects.publishes:
            if isinstance(admitted, EnvelopeAdmitted):
                self._note(self.transport.deliver(admitted, self.clock.now()))
        fetched = self._fetched(story.urgency, step.at)
        one.fetches += unfetched(story.urgency, step.at, fetched)
        if fetched is not None:
            heapq.heappush(self.transport.fetches, (fetched, header["id"], header["recipients"][0]))

    def _fetched(self, urgency: str, accepted: datetime) -> datetime | None:
        """When the recipient fetches it; never, if it does not."""
        early, late = FETCHED_BY[urgency]
        drawn, part = self.chance.random(), self.chance.random()
        if drawn > sum(FETCHES):
            return None
        at = accepted + (early * part if drawn < FETCHES[0] else early + (late - early) * part)
        return _when_back(at)

    def _note(self, effects: Effects) -> None:
        self.ledger.take(effects.leaves, self.clock.now())
        self.transport.note([*effects.inserts, *effects.updates])
        for row in (*effects.inserts, *effects.updates):
            if isinstance(row, LegRecord) and row.next_fall is not None:
                heapq.heappush(self.falls, (row.next_fall, row.dossier, row.requested))
        for message in effects.publishes:
            if isinstance(message, ClockStruck | LimitPassed):
                self._hear(message)

    def _hear(self, message: ClockStruck | LimitPassed) -> None:
        """Through notification's handler: what stands in the feed, once for all who are told the same."""
        entries = [row for row in self.feeds.handle(message).inserts if isinstance(row, FeedEntry)]
        entry, story = entries[0], self.stories[message.dossier]
        event = entry.type.partition(".")[2]
        told, debtor = {one.authority for one in entries}, entry.data.get("debtor", "")
        ought = {debtor} if event.startswith("reminder-") or event == "desk-called" else {story.asker, story.asked}
        if told != ought:
            self.wrong.append(f"{story.name}: {event} was told to {', '.join(sorted(told))}")
        owed, basis = entry.data.get("owed", ""), entry.data.get("basis", "")
        fell = parse_time(entry.data["falls"])
        late = self.clock.now() - fell
        if late > (SETTLES if isinstance(message, LimitPassed) else timedelta(seconds=1)) and not _is_away(
            fell + SETTLES
        ):
            self.wrong.append(f"{story.name}: {event} was said {late} after it fell")
        self.heard[entry.dossier][event, owed, basis, fell] += 1


def _is_away(now: datetime) -> bool:
    return any(begin <= now < end for begin, end in AWAY)


def _when_back(at: datetime) -> datetime:
    """The same, or when the exchange is there again."""
    return next((end for begin, end in AWAY if begin <= at < end), at)


def _told(heard: Counter[Heard]) -> str:
    return ", ".join(f"{event} {owed} {basis} {at:%Y-%m-%d %H:%M:%S}" for event, owed, basis, at in heard) or "nothing"


def play_year(count: int, seed: int) -> Year:
    year = Year(count, seed)
    asyncio.run(year.play())
    return year
