"""Says of every case whether the service did with it what it may do, by what the database holds afterwards.

The last frame of each batch is a genuine one. Its effect shows that the frames before it were settled, since a queue is
worked off in order, and that neighbours of a bad frame go through. The judgement of a batch:
1. every frame that must be refused stands among the dead letters, byte for byte, with its reason, once for each time;
2. no item was claimed in the inbox but those that were to have their effect;
3. no message reached the handler but theirs;
4. every table of state has grown by exactly the rows that the handler decided for them; nothing more was sent on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.adapters.sql.mapping import TABLES
from shared.contracts.registry import encode_message, parse_message
from shared.frame.seal import MAX_FRAME_BYTES
from shared.ports.unit_of_work import OVERSIZE_KEPT
from tests.tamper.arena import PATIENCE_S, Arena, Watched
from tests.tamper.cases import Case, Genuine, May
from tests.tamper.evidence import Evidence, Letter


@dataclass
class Verdicts:
    """Of a whole campaign. `wrong` holds a sentence for each case that did what it may not."""

    attempted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    accepted: int = 0
    genuine: int = 0

    @property
    def passed(self) -> int:
        return self.attempted.total() - len(self.wrong)

    @property
    def ok(self) -> bool:
        return self.attempted.total() > 0 and self.genuine > 0 and not self.wrong and not self.accepted

    def blame(self, case: Case, why: str) -> None:
        self.wrong.append(f"{case.group}: {case.what}: {why}")


class Judge:
    """Of one service while it works."""

    def __init__(self, arena: Arena, service: str, watched: Watched, verdicts: Verdicts) -> None:
        self._arena = arena
        self._service = service
        self._watched = watched
        self._verdicts = verdicts
        self._evidence = Evidence(arena.backend.store, service, arena.leaf_opener())

    async def try_cases(self, cases: Sequence[Case], neighbour: Genuine) -> None:
        """Give these to the queue, then the neighbour; judge when that has had its effect."""
        self._watched.forget()
        rows, last = await self._evidence.row_counts(), await self._evidence.last_letter()
        claimed = await self._evidence.claimed()
        frames = [(case.frame, case.properties) for case in cases]
        await self._arena.broker.put(self._service, [*frames, (neighbour.frame, {})])
        await self._settled(neighbour)
        letters = await self._evidence.letters_after(last)
        new = await self._evidence.claimed() - claimed
        due = {item for case in cases if case.may is May.have_its_effect for item in case.items}
        faults = len(self._verdicts.wrong)
        for case in cases:
            self._verdicts.attempted[case.group] += 1
            self._judge(case, letters, new)
        self._verdicts.genuine += 1
        strange = new - due - set(neighbour.items)
        self._verdicts.accepted += len(strange)
        if letters:
            self._verdicts.wrong.append(f"{self._service}: a letter too many: {letters[0].reason}")
        self._judge_effects(cases, neighbour, strange, await self._evidence.row_counts() - rows, faults)

    def _judge(self, case: Case, letters: list[Letter], new: set[str]) -> None:
        if case.may is May.be_refused:
            digest = kept(case.frame)
            mine = next((one for one in letters if one.digest == digest), None)
            if mine is None:
                self._verdicts.blame(case, "it was not set aside")
                return
            letters.remove(mine)
            if mine.item is not None or not mine.reason.startswith(case.reason):
                self._verdicts.blame(case, f"it was set aside for another reason: {mine.reason}")
        elif case.may is May.have_its_effect and not set(case.items) <= new:
            self._verdicts.blame(case, "it had no effect, though nothing that counts was changed")

    def _judge_effects(
        self, cases: Sequence[Case], neighbour: Genuine, strange: set[str], grown: Counter[str], faults: int
    ) -> None:
        """What reached the handler and what it did are those of the genuine frames of the batch, and of no other."""
        meant = [neighbour, *(self._arena.describe(self._service, one.frame) for one in cases if one.items)]
        expected = {message for one in meant for message in self._messages(one)}
        reached = self._watched.reached - expected
        if len(self._verdicts.wrong) == faults and (strange or reached):
            self._verdicts.wrong.append(f"{self._service}: {len(strange)} items claimed that nobody may have sent")
        self._verdicts.accepted += len(reached) if not strange else 0
        decided: Counter[str] = Counter()
        for message, effects in self._watched.effects.items():
            if message in expected:
                decided.update(TABLES[type(record)].name for record in effects.inserts)
                decided.update({"leaves": len(effects.leaves), "part": len(effects.parts)})
        if len(self._verdicts.wrong) == faults and +decided != grown:
            self._verdicts.wrong.append(f"{self._service}: rows {dict(grown)} where {dict(decided)} were decided")

    def _messages(self, one: Genuine) -> set[bytes]:
        items = self._arena.open(self._service, one.frame).items
        return {encode_message(parse_message(item.type, item.v, item.data)) for item in items}

    async def _settled(self, neighbour: Genuine) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not set(neighbour.items) <= await self._evidence.claimed(neighbour.items):
                await asyncio.sleep(0.005)


def kept(frame: bytes) -> str:
    """The digest of what a dead letter keeps of a frame: of one too large to be opened, its beginning."""
    return hashlib.sha256(frame if len(frame) <= MAX_FRAME_BYTES else frame[:OVERSIZE_KEPT]).hexdigest()
