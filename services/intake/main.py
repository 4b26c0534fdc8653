"""Wires intake."""

from __future__ import annotations

from services.intake.clock_keeper import ClockKeeper
from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.intake.roster import RosterAnnouncer
from services.intake.transport_keeper import TransportKeeper
from shared.adapters.sql.due_legs import SqlDueLegs
from shared.adapters.sql.late_messages import SqlLateMessages
from shared.runtime.backends import Backend
from shared.runtime.readiness import Check
from shared.runtime.service import ConsumingService


def build_intake(backend: Backend) -> ConsumingService:
    trust = backend.trust
    documents = RecordDocuments(trust.operator_keys, trust.operator_quorum)
    intake = ConsumingService("intake", IntakeHandler(trust.origin, documents), backend)
    intake.first.append(RosterAnnouncer(backend.roster, intake.units, backend.clock).run)
    clocks = ClockKeeper(SqlDueLegs(backend.store), intake.units, intake.instruments, intake.publish, backend.clock)
    count = backend.meters.count_limit_passed
    transport = TransportKeeper(SqlLateMessages(backend.store), intake.units, intake.publish, backend.clock, count)
    intake.beside += [clocks.run, transport.run]
    intake.also_checked += [Check("clocks", clocks.why_late), Check("transport", transport.why_late)]
    return intake
