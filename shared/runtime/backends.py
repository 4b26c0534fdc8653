"""Settings → adapters: the only place that knows whether the exchange is embedded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from shared.adapters.amqp.bus import AmqpBus
from shared.adapters.clock import SystemClock
from shared.adapters.directory_memory import KEEPERS, FileDirectoryMemory
from shared.adapters.keyfiles import ServiceKeyPair, load_roster, load_service_keys, load_trust
from shared.adapters.owned_directory import own_directory
from shared.adapters.sql.directory import SqlKeyRing
from shared.adapters.sql.embedded_bus import EmbeddedBus
from shared.adapters.sql.engine import Store
from shared.adapters.sql.logged_events import LoggedEvents
from shared.adapters.sql.schema import check_schema, migrate
from shared.adapters.sql.unit_of_work import SqlUnitsOfWork
from shared.adapters.sql.waiting_leaves import SqlWaitingLeaves
from shared.adapters.tls import trusting
from shared.audit.quorum import rule_of
from shared.contracts.topology import CONSUMER, PRODUCERS
from shared.errors import Transient
from shared.frame.open import FrameOpener
from shared.frame.seal import FrameSealer
from shared.keys.roster import Roster
from shared.keys.trust import Trust
from shared.keys.waiting import waits_by
from shared.keys.witness_policy import parse_witness_policy
from shared.ports.bus import Bus, Wakeups
from shared.ports.clock import Clock
from shared.runtime.crash_points import Reach, crash_at, reach_nothing
from shared.runtime.meters import Meters
from shared.runtime.publisher import Publisher
from shared.runtime.readiness import Check
from shared.runtime.sealed_rows import SealedRows, build_row_seal
from shared.runtime.settings import Settings, refuse_unsafe
from shared.runtime.working_life import LeafTeller, Teller, WorkingLife

WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between two questions to servers that are not there yet; the last one again and again."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Backend:
    """What every service of one process shares."""

    settings: Settings
    trust: Trust
    roster: Roster
    store: Store
    bus: Bus
    wakeups: Wakeups
    clock: Clock
    meters: Meters
    probe: Store
    """For questions about health: of its own, since the other's connections may all be at work."""

    def keys(self, service: str) -> ServiceKeyPair:
        """Raises SettingsRefused."""
        return load_service_keys(self.settings.data, service, self.roster, self.settings.keys_mounted)

    @property
    def needs_quorum(self) -> bool:
        """Whether the trust file asks for witnesses."""
        return parse_witness_policy(self.trust.witness_policy).quorum is not None

    def units(self, keys: ServiceKeyPair) -> SqlUnitsOfWork:
        return SqlUnitsOfWork(self.store, keys.service, self.clock, self.row_seal(keys))

    def row_seal(self, keys: ServiceKeyPair) -> SealedRows:
        return build_row_seal(keys, self.roster, self.clock, self.meters.of(keys.service))

    def keyring(self, service: str) -> SqlKeyRing:
        """Raises SettingsRefused."""
        trust, logged, memory = self.trust, None, None
        if service in KEEPERS:
            logged = LoggedEvents(self.store, rule_of(trust))
            state = self.settings.state_directory
            memory = FileDirectoryMemory(state, service, trust.origin, self.roster.issued_at)
        quorum, waits = trust.operator_quorum, waits_by(trust)
        return SqlKeyRing(self.store, trust.origin, trust.operator_keys, quorum, waits, logged, memory)

    def working_life(self, service: str, teller: Teller | None = None) -> WorkingLife:
        """Of this process as this service; without a teller of its own it writes to the database."""
        told = teller or LeafTeller(SqlWaitingLeaves(self.store, self.row_seal(self.keys(service))), self.clock)
        return WorkingLife(service, self.roster.digest, told, self.clock, self.settings.told_after_s)

    def publisher(self, keys: ServiceKeyPair) -> Publisher:
        recipients = {service: known.seal for service, known in self.roster.services.items()}
        sealer = FrameSealer(keys.service, keys.signer, recipients, CONSUMER)
        return Publisher(self.bus, self.wakeups, sealer, self.clock, self.meters.of(keys.service))

    def opener(self, keys: ServiceKeyPair) -> FrameOpener:
        return FrameOpener(keys.service, keys.openers, self.roster, PRODUCERS, self.settings.inbox_retention_s)

    def probing_units(self, keys: ServiceKeyPair) -> SqlUnitsOfWork:
        return SqlUnitsOfWork(self.probe, keys.service, self.clock, self.row_seal(keys))

    def checks(self) -> list[Check]:
        """Of the servers that all services of this process need."""
        return [Check("database", self._ask_database), Check("broker", self._ask_broker)]

    async def wait_for_servers(self, stop: asyncio.Event) -> bool:
        """Until database and broker answer and the schema is what this program needs; False when `stop` came first.

        Raises SettingsRefused.
        """
        if self.settings.is_embedded:
            return True  # there is nobody to wait for
        failures = 0
        while not stop.is_set():
            try:
                await check_schema(self.store, self.settings.database_url)
                await self.bus.open()
                return True
            except Transient as down:
                log.warning("waits-for-servers", code=down.code, why=str(down))
                pause = WAITS_S[min(failures, len(WAITS_S) - 1)]
                failures += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
        return False

    async def _ask_database(self) -> str | None:
        await self.probe.ping()
        return None

    async def _ask_broker(self) -> str | None:
        await self.bus.ping()
        return None

    def reach(self, service: str) -> Reach:
        armed = self.settings.unsafe_crash_at
        return crash_at(service, armed) if armed else reach_nothing


@asynccontextmanager
async def open_backend(settings: Settings, is_patient: bool = False) -> AsyncIterator[Backend]:
    """Adapters for these settings, closed at the end.

    Embedded: the data directory belongs to this process alone, and the schema is brought up to date. Exchange: the
    schema must be what this program needs; with `is_patient` nothing is asked yet, see `wait_for_servers`. Raises
    SettingsRefused, TrustFileInvalid, RosterRefused, StoreUnavailable, BusUnavailable.
    """
    trust = load_trust(settings.data)
    refuse_unsafe(settings, trust.environment)
    roster = load_roster(settings.data, trust)
    async with AsyncExitStack() as stack:
        if settings.is_embedded:
            # Two processes on one embedded exchange would each think that they hold all leases of its bus.
            lock = own_directory(settings.data, "runs the embedded exchange")
            stack.callback(lock.close)
            await migrate(settings.database_url)
        store = Store(settings.database_url, ssl_context=trusting(settings.database_ca))
        stack.push_async_callback(store.close)
        probe = store
        if not settings.is_embedded:
            probe = Store(settings.database_url, pool_size=1, ssl_context=trusting(settings.database_ca))
            stack.push_async_callback(probe.close)
        bus: EmbeddedBus | AmqpBus
        if settings.broker is None:
            bus = EmbeddedBus(store)
        else:
            bus = AmqpBus(settings.broker, settings.queue_prefix, ssl_context=trusting(settings.broker_ca))
        stack.push_async_callback(bus.close)
        if not is_patient:
            await check_schema(store, settings.database_url)
            await bus.open()
        yield Backend(settings, trust, roster, store, bus, bus, SystemClock(), Meters(CollectorRegistry()), probe)
