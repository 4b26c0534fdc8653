"""Cosignatures for what the log signed: witnesses are asked beside the rounds, and delay none of them.

Rules:
1. One checkpoint at a time is the target, the newest signed one. Every witness of the policy is asked for it at once;
   when a quorum has cosigned, the lines are kept in one transaction, and from then on the checkpoint is served.
2. Then the newest is the next target. A target that finds no quorum gives way to a newer one after TARGET_FOR_S, so
   that a witness that comes back cosigns what is new.
3. A witness that the quorum does not need is not waited for: its line is added when it comes.
4. A line is kept once it verifies under the key of the policy. What a witness says besides is its word alone: it is
   counted and told, and stops nothing.
5. But a checkpoint that this log's own keys signed is proof, whoever shows it: it is held against the database, and one
   that the database does not continue stops the ledger (`handler`, rule 4). Witnesses are asked for theirs whenever a
   process begins to lead, and when one says that it knows a larger or another tree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from shared.audit.checkpoint import parse_checkpoint
from shared.audit.notes import encode_signature_lines, parse_signature_lines, verify_note
from shared.audit.quorum import CheckpointRule
from shared.audit.tiles import TileHashReader, tiles_for_consistency
from shared.audit.tree import prove_consistency
from shared.audit.tree_head import TreeHead, parse_tree_head
from shared.audit.witness_protocol import encode_add_checkpoint
from shared.errors import LedgerForked, LedgerInvalid, SettingsRefused, Transient, WitnessUnreachable
from shared.ports.clock import Clock
from shared.ports.ledger import KeptHead, Ledger
from shared.ports.witnesses import Cosignatures, Cosigned, Declined, WitnessCalls
from shared.runtime.meters import WitnessingMeters

TARGET_FOR_S: Final = 10.0
"""How long a checkpoint waits for its quorum while a newer one is signed."""
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Pauses before a witness that did not cosign is asked again; the last one again and again."""
START_S: Final = 2.0
"""How long a process that begins to lead waits for what witnesses know."""
_SIZES_PER_ASK: Final = 3
"""A witness names the size that it wants a proof from; it moves when another process asks it meanwhile."""
_LOOK_S: Final = 1.0

log = structlog.get_logger()


@dataclass
class _Target:
    size: int
    head: TreeHead
    note: bytes
    since: float
    cosigned: set[str] = field(default_factory=set)
    """Witnesses whose lines are kept, or are in `fresh`."""
    fresh: dict[str, bytes] = field(default_factory=dict)
    """Lines that wait for the quorum, by key."""
    is_served: bool = False
    is_passed: bool = False
    """A witness has cosigned a newer one: this can have no quorum with it any more."""


@dataclass
class _Asked:
    """What this process knows of one witness."""

    url: str
    size: int = 0
    failures: int = 0
    not_before: float = 0.0


