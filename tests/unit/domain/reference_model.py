"""A second, small implementation of a leg, over the hand-written tables: what is legal, and what follows.

It knows nothing of headers, instruments, clocks of the law or dates of the exchange, except the days after which
silence closes. Roles: the asker, the asked, and the holder, who acts as the asked once the leg was handed to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from tests.unit.domain.reference_tables import (
    AFTER_THE_END,
    ANSWERS,
    ASKED,
    ASKER,
    ASKING,
    FREE,
    NEVER_CAME,
    OUTLIVES,
    QUESTIONS,
    Table,
)

REMEMBERED_AFTER_HEAD = 32
REMEMBERED_BEFORE_WITHDRAWAL = 64


@dataclass(frozen=True)
class Sent:
    """A message as the model sees it."""

    kind: str
    sender: str
    to: frozenset[str]
    measures: frozenset[str]
    seen: str
    digest: str
    at: datetime
    holder: str | None = None
    until: datetime | None = None
    duties: frozenset[str] = frozenset()
    id: str = ""
    answers: str | None = None
    granted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Debt:
    """What is owed beside the duties and the turn: `what` by a role, on a measure, because of a message."""

    measure: str
    what: str
    role: str
    because: str


@dataclass
class Model:
    table: Table
    asker: str
    asked: str
    states: dict[str, str]
    head: str
    holder: str | None = None
    takes_part: bool = False
    before: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    silent_at: dict[str, datetime] = field(default_factory=dict)
    owed: set[tuple[str, str]] = field(default_factory=set)
    """(measure, duty)."""
    debts: set[Debt] = field(default_factory=set)
    permitted: set[tuple[str, str, str]] = field(default_factory=set)
    """(measure, purpose, role that permitted it)."""
    since_head: list[str] = field(default_factory=list)
    crossed: list[str] = field(default_factory=list)
    never_came: bool = False
    """Of the newest sending of what is asked for, as far as its transport is known."""

    @property
    def parties(self) -> set[str]:
        return {self.asker, self.asked} | ({self.holder} if self.takes_part and self.holder else set())

    def role(self, party: str) -> str | None:
        return None if party not in self.parties else ASKER if party == self.asker else ASKED

    def fall_silent(self, now: datetime) -> None:
        for measure, at in list(self.silent_at.items()):
            if at < now:
                self.states[measure] = "closed"
                del self.silent_at[measure]
                self.debts -= {one for one in self._debts(measure) if one.what not in OUTLIVES}

    def _debts(self, measure: str) -> set[Debt]:
        return {one for one in self.debts if one.measure == measure}

    def still_owed(self, measure: str) -> set[str]:
        return {duty for of, duty in self.owed if of == measure} | {one.what for one in self._debts(measure)}

    def _goes_to(self, kind: str, measure: str) -> str | None:
        state = self.states[measure]
        if state == "submitted" and self.never_came and kind in NEVER_CAME:
            return NEVER_CAME[kind]
        return self.table.kinds[kind][1].get(state)

    def may_move(
        self, kind: str, measure: str, role: str, duties: frozenset[str] | None = None, answers: str | None = None
    ) -> bool:
        state = self.states[measure]
        if not self.table.allowed(kind, role) or self._goes_to(kind, measure) is None:
            return False
        owed = {duty for of, duty in self.owed if of == measure}
        if kind == "discharge":
            own = {duty for duty in owed if self.table.duties[duty] == role}
            return bool(own) if duties is None else duties <= own
        if kind in ANSWERS:
            asked = {one for one in self._debts(measure) if one.what == ANSWERS[kind] and one.role == role}
            return bool(asked) if answers is None else any(one.because == answers for one in asked)
        if kind in self.table.needs:
            return bool(self.still_owed(measure) & set(self.table.needs[kind]))
        return state != "closed" or bool(self.still_owed(measure)) or kind in AFTER_THE_END

    def is_legal(self, sent: Sent) -> bool:
        self.fall_silent(sent.at)
        role = self.role(sent.sender)
        if role is None or not self.table.allowed(sent.kind, role) or not self._is_addressed_well(sent):
            return False
        if not all(self.may_move(sent.kind, one, role, sent.duties, sent.answers or "") for one in sent.measures):
            return False
        if sent.kind in FREE or sent.seen in (self.head, *self.since_head):
            return True
        return self._is_late(sent) and sent.seen in self.crossed

    def _is_addressed_well(self, sent: Sent) -> bool:
        others = self.parties - {sent.sender}
        if sent.kind != "forward":
            return sent.to == others
        has_it = self.holder is None if sent.holder == self.asked else self.takes_part and sent.holder == self.holder
        return not has_it and others - {self.holder or ""} <= sent.to <= others | {sent.holder or ""}

    def _is_late(self, sent: Sent) -> bool:
        return all(self.table.kinds[sent.kind][1].get(self.states[one]) == "~" for one in sent.measures)

    def admit(self, sent: Sent) -> None:
        """Of a legal message."""
        changes = sent.kind not in FREE and not self._is_late(sent)
        if sent.kind == "withdraw":
            self.crossed = [*self.crossed, self.head, *self.since_head][-REMEMBERED_BEFORE_WITHDRAWAL:]
        for measure in sent.measures:
            self._move(measure, sent)
        if sent.kind == "forward":
            taken_back = sent.holder == self.asked
            self.holder = None if taken_back else sent.holder
            self.takes_part = not taken_back and sent.holder in sent.to
        if sent.kind == "resend":
            self.never_came = False
        if changes:
            self.head, self.since_head = sent.digest, []
        else:
            self.since_head = [*self.since_head, sent.digest][-REMEMBERED_AFTER_HEAD:]

    def _move(self, measure: str, sent: Sent) -> None:
        state = self.states[measure]
        target = self._goes_to(sent.kind, measure)
        assert target is not None
        if target == "~":
            self.late.add(measure)
            return
        role = self.role(sent.sender) or ""
        self.debts -= {one for one in self._debts(measure) if one.because == sent.answers and sent.kind in ANSWERS}
        ended = self.table.ends.get(sent.kind, [])
        self.owed -= {(measure, duty) for duty in (sent.duties if sent.kind == "discharge" else ended)}
        self.debts -= {one for one in self._debts(measure) if one.what in ended}
        if sent.kind != "discharge":
            self.owed |= {(measure, duty) for duty in sent.duties}
        for what, debtor in self.table.lays.get(sent.kind, {}).items():
            if what in self.table.duties:
                self.owed.add((measure, what))
            else:
                self.debts.add(Debt(measure, what, debtor, sent.id))
        if sent.kind in QUESTIONS:
            self.debts.add(Debt(measure, QUESTIONS[sent.kind], ASKED if role == ASKER else ASKER, sent.id))
        self.permitted |= {(measure, purpose, role) for purpose in sent.granted}
        if target == "=":
            return
        if sent.kind in ASKING:
            self.before[measure] = state
        if target == "<":
            target = self.before.pop(measure)
        self.states[measure] = target
        self.silent_at.pop(measure, None)
        if target in self.table.silence:
            days = self.table.silence[target]
            last = sent.until if days is None else sent.at + timedelta(days=days)
            assert last is not None
            self.silent_at[measure] = datetime.combine(last.date(), time(23, 59, 59), tzinfo=UTC)
