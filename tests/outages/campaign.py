"""Faults in a row on one exchange, each judged before the next.

The steps of one fault:
1. the parties correspond; the fault is injected, repaired, and the parties go on for a moment
2. they pause; within SETTLED_WITHIN_S nothing is in hand any more, nothing of theirs is undecided or unread
3. the judges: the ledger as an auditor verifies it, states made again by the parties, every answer of the history held
   against every row and leaf, feeds, receipts, checkpoints, and the time that each call took
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import ComityError, Transient
from tests.outages.arena import SETTLED_WITHIN_S, Arena
from tests.outages.faults import Fault
from tests.outages.findings import Finding, Harm
from tests.outages.judges import judge_answers, judge_effects, judge_feeds
from tests.outages.workload import PAUSED_WITHIN_S

GOES_ON_S: Final = 0.3
AGAIN_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Verdict:
    """What became of one fault."""

    kind: str
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return not self.findings


class Campaign:
    """Plays faults in an arena that is entered."""

    def __init__(self, arena: Arena, seed: int) -> None:
        self._arena = arena
        self._chance = random.Random(seed)
        self._known: set[Finding] = set()
        self._calls_judged = 0

    def play(self, fault: Fault) -> Verdict:
        """A finding stands against the fault after which it was first made."""
        began = time.monotonic()
        self._arena.resume()
        try:
            findings = fault.play(self._arena, self._chance)
            time.sleep(GOES_ON_S)  # the load goes on over the repaired exchange: this is no wait
        finally:
            self._arena.pause()
        findings += self._settle()
        try:
            findings += self._judge()
        except (ComityError, TimeoutError, OSError) as silent:
            findings.append(Finding(Harm.stuck, f"nothing could be judged: {silent!r}"))
        new = [finding for finding in dict.fromkeys(findings) if finding not in self._known]
        self._known.update(new)
        return Verdict(fault.kind, time.monotonic() - began, tuple(new))

    def _settle(self) -> list[Finding]:
        """Twice, since what the parties read at last leaves evidences of its own."""
        try:
            self._arena.database.hurry()
            until = time.monotonic() + SETTLED_WITHIN_S
            for _ in range(2):
                self._conclude()
                self._arena.wait_settled(max(1.0, until - time.monotonic()))
        except TimeoutError as stuck:
            return [Finding(Harm.stuck, str(stuck) or "a party got no answer")]
        except Transient as silent:
            return [Finding(Harm.stuck, f"a party got no answer: {silent}")]
        except ComityError as refused:
            return [Finding(Harm.wrong, f"a party was refused: {refused.code}: {refused}")]
        return []

    def _conclude(self) -> None:
        """All parties at once, to the end of their feeds. Raises TimeoutError, and what they were refused with."""
        for concluded in [actor.conclude() for actor in self._arena.actors]:
            concluded.result(PAUSED_WITHIN_S)

    def _judge(self) -> list[Finding]:
        arena, history = self._arena, self._arena.history
        findings = [Finding(Harm.wrong, differs) for differs in self._judge_replays()]
        findings += [Finding(Harm.wrong, surprise) for actor in arena.actors for surprise in actor.surprises]
        findings += self._judge_effects()
        calls, self._calls_judged = history.calls[self._calls_judged :], len(history.calls)
        return findings + judge_answers(calls, arena.away)

    def _judge_replays(self) -> list[str]:
        """What parties read, and what they make of it. They read on for SETTLED_WITHIN_S while anything differs: what
        notification has in its hands is in nobody's feed yet, and what is wrong stays so."""
        until = time.monotonic() + SETTLED_WITHIN_S
        while True:
            replays = [actor.replay() for actor in self._arena.actors]
            differs = [why for replay in replays for why in replay.result(PAUSED_WITHIN_S)]
            if not differs or time.monotonic() > until:
                return differs
            time.sleep(AGAIN_EVERY_S)
            self._conclude()

    def _judge_effects(self) -> list[Finding]:
        """The ledger, rows and feeds. Judged again for SETTLED_WITHIN_S while all that is found is something missing: a
        frame that a service has in its hands stands in no queue and no table, and what is lost stays so."""
        arena, history = self._arena, self._arena.history
        until = time.monotonic() + SETTLED_WITHIN_S
        while True:
            findings = arena.ledger_judge.judge(arena.ledger, list(history.checkpoints))
            rows = arena.database.read()
            findings += [Finding(Harm.wrong, f"dead letter: {letter}") for letter in rows.dead_letters]
            findings += judge_effects(history, rows, arena.ledger_judge.leaves())
            findings += judge_feeds(history, rows)
            new = set(findings) - self._known
            if not new or {finding.harm for finding in new} != {Harm.lost} or time.monotonic() > until:
                return findings
            time.sleep(AGAIN_EVERY_S)


def report_coverage(verdicts: Sequence[Verdict]) -> str:
    """Kind, how often it was played, how often all was well, and the longest it took."""
    played, passed = Counter(one.kind for one in verdicts), Counter(one.kind for one in verdicts if one.passed)
    longest = {kind: max(one.seconds for one in verdicts if one.kind == kind) for kind in played}
    lines = [f"{kind:<44} {passed[kind]:>3} / {played[kind]:<3} {longest[kind]:6.1f} s" for kind in sorted(played)]
    return "\n".join(lines)