class Witnessing:
    """`suspect` is told of heads that this log signed, to be held against the database in the next round.

    Raises SettingsRefused for a policy whose quorum has no addresses: nothing would ever be served.
    """

    def __init__(
        self,
        rule: CheckpointRule,
        ledger: Ledger,
        kept: Cosignatures,
        calls: WitnessCalls,
        clock: Clock,
        meters: WitnessingMeters,
        suspect: Callable[[KeptHead], None],
    ) -> None:
        self._rule = rule
        self._ledger = ledger
        self._kept = kept
        self._calls = calls
        self._clock = clock
        self._meters = meters
        self._suspect = suspect
        self._witnesses = {one.name: _Asked(one.url) for one in rule.policy.witnesses.values() if one.url}
        if not rule.policy.is_met_by(self._witnesses):
            raise SettingsRefused(why=f"{rule.policy.told()} must cosign, and the trust file has no address for enough")
        self._target: _Target | None = None
        self._newest: tuple[int, bytes] | None = None
        self._unserved_since: float | None = None
        self._asking: dict[asyncio.Task[bytes | None], tuple[str, _Target]] = {}
        self._news = asyncio.Event()
        self._news.set()

    def tell(self) -> None:
        """A head was signed."""
        self._news.set()

    async def look_back(self) -> None:
        """Rule 5, before a process leads. A witness that does not answer in time holds nothing up."""
        looks = [asyncio.create_task(self._examine(name)) for name in self._witnesses]
        if looks:
            _, late = await asyncio.wait(looks, timeout=START_S)
            for task in late:
                task.cancel()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Without witnesses there is nothing to do, and nothing is written."""
        if not self._witnesses:
            await stop.wait()
            return
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._turn(stopping)
                except Transient as down:
                    log.warning("ledger.witnesses-wait", code=down.code, why=str(down))
                    await self._clock.sleep(_LOOK_S)
        finally:
            for task in (stopping, *self._asking):
                task.cancel()

    async def _turn(self, stopping: asyncio.Task[bool]) -> None:
        await self._choose()
        if self._target is not None:
            if self._target.fresh:
                await self._serve_if_quorum(self._target)
            self._ask_idle(self._target)
        news = asyncio.create_task(self._news.wait())
        await asyncio.wait({stopping, news, *self._asking}, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        for task in [task for task in self._asking if task.done()]:
            await self._take(task)
        self._measure()

    # --- the target --------------------------------------------------------------------------------------------------

    async def _choose(self) -> None:
        """Rules 1 and 2."""
        if self._news.is_set():
            self._news.clear()
            self._newest = await self._kept.newest_signed()
        newest, target = self._newest, self._target
        if newest is None or (target is not None and newest[0] <= target.size):
            return
        if target is None or target.is_served or target.is_passed or self._age(target.since) > TARGET_FOR_S:
            self._target = await self._load(*newest)

    async def _load(self, size: int, note: bytes) -> _Target:
        target = _Target(size, parse_checkpoint(note), note, self._clock.monotonic())
        lines = await self._kept.lines(size)
        target.cosigned = {name for name in self._witnesses if self._key(name) in lines}
        await self._serve_if_quorum(target)
        return target

    async def _serve_if_quorum(self, target: _Target) -> None:
        """Keep the lines that wait, once they are enough. Raises StoreUnavailable: then they wait on."""
        if target.is_served or self._rule.policy.is_met_by(target.cosigned):
            await self._kept.add(target.size, target.fresh, is_quorum=not target.is_served)
            target.fresh, target.is_served = {}, True
            self._unserved_since = None
            self._meters.served.set(max(target.size, self._served_size()))

    def _served_size(self) -> int:
        return self._target.size if self._target is not None and self._target.is_served else 0

    # --- asking ------------------------------------------------------------------------------------------------------

    def _ask_idle(self, target: _Target) -> None:
        busy = {name for name, _ in self._asking.values()}
        for name, one in self._witnesses.items():
            if name not in busy and name not in target.cosigned and self._clock.monotonic() >= one.not_before:
                self._asking[asyncio.create_task(self._ask(name, one, target))] = (name, target)

    async def _take(self, task: asyncio.Task[bytes | None]) -> None:
        name, target = self._asking.pop(task)
        one = self._witnesses[name]
        try:
            line = task.result()
            self._meters.silent.labels(name).set(0)
        except WitnessUnreachable as silent:
            line = None
            self._meters.silent.labels(name).set(1)
            if not one.failures:
                log.warning("ledger.witness-silent", witness=name, why=str(silent))
        if line is None:
            one.not_before = self._clock.monotonic() + RETRY_S[min(one.failures, len(RETRY_S) - 1)]
            one.failures += 1
            return
        one.failures, one.size = 0, max(one.size, target.size)
        self._meters.cosignatures.labels(name).inc()
        target.cosigned.add(name)
        target.fresh[self._key(name)] = line
        await self._serve_if_quorum(target)

    async def _ask(self, name: str, one: _Asked, target: _Target) -> bytes | None:
        """The witness's line under this target; None when it gave none. Raises WitnessUnreachable, StoreUnavailable,
        LedgerForked."""
        size = one.size
        for _ in range(_SIZES_PER_ASK):
            if size > target.size:
                await self._settle_larger(name, size, target)
                return None
            request = encode_add_checkpoint(size, await self._prove(size, target), target.note)
            answer = await self._calls.add_checkpoint(one.url, request)
            if isinstance(answer, Cosigned):
                return self._own_line(name, answer.lines, target)
            if isinstance(answer, Declined) or answer.size == size:
                why = answer.why if isinstance(answer, Declined) else f"it has another tree of {size} entries"
                is_fork = not isinstance(answer, Declined) or answer.is_fork
                self._refused(name, "fork" if is_fork else "declined", why)
                if is_fork:
                    await self._examine(name)
                return None
            if answer.size < one.size:
                self._refused(name, "forgot", f"it cosigned {one.size} entries and knows {answer.size}")
            size = one.size = answer.size
        return None

    async def _settle_larger(self, name: str, size: int, target: _Target) -> None:
        """It has cosigned more than the target: another process of this ledger went on, or somebody forked the log."""
        newest = await self._kept.newest_signed()
        if newest is not None and newest[0] >= size:
            target.is_passed = True
            self._news.set()
            return
        self._refused(name, "larger", f"it says that it cosigned {size} entries; the log signed {target.size}")
        self._witnesses[name].size = 0
        await self._examine(name)

    async def _examine(self, name: str) -> None:
        """Rule 5: only what the log's own keys signed counts, and that counts against whoever holds the database."""
        try:
            note = await self._calls.newest_checkpoint(self._witnesses[name].url, self._rule.log.origin)
            if note is None:
                return
            head = self._signed_head(note)
        except WitnessUnreachable as silent:
            log.warning("ledger.witness-silent", witness=name, why=str(silent))
        except LedgerInvalid as broken:
            self._refused(name, "invalid", f"what it shows is not signed by this log: {broken}")
        else:
            log.info("ledger.witness-knows", witness=name, size=head.size)
            self._suspect(KeptHead(head.size, head.root))

    def _signed_head(self, note: bytes) -> TreeHead:
        """A head that either key of the log signed: a witness may know one of them alone. Raises LedgerInvalid."""
        log = self._rule.log
        head = parse_tree_head(verify_note(note, keys=(log.ed25519, log.mldsa44)).text)
        if head.origin != log.origin:
            raise LedgerInvalid(why=f"the checkpoint is of the log {head.origin}, not of {log.origin}")
        return head

    def _own_line(self, name: str, lines: bytes, target: _Target) -> bytes | None:
        """Rule 4."""
        key = self._rule.keys[name]
        try:
            own = [one for one in parse_signature_lines(lines) if (one.name, one.key_id) == (key.name, key.key_id)]
            line = encode_signature_lines(own[:1])
            [verified] = verify_note(target.note + line, keys=(), require=(key,)).signatures
            if verified.timestamp_s <= 0:
                raise LedgerInvalid(why="its cosignature states no time")
            return line
        except LedgerInvalid as broken:
            self._refused(name, "invalid", str(broken))
            return None

    async def _prove(self, size: int, target: _Target) -> list[bytes]:
        if size in (0, target.size):
            return []
        wanted = tiles_for_consistency(size, target.size)
        tiles = await self._ledger.tiles(wanted)
        for tile in wanted:
            if tile not in tiles:
                raise LedgerForked(why=f"{tile.path} is missing below the signed size {target.size}")
        return prove_consistency(size, target.size, TileHashReader(target.size, tiles.__getitem__))

    # --- telling -----------------------------------------------------------------------------------------------------

    def _refused(self, name: str, reason: str, why: str) -> None:
        self._meters.refusals.labels(name, reason).inc()
        log.error("ledger.witness-refuses", witness=name, reason=reason, why=why)

    def _measure(self) -> None:
        """For how long the newest signed checkpoint, or an older one, has waited for its quorum."""
        newest = 0 if self._newest is None else self._newest[0]
        if newest <= self._served_size():
            self._unserved_since = None
        elif self._unserved_since is None:
            self._unserved_since = self._clock.monotonic()
        self._meters.unserved_seconds.set(0 if self._unserved_since is None else self._age(self._unserved_since))

    def _age(self, since: float) -> float:
        return self._clock.monotonic() - since

    def _key(self, name: str) -> str:
        key = self._rule.keys[name]
        return f"{key.name}+{key.key_id.hex()}"
