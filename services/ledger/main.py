"""Wires the ledger: the sequencer's loop."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import structlog

from services.ledger.admission import LeafReader
from services.ledger.handler import ROUND_EVERY_S, LogSigners, Sequencer
from services.ledger.stamping import Stamping
from services.ledger.witnesses import Witnessing
from shared.adapters.head_memory import FileHeadMemory
from shared.adapters.keyfiles import load_log_signers
from shared.adapters.sql.cosignatures import SqlCosignatures
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.operations import SqlOperations
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.adapters.time_authority import load_time_authorities
from shared.adapters.witness_calls import HttpWitnessCalls
from shared.audit.checkpoint import LogKeys, verify_checkpoint
from shared.audit.quorum import rule_of
from shared.errors import LedgerInvalid, SettingsRefused, Transient
from shared.ports.ledger import KeptHead
from shared.runtime.backends import Backend
from shared.runtime.meters import LedgerMeters, StampingMeters, WitnessingMeters, timed
from shared.runtime.readiness import STUCK_S, Check
from shared.runtime.sealed_rows import build_leaf_opener
from shared.runtime.telemetry import Size, SpanName, span

log = structlog.get_logger()


class LedgerService:
    name = "ledger"

    def __init__(self, backend: Backend) -> None:
        keys = backend.keys(self.name)
        log_keys = load_log_signers(backend.settings.data, backend.trust, backend.settings.keys_mounted)
        signers = LogSigners(*log_keys, keys.signer, partial(backend.roster.signing_keys, self.name))
        ledger = SqlLedger(backend.store)
        self._clock = backend.clock
        origin = backend.trust.origin
        memory = FileHeadMemory(backend.settings.state_directory, origin)
        self._copy = backend.settings.ledger_copy
        rule = rule_of(backend.trust)
        self._log_keys = rule.log
        kept, published = memory.last(), load_published(self._copy, self._log_keys)
        log.info("ledger.remembers", size=kept and kept.size, published=published and published.size)
        reader = LeafReader(build_leaf_opener(keys, backend.roster))
        self._sequencer = Sequencer(
            ledger,
            memory,
            origin,
            signers,
            backend.clock,
            backend.reach("ledger"),
            reader,
            self._look_back,
            backend.settings.ledger_read_back,
        )
        self._calls = HttpWitnessCalls()
        self._witnessing = Witnessing(
            rule,
            ledger,
            SqlCosignatures(backend.store),
            self._calls,
            backend.clock,
            WitnessingMeters(backend.meters),
            self._sequencer.hold_against,
        )
        settings = backend.settings
        self._stamping = Stamping(
            load_time_authorities(settings.time_stamps, settings.time_stamps_ca, settings.time_stamps_timeout_s),
            settings.time_stamps_every_s,
            self._log_keys,
            SqlLedger(backend.store, backend.needs_quorum).checkpoint,
            SqlTimeStamps(backend.store),
            backend.clock,
            StampingMeters(backend.meters),
            lambda: self._sequencer.leads,
        )
        self._meters = LedgerMeters(backend.meters)
        self._refused = backend.meters.of(self.name).rows_refused
        self._figures = SqlOperations(backend.probe).ledger
        self._life = backend.working_life(self.name)
        self._moved = (-1, 0.0)
        """The size of the head when it was seen first, or when nothing waited, and when that was."""
        self.is_ready = False

    def checks(self) -> list[Check]:
        return [Check("ledger-head", self._ask_head), Check("ledger", self._ask_rounds)]

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until `stop` is set, witnesses and time-stamps beside them. Raises LedgerForked: the process must stop
        then."""
        try:
            async with self._life.during(), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._make_rounds(stop))
                tasks.create_task(self._witnessing.run(stop))
                tasks.create_task(self._stamping.run(stop))
        finally:
            await self._calls.close()

    async def _look_back(self) -> None:
        """What others hold of this ledger: the published copy and the witnesses. Raises SettingsRefused."""
        published = load_published(self._copy, self._log_keys)
        if published is not None:
            self._sequencer.hold_against(published)
        await self._witnessing.look_back()

    async def _make_rounds(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            refused = self._sequencer.refused
            try:
                with timed(self._meters.round_seconds), span(SpanName.ledger_round) as told:
                    placed = await self._sequencer.run_round()
                    told.note({Size.leaves: placed}) if placed else told.drop()
                self._meters.leads.set(self._sequencer.leads)
                self._meters.placed.inc(placed)
                self._refused.inc(self._sequencer.refused - refused)
                if placed or not self.is_ready:
                    self._witnessing.tell()
                self.is_ready = True
            except Transient as down:
                self.is_ready = False
                self._meters.leads.set(0)
                log.warning("ledger.waits", code=down.code, why=str(down))
            if not (self.is_ready and self._sequencer.has_more):
                await self._clock.sleep(ROUND_EVERY_S)

    async def _ask_rounds(self) -> str | None:
        return None if self.is_ready else "it makes no rounds"

    async def _ask_head(self) -> str | None:
        """A head is old when nothing happens, too: it is stuck when leaves wait and it does not move."""
        figures, now = await self._figures(), self._clock.monotonic()
        self._meters.size.set(figures.size)
        self._meters.waiting.set(figures.leaves_waiting)
        if figures.logged_at is not None:
            self._meters.age.set((self._clock.now() - figures.logged_at).total_seconds())
        if not figures.leaves_waiting or figures.size != self._moved[0]:
            self._moved = (figures.size, now)
        still_s = now - self._moved[1]
        if still_s <= STUCK_S:
            return None
        return f"{figures.leaves_waiting} leaves wait, and the tree has not grown for {still_s:.0f} s"


def load_published(copy: Path | None, keys: LogKeys) -> KeptHead | None:
    """The head of the copy that the settings name; None before it was first exported. Raises SettingsRefused."""
    if copy is None:
        return None
    file = copy / "checkpoint"
    try:
        head = verify_checkpoint(file.read_bytes(), keys).head
    except FileNotFoundError:
        return None
    except (OSError, LedgerInvalid) as broken:
        raise SettingsRefused(why=f"{file} is no checkpoint of this ledger: {broken}") from broken
    return KeptHead(head.size, head.root)


def build_ledger(backend: Backend) -> LedgerService:
    return LedgerService(backend)
